"""The shell's questions, as it asks them: `qhu … <Tab>`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qhu import registry
from qhu.backends.named import known_backends
from qhu.cli import completion
from qhu.layout.snapshots import _classes
from qhu.registry import REGISTRIES
from qhu.settings.experiment import load_experiment
from qhu.settings.shipped import experiments

ASK = "from qhu.cli import main; main()"
SHOW = "print(*sys.modules, file=sys.stderr)"
HEAVY = f"import sys; from qhu.cli import main\ntry: main()\nfinally: {SHOW}"


def complete(words, code=ASK):
    """What bash is offered for the last word, and standard error."""
    environment = {
        **os.environ,
        "_QHU_COMPLETE": "complete_bash",
        "COMP_WORDS": f"qhu {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    code = f"import sys; sys.argv[0] = 'qhu'; {code}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    return done.stdout.split(), done.stderr


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_shell_is_answered_without_torch_or_qiskit():
    offered, errors = complete("run iris --methods finetune,sc", HEAVY)
    assert offered == ["finetune,scrub", "finetune,scrub_rewind"]
    assert {"torch", "qiskit", "pandas"}.isdisjoint(errors.split())


@pytest.mark.parametrize("kind", REGISTRIES)
def test_names_in_the_sources_are_those_that_are_registered(kind):
    assert REGISTRIES[kind].listed() == REGISTRIES[kind].names()


def test_backends_are_those_that_are_known():
    Path("backends.yaml").write_text("mine: {kind: aer, depolarizing: [0, 0.1]}")
    offered = set(completion.backends(""))
    assert offered == {
        *(name for name in known_backends() if "DEVICE" not in name),
        *_classes(),
    }
    assert completion.backends("mi") == ["mine"]


def test_experiments_are_the_shipped_ones_and_files():
    Path("mine.yaml").touch()
    Path("notes.txt").touch()
    Path("more").mkdir()
    Path("more/deep.yml").touch()
    assert set(completion.experiments("")) == {*experiments(), "mine.yaml", "more/"}
    assert completion.experiments("more/") == ["more/deep.yml"]
    assert completion.experiments("mi") == ["mine.yaml"]


def test_run_folders_are_offered():
    Path("runs/iris/statevector/abc").mkdir(parents=True)
    Path("runs/iris/statevector/abc/report.html").touch()
    assert completion.run_folders("ru")[0] == "runs/iris/statevector/abc"


def test_every_setting_offered_is_one(tiny):
    """Each is set to what it is by default, or refused for its value, never for its name."""
    offered = completion.settings("")
    assert {"model.front=", "data.test=", "unlearning.lr=", "stages.train="} <= set(offered)
    experiment = load_experiment(tiny).model_dump(mode="json")
    for setting in offered:
        value = experiment
        for key in setting.removesuffix("=").split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, dict | list):
            load_experiment(tiny, [f"{setting}{value}"])


def test_values_of_a_setting_are_offered():
    assert completion.settings("model.head=m") == ["model.head=mlp"]
    assert completion.settings("unlearning.scope=") == [
        f"unlearning.scope={scope}" for scope in ("all", "quantum", "classical")
    ]
    assert completion.settings("training.paired=t") == ["training.paired=true"]
    assert "stages.evaluate=depolarizing_2pc" in completion.settings("stages.evaluate=dep")
    assert "data.source=wine" in completion.settings("data.source=")


def test_kinds_and_stages():
    assert completion.kinds("m") == ["methods", "metrics"]
    assert completion.stages("train,") == ["train,unlearn", "train,evaluate"]
    assert registry.REGISTRIES.keys() <= set(completion.kinds(""))
