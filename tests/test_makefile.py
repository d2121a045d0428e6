"""What make is given is text: no part of it is executed, all of it arrives."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GIVEN = re.search(r"^GIVEN := (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
EVIL = [
    "a; touch pwned",
    "$(touch pwned)",
    "$(shell touch pwned)",
    "$$(touch pwned)",
    "`touch pwned`",
    "a b  c",
    'it\'s "quoted"',
    "a\ntouch pwned",
    "| touch pwned",
    "# touch pwned",
]
TARGETS = {
    "iris": ["SEEDS"],
    "iris-noisy": ["BACKEND", "SEEDS"],
    "paper": ["SEEDS"],
    "claims": ["SEEDS"],
    "ablation": ["SEEDS"],
    "compare": ["A", "B"],
    "iris-hw": ["BACKEND", "SEEDS", "EMULATOR", "BUDGET"],
    "iris-hw-plan": ["BACKEND", "SEEDS", "EMULATOR", "BUDGET"],
    "soak-kill": ["KILLS"],
    "soak-faults": ["STUDIES"],
    "clients": ["CLIENTS"],
}
STUB = """#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word" >> arguments; done
"""


@pytest.fixture
def make(tmp_path):
    """A folder with the Makefile and programs that note what they are given."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "constraints.txt", "experiments/ablation/depth.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("qhu", "python"):
        stub = tmp_path / ".venv/bin" / name
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text(STUB)
        stub.chmod(0o755)
    (tmp_path / ".venv/.done").touch()

    def run(target, as_environment=False, **values):
        words = [] if as_environment else [f"{name}={value}" for name, value in values.items()]
        environment = {k: v for k, v in os.environ.items() if k not in GIVEN}
        environment |= values if as_environment else {}
        done = subprocess.run(
            ["make", target, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
        )
        assert not list(tmp_path.rglob("pwned"))
        noted = tmp_path / "arguments"
        return done, noted.read_text().split("\0")[:-1] if noted.exists() else []

    return run


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("target", TARGETS)
def test_a_value_arrives_as_it_is(make, target, text):
    done, arguments = make(target, **dict.fromkeys(TARGETS[target], text))
    assert done.returncode == 0, done.stderr
    assert arguments.count(text) == len(TARGETS[target])


@pytest.mark.parametrize("text", EVIL)
def test_so_does_one_of_the_environment(make, text):
    _, arguments = make("iris-hw", as_environment=True, BACKEND=text, EMULATOR=text)
    assert arguments.count(text) == 2


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("name", GIVEN)
def test_no_value_of_any_variable_is_executed(make, name, text):
    make("ablation" if name == "ONLY" else "iris-hw", **{name: text})


def test_a_bare_make_lists_every_target_in_80_columns():
    text = (ROOT / "Makefile").read_text()
    explained = dict(re.findall(r"^([a-z-]+):.*?## (.*)$", text, re.M))
    bare, asked = (
        subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        for words in ([], ["help"])
    )
    assert bare.stdout == asked.stdout
    assert max(map(len, bare.stdout.splitlines())) <= 80
    shown = " ".join(bare.stdout.split())
    assert all(f"make {name} {words}" in shown for name, words in explained.items())
    phony = set(re.search(r"^\.PHONY: (.*)$", text, re.M)[1].split())
    assert phony == explained.keys()


def test_the_installation_is_not_silent_and_fails_as_pip_does(make, tmp_path):
    (tmp_path / ".venv/.done").unlink()
    done, words = make("setup", PYTHON=str(tmp_path / ".venv/bin/python"))
    assert b"installing torch" in done.stdout and done.returncode == 0
    assert "install" in words and "--quiet" not in words
    (tmp_path / ".venv/.done").unlink()
    python = tmp_path / ".venv/bin/python"
    python.write_text('#!/bin/sh\n[ "$2" = venv ]\n')
    assert make("setup", PYTHON=str(python))[0].returncode != 0


def test_without_values_every_target_has_its_own(make):
    assert make("iris-noisy")[1][-2:] == ["--backend", "fake_brisbane"]


def test_a_rehearsal_has_a_budget_and_consents(make):
    words = make("iris-hw", REHEARSE="1")[1]
    assert words[2:] == [
        "--backend",
        "auto",
        "--emulator",
        "auto",
        "--max-qpu-seconds",
        "600",
        "--yes",
    ]


def test_one_ablation_of_many_is_chosen_by_name(make):
    assert make("ablation", ONLY="dep*")[1][:2] == ["ablate", "experiments/ablation/depth.yaml"]


def test_an_interpreter_may_lie_in_a_folder_with_spaces(make, tmp_path):
    (tmp_path / ".venv/.done").unlink()
    python = tmp_path / "my python"
    python.write_text(STUB)
    python.chmod(0o755)
    assert make("setup", PYTHON=str(python))[1][:3] == ["-m", "venv", ".venv"]
