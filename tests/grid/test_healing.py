"""Damaged stages and run folders of whole runs."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import yaml

from qhu import pipeline
from qhu.record.folder import RunFolder
from qhu.record.store import Store

STAGES = Path("runs/.stages")
KINDS = {"together": "from scratch", "facts": "unlearned", "effective": "outputs"}
"""A fact that only stages of a kind have, and what they are."""


@pytest.fixture
def small(tiny):
    """The tiny experiment with less to compute, but stacks of two."""
    settings = yaml.safe_load(tiny.read_text())
    settings |= {"methods": ["finetune"], "scenarios": {"subset": {"fraction": 0.1}}}
    tiny.write_text(yaml.safe_dump(settings))
    return tiny


def kinds():
    """Files of the store by what they are."""
    store, files = Store(STAGES), {name: [] for name in KINDS.values()}
    for file in sorted(STAGES.rglob("*.safetensors")):
        (kind,) = (KINDS[fact] for fact in store.load(file.stem).facts if fact in KINDS)
        files[kind].append(file)
    return files


def flip(file, draw):
    """Flip a bit anywhere in a file."""
    content = bytearray(file.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    file.write_bytes(content)


def test_flipped_bits_are_noticed_and_healed_to_the_byte(small, qhu):
    """Twenty of them, some a stage whose children are whole, some a stage with its children."""
    assert qhu("run", small, "--out", "first")[0] == 0
    draw, flips = random.Random(1), 0
    files = kinds()
    every = [file for listed in files.values() for file in listed]
    rounds = [draw.sample(files["from scratch"], 1), draw.sample(files["unlearned"], 2)]
    rounds += [draw.sample(files["outputs"], 4), draw.sample(every, 13)]
    for number, damaged in enumerate(rounds):
        before = {file: file.read_bytes() for file in every}
        for file in damaged:
            flip(file, draw)
        code, _, errors = qhu("run", small, "--out", f"again{number}")
        assert code == 0
        assert errors.count("\n") == len(damaged)
        assert all(f"{file.name} is damaged" in errors for file in damaged)
        assert {file: file.read_bytes() for file in every} == before
        for name in ("results.csv", "predictions.parquet", "history.jsonl"):
            assert Path(f"again{number}", name).read_bytes() == Path("first", name).read_bytes()
        flips += len(damaged)
    assert flips == 20


@pytest.mark.slow
def test_a_paid_stage_is_answered_by_the_ledger(small, qhu, monkeypatch):
    """Damaged stages of an evaluation on a device are filled again, and nothing is submitted."""
    monkeypatch.setenv("USAGE_DATA_OPT_OUT", "True")
    device = ("--backend", "ibm_manila", "--emulator", "auto", "--max-qpu-seconds", "60", "--yes")
    asked = ("run", small, "--seeds", "0", "-s", "evaluation.retain=5", *device)
    assert qhu(*asked, "--out", "first")[0] == 0
    jobs = json.loads(qhu("jobs", "--emulator", "auto", "--json")[1])
    for file in kinds()["outputs"]:
        flip(file, random.Random(4))
    code, _, errors = qhu(*asked, "--out", "again")
    assert code == 0 and "is damaged" in errors
    assert json.loads(qhu("jobs", "--emulator", "auto", "--json")[1]) == jobs != []
    assert Path("again/results.csv").read_bytes() == Path("first/results.csv").read_bytes()


def test_editing_a_model_of_a_run_folder_leaves_the_store_alone(small, qhu):
    qhu("run", small, "--out", "first")
    before = {file: file.read_bytes() for file in STAGES.rglob("*.safetensors")}
    for model in Path("first/models").iterdir():
        with model.open("r+b") as file:
            file.write(b"spoilt")
    assert {file: file.read_bytes() for file in STAGES.rglob("*.safetensors")} == before


@pytest.mark.parametrize("name", ["results.csv", "models/seed0-teacher.safetensors"])
def test_a_damaged_file_of_a_finished_run_is_written_again(small, qhu, monkeypatch, name):
    command = ("run", small, "--out", "here")
    qhu(*command)
    before = Path("here", name).read_bytes()
    flip(Path("here", name), random.Random(2))
    monkeypatch.setattr(Store, "put", None)
    code, out, _ = qhu(*command)
    assert code == 0 and "nothing to compute" not in out
    assert Path("here", name).read_bytes() == before
    assert "nothing to compute" in qhu(*command)[1]


def content(folder):
    return {file: file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}


def test_an_interrupted_rerun_leaves_a_finished_folder_as_it_was(small, qhu, monkeypatch):
    command = ("run", small, "--out", "here")
    qhu(*command)
    Path("here/notes.txt").write_text("mine")
    before, evaluate, calls = content("here"), pipeline.evaluate, []

    def stopped(study, cell):
        calls.append(cell)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(study, cell)

    monkeypatch.setattr("qhu.record.environment.files_digest", lambda: "edited")
    shutil.rmtree("runs/.receipts")  # other code believes none
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "evaluate", stopped)
        assert qhu(*command)[0] == 130
    assert content("here") == before, "Ctrl-C"
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "evaluate", lambda study, cell: 1 / 0)
        assert qhu(*command)[0] == 1
    assert content("here") == before, "a failed method"
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_lines", full)
        code, _, errors = qhu(*command)
        assert (code, errors.count("\n")) == (2, 1) and "no space left" in errors
    assert content("here") == before, "a full disk"
    assert qhu(*command)[0] == 0
    after = content("here")
    assert after.keys() == before.keys() and after[Path("here/notes.txt")] == b"mine"
    assert after[Path("here/run.json")] != before[Path("here/run.json")]


def full(*_):
    raise OSError(28, "No space left on device")


def test_two_processes_do_not_share_a_folder(small, qhu):
    if not (child := os.fork()):
        with RunFolder(Path("here")).claimed():
            Path("held").touch()
            time.sleep(60)
    while not Path("held").exists():
        time.sleep(0.01)
    code, _, errors = qhu("run", small, "--out", "here")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert code == 2 and "another qhu works in here" in errors
    assert qhu("run", small, "--out", "here")[0] == 0, "a killed process holds nothing"
    assert json.loads(Path("here/run.json").read_text())["status"] == "finished"
