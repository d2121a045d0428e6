"""Every command of the documentation runs.

A real shell expands each line; the programs in it only note their arguments, ``make`` runs the
recipe with that. What was noted then runs in this process, made small. Tutorials run unchanged,
whenever the site is built: here their commands are only parsed.
"""

import re
import shlex
import shutil
import subprocess

import pytest
import typer
from documents import ROOT, blocks, pages, place

from qhu.cli import app
from qhu.hardware.access import LEDGERS
from qhu.hardware.ledger import Ledger

INLINE = re.compile(r"`((?:qhu|make) [^`]+)`")
PROGRAMS = ("qhu", "pytest", "pip", "python", "dask")
# Words end with a zero byte, calls with a zero byte and a line feed.
NOTING = """#!/bin/sh
for word in "${0##*/}" "$@"; do printf '%s\\0' "$word"; done >> noted
printf '\\n' >> noted
"""
ABLATION = "commands/test_ablate.py::test_an_ablation_is_ordinary_runs_and_a_page_and_resumes"
EVIDENCE = "evidence/test_pool.py::test_one_command_gathers_judges_and_resumes"
AUDIT = "paper/test_images.py::test_a_folder_of_image_checkpoints_is_audited"
EVALUATED = "commands/test_evaluate.py::test_the_documented_commands"
SERVED = "emulator/test_server.py::test_the_command_serves_until_it_is_interrupted"
SCHEDULER = "grid/test_cluster.py::test_a_killed_worker_costs_only_its_cell"
TLS = "grid/test_cluster.py::test_a_scheduler_with_tls"
PLUGIN = "test_plugin.py::test_all_of_it_works_together_here_and_on_a_worker"
SLURM = "grid/test_slurm.py::test_the_documented_command_asks_for_its_jobs"
ELSEWHERE = {
    "make test": "docs/test_commands.py::test_the_commands_of_the_page",
    "make evidence": EVIDENCE,
    "make evidence ONLY=iris": EVIDENCE,
    "qhu evidence iris --workers 2": EVIDENCE,
    "qhu evidence iris -s evidence.models=512 --methods scrub,lca": EVIDENCE,
    "make claims": "claims/test_claims_run.py::test_a_tiny_page_of_claims_resumes",
    "qhu claims --seeds 0-4 --models 64": (
        "claims/test_claims_run.py::test_a_tiny_page_of_claims_resumes"
    ),
    "make paper": "paper/test_run.py::test_each_protocol_runs_in_its_ordinary_folder",
    "make ablation": ABLATION,
    "qhu doctor": "hardware/test_jobs.py::test_the_doctor_says_what_to_mend",
    "qhu audit DIR --dataset iris": AUDIT,
    "qhu audit FOLDER --dataset iris": AUDIT,
    "qhu audit FOLDER --dataset fashion_mnist --json": AUDIT,
    "qhu evaluate mine.pt --experiment iris --as mine --scenario class --seed 0": EVALUATED,
    "qhu evaluate mine.pt --experiment experiments/iris.yaml --as mine --scenario class --seed 0": (
        EVALUATED
    ),
    "qhu evaluate 'mine/seed{seed}.pt' --experiment experiments/iris.yaml --as mine "
    "--scenario class --backend fake_torino": EVALUATED,
    "qhu jobs TAG --give-up": "hardware/test_jobs.py::test_a_lost_job_can_be_given_up",
    "qhu emulator --device fake_brisbane --port 8787 --state .emulator": SERVED,
    "qhu run experiments/iris.yaml --scheduler tcp://node1:8786": SCHEDULER,
    "qhu run experiments/iris.yaml --scheduler tls://node1:8786": TLS,
    "dask scheduler --host node1 --port 8786": SCHEDULER,
    "dask worker tcp://node1:8786 --nthreads 1 --nworkers 16": SCHEDULER,
    "pip install 'qhu[cluster]'": SLURM,
    "pip install ./docs/example-plugin": PLUGIN,
    "qhu run docs/example-plugin/moons.yaml": PLUGIN,
    "python docs/examples/slurm.py experiments/iris.yaml --jobs 8": SLURM,
}
"""Lines that need hours, files or machines of their own, and the test that has them."""
PAIR = {"<run folder>": "pair/exact", "RUN_A": "pair/exact", "RUN_B": "pair/noisy"}
"""Stand for run folders in the text: runs of the same models, made for them."""
QUICK = (
    *("training.epochs=1", "unlearning.steps=5", "metrics=[acc,kl]"),
    "scenarios={subset2pct: {label: 0}}",  # the one that paper/iris.yaml refers to
)
DEVICE = ("--backend", "ibm_manila", "--emulator", "auto")


def commands(page):
    """Lines of the page's shell blocks, without comments, continued lines joined."""
    text = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    lines = (re.sub(r"\s+# .*$", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def tutorial(page):
    """Whether the build of the site runs the page's commands."""
    return page.parent.name in ("tutorials", "notebooks")


def quick(words):
    """Options that leave little to do, but for settings that the words give themselves."""
    given = {word.partition("=")[0] for word in words}
    left = [setting for setting in QUICK if setting.partition("=")[0] not in given]
    return [word for setting in left for word in ("-s", setting)]


def small(name, *words):
    """The same command with little to do; settings that it gives itself win."""
    words = [name, *words]
    if name in ("run", "plan", "ablate"):
        words[1:1] = quick(words)
        words += ["--seeds", "0", *([] if "--methods" in words else ["--methods", "finetune"])]
    if name == "tune":
        words[1:1] = [*quick(words), "--seeds", "100", "--methods", "finetune"]
        words += ["--trials", "2"]
    if "--scenario" in words and name == "tune":
        words[words.index("--scenario") + 1] = "subset2pct"
    if "--workers" in words:  # tests/grid/test_cluster.py has them
        words += ["--workers", "0"]
    if {"iris-hw", "experiments/iris-hw.yaml"} & set(words):
        words += [*DEVICE, *(["--yes"] if name == "run" else [])]
    if name in ("report", "compare"):
        words = [word for word in words if word != "--"][: 2 if name == "report" else 3]
    return [*words, "--emulator", "auto"] if name == "jobs" else words


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Finished stages and the ledger, shared by all pages."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def folder(tmp_path, kept, monkeypatch):
    """A working folder like that of the repository, with programs that note their arguments."""
    for name in ("backends.yaml", "Makefile", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.setattr("qhu.settings.shipped.EXPERIMENTS", tmp_path / "experiments")
    for path in (tmp_path / "experiments" / "ablation").iterdir():
        path.write_text(re.sub(r"\[1, 2, 3.*\]", "[1, 2]", path.read_text()))
    (tmp_path / "runs").mkdir()
    for name in ("runs/.stages", "ledger"):
        (kept / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(kept / name)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "activate").touch()
    for name in PROGRAMS:
        (binaries / name).write_text(NOTING)
        (binaries / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    # They would take most of the time; `qhu report` writes a report, other tests draw circuits.
    monkeypatch.setattr("qhu.grid.collect.write_report", lambda folder: None)
    monkeypatch.setattr("qhu.grid.collect.drawing", lambda study: "<svg></svg>")
    return tmp_path


def noted(folder, line):
    """The calls of programs that a line makes, as lists of words."""
    shell = 'PATH="$PWD/.venv/bin:$PATH"; make() { command make -s -o setup "$@"; }; '
    note = folder / "noted"
    note.unlink(missing_ok=True)
    subprocess.run(["bash", "-ec", shell + line], check=True, cwd=folder, timeout=60)
    calls = note.read_text().split("\0\n") if note.exists() else []
    return [call.split("\0") for call in calls if call]


def parse(words):
    """Refuse what the command does not understand."""
    name, *rest = words
    typer.main.get_command(app).commands[name].make_context(name, rest)


@pytest.fixture
def call(qhu):
    """Calls the command in this process."""

    def call(words):
        status, _, errors = qhu(*words)
        assert status == 0, f"qhu {shlex.join(words)}: {errors}"

    return call


@pytest.fixture
def fill(call, folder):
    """Puts a run folder or a tag where the text only names one."""

    def fill(line):
        if any(name in line for name in PAIR) and not (folder / "pair").exists():
            study = small("run", "experiments/iris.yaml")
            call([*study, "--out", "pair/exact"])
            call([*study, "--out", "pair/noisy", "--backend", "depolarizing_2pc"])
        for name, path in PAIR.items():
            line = line.replace(name, path)
        if "TAG_OR_JOB" in line:
            line = line.replace("TAG_OR_JOB", Ledger(LEDGERS / "emulator.db").requests()[0].tag)
        return line

    return fill


WITH_COMMANDS = [page for page in pages() if commands(page)]


@pytest.mark.parametrize("page", [p for p in WITH_COMMANDS if not tutorial(p)], ids=place)
def test_the_commands_of_the_page(page, call, fill, folder):
    done = []
    for line in commands(page):
        for program, *words in noted(folder, fill(line)):
            if program == "qhu":
                parse(words)
            if line in ELSEWHERE:
                continue
            assert program == "qhu", f"no test runs {line}"
            if small(*words) not in done:
                call(small(*words))
                done.append(small(*words))


@pytest.mark.parametrize("page", [p for p in WITH_COMMANDS if tutorial(p)], ids=place)
def test_the_commands_of_the_tutorial(page):
    for line in commands(page):
        program, *words = shlex.split(line)
        if program == "qhu":
            parse(words)


@pytest.mark.parametrize("page", pages(), ids=place)
def test_commands_in_the_text(page):
    for program, name, *words in map(shlex.split, INLINE.findall(page.read_text())):
        if program == "make":
            subprocess.run(["make", "-n", name], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        elif not name.startswith("-"):
            known = typer.main.get_command(app).commands[name].params
            options = {"--help", *(word for option in known for word in option.opts)}
            assert {word for word in words if word.startswith("-")} <= options


def test_lines_that_run_elsewhere_are_in_the_docs_and_do():
    assert set(ELSEWHERE) <= {line for page in pages() for line in commands(page)}
    for where in ELSEWHERE.values():
        path, _, name = where.partition("::")
        before, defined, _ = (ROOT / "tests" / path).read_text().partition(f"def {name}(")
        assert defined, where
        assert not before.endswith("slow\n"), "the default suite leaves it out"


def test_a_wrong_command_would_be_found(folder, call):
    ((_, *words),) = noted(folder, "qhu run experiments/iris.yaml --nonsense runs/*")
    assert words[:3] == ["run", "experiments/iris.yaml", "--nonsense"]
    with pytest.raises(Exception, match="nonsense"):
        parse(words)
    with pytest.raises(AssertionError, match="nonsense"):
        call(words)
    with pytest.raises(subprocess.CalledProcessError):
        noted(folder, "make nonsense")
    with pytest.raises(subprocess.CalledProcessError):
        noted(folder, "qhuu run experiments/iris.yaml")
