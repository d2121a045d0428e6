"""A finished run that is asked for again is found without what it would take to compute it."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qhu.commands.repeat import inputs
from qhu.record import receipt
from qhu.settings.experiment import load_experiment
from qhu.settings.shipped import experiments

WORDS = ("run", "tiny.yaml", "--seeds", "0", "--methods", "finetune", "-s", "metrics=[acc]")
ROWS = "".join(f"{row % 5}.5,{row % 3},{'ab'[row % 2]}\n" for row in range(60))
CODE = (
    "import sys; from qhu.cli import main\n"
    f"sys.argv = ['qhu', *{WORDS!r}]\n"
    "try: main()\nfinally: print(*sys.modules, file=sys.stderr)"
)


class ComputedError(Exception):
    """The command was not content with the receipt."""


@pytest.fixture
def asked_again(qhu, monkeypatch):
    """Whether the command would look closer than at the receipt."""

    def refuse(*arguments):
        raise ComputedError

    def again(*more):
        with monkeypatch.context() as patch:
            patch.setattr("qhu.settings.experiment.load_experiment", refuse)
            return qhu(*WORDS, *more)

    return again


@contextlib.contextmanager
def changed(path, content=None):
    """A file with other content, or none, for a while."""
    before = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    yield
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_bytes(before)


def test_only_the_same_command_on_the_same_files_by_the_same_code(
    tiny, qhu, asked_again, monkeypatch
):
    Path("rows.csv").write_text(ROWS)
    text = tiny.read_text().replace("seeds:", "data: {source: 'file:rows.csv'}\nseeds:")
    tiny.write_text(text)
    status, first, _ = qhu(*WORDS)
    assert status == 0
    (folder,) = Path("runs/tiny/statevector").iterdir()

    def is_found():
        status, out, errors = asked_again()
        assert (status == 0) != ("ComputedError" in errors)
        return status == 0 and first.endswith(out.partition("compute\n")[2])

    assert is_found()
    (kept,) = Path("runs/.receipts").iterdir()  # a process with other imports keeps its own
    for _ in range(2):  # imports come from other places there: the first one looks closer
        done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert "finished already" in done.stdout
    assert first.endswith(done.stdout.partition("compute\n")[2])
    assert {"torch", "qiskit", "scipy"}.isdisjoint(done.stderr.split())
    for path, content in (
        (tiny, text.replace("epochs: 3", "epochs: 4").encode()),
        (Path("rows.csv"), ROWS.replace("0.5,0", "0.5,2", 1).encode()),
        (Path("rows.csv"), None),
        (Path("backends.yaml"), b"statevector: {kind: statevector}"),
        (folder / "run.json", (folder / "run.json").read_bytes() + b"\n"),
        (folder / "results.csv", b"x"),
        (folder / "report.html", None),
        (kept, b"{}"),
    ):
        with changed(path, content):
            assert not is_found(), path
        assert is_found()
    for name in ("_code", "_installed"):  # what they are made of: the next test
        with monkeypatch.context() as patch:
            patch.setattr(receipt, name, lambda *given: "another")
            assert not is_found()
    for more in (["-s", "model.layers=3"], ["--seeds", "1"], ["--out", "x"], ["--json"]):
        assert asked_again(*more)[0] != 0


def test_every_file_of_the_code_and_every_distribution_counts(tmp_path, monkeypatch):
    package, site = tmp_path / "qhu", tmp_path / "site"
    (package / "deep").mkdir(parents=True)
    (package / "deep" / "module.py").write_text("x = 1")
    (site / "torch-2.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(receipt, "PACKAGE", package)
    code, installed = receipt._code(), receipt._installed([str(site)])
    (package / "deep" / "module.py").write_text("x = 2")
    assert receipt._code() != code
    (site / "torch-2.0.dist-info").rename(site / "torch-2.1.dist-info")
    assert receipt._installed([str(site)]) != installed
    installed = receipt._installed([str(site)])
    os.utime(site / "torch-2.1.dist-info", ns=(1, 1))  # the same version, put there anew
    assert receipt._installed([str(site)]) != installed


def test_what_changes_between_command_and_end_is_not_vouched_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path("mine.yaml")
    file.write_text("1")
    request = receipt.Invocation(["run"], [file])
    file.write_text("2")
    monkeypatch.setattr("qhu.record.folder.RunFolder.is_complete", lambda self: True)
    (tmp_path / "run.json").write_text("{}")
    request.keep(tmp_path, {}, "")
    assert not receipt.RECEIPTS.exists()
    request = receipt.Invocation(["run"], [file])
    request.keep(tmp_path, {"mine.yaml": "another"}, "")
    assert not receipt.RECEIPTS.exists()
    request.keep(tmp_path, receipt.checksums(["mine.yaml"]), "shown")
    assert request.finished().shown == "shown"
    (written,) = receipt.RECEIPTS.iterdir()
    written.write_text(json.dumps({**json.loads(written.read_text()), "shown": "forged"}))
    assert request.finished() is None


@pytest.mark.parametrize(
    "override",
    ["data.source=mnist", "model.head=mine:Head", "stages.evaluate=ibm_fez"],
)
def test_no_receipt_vouches_for_what_may_change_unseen(tiny, override):
    Path("mine.py").write_text("import torch\nclass Head(torch.nn.Linear): pass\n")
    overrides = [override, *(["data.options.full=true"] if "mnist" in override else [])]
    sys.modules.pop("mine", None)
    assert inputs(load_experiment(tiny)) == {}
    assert inputs(load_experiment(tiny, overrides)) is None


def test_a_text_may_be_longer_than_any_path(tiny):
    """What `qhu tune` says of its objective is."""
    tuned = load_experiment(experiments()["tuned-iris"])
    assert len(tuned.tuned.objective) > 255
    assert inputs(tuned) in ({}, None)


def test_nor_for_plugins(tiny, monkeypatch):
    experiment = load_experiment(tiny)
    monkeypatch.setattr("qhu.commands.repeat.entry_points", lambda group: [group])
    assert inputs(experiment) is None
