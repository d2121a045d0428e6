"""What is accepted is used: settings and options without an effect are refused, in plain words."""

import re
from pathlib import Path

import pytest

THEIRS = re.compile(r"Input should|valid (integer|number|string)|unable to parse")
STUDY = """
name: e
data: {source: iris}
training: {epochs: 1}
scenarios: {subset: {fraction: 0.1}}
methods: [finetune]
seeds: 0
"""
REFUSED = {
    "truth as epochs": (["run", "-s", "training.epochs=true"], "must be a whole number"),
    "truth as rows": (["run", "-s", "data.per_class=true"], "must be a whole number"),
    "truth in a list": (["run", "-s", "model.hidden=[true]"], "must be a whole number"),
    "truth as a rate": (["run", "-s", "methods.finetune.lr=true"], "lr: must be a number"),
    "noise of no row": (["run", "-s", "data.label_noise=0.001"], "none of 102 training rows"),
    "more rows than there are": (
        ["run", "-s", "evaluation.retain=1000"],
        "evaluation.retain 1,000: scenario 'subset' retains 92",
    ),
    "a method twice": (["run", "--methods", "scrub,scrub"], "'scrub' stands twice"),
    "no method": (["run", "--methods", ""], "--methods '': unknown method"),
    "seeds down": (["run", "--seeds", "5-3"], "seeds count up: 3-5, not '5-3'"),
    "a scenario's key": (
        ["run", "-s", "scenarios.x={labl: 1}"],
        "did you mean 'scenarios.x.label'",
    ),
    "an option of none": (["run", "-s", "data.options={a: 1}"], "there is none"),
    "seconds of no device": (["run", "--max-qpu-seconds", "5"], "max_qpu_seconds is for runs on"),
    "success of no device": (["run", "--least-success", "0.5"], "least_success is for runs on"),
    "rehearsal of no device": (["run", "--emulator", "auto"], "emulator is for runs on"),
    "plan of no device": (["plan", "--max-qpu-seconds", "5"], "max_qpu_seconds is for runs on"),
    "fewer workers than none": (["run", "--workers", "-1"], "'--workers': must be 0 or more"),
    "workers in words": (["run", "--workers", "two"], "must be a whole number (got 'two')"),
}
ALONE = {
    "no folder of runs": (["runs", "nowhere"], "there is no folder nowhere"),
    "nothing to give up": (["jobs", "--give-up"], "--give-up needs the tag"),
    "a document of one job": (["jobs", "x", "--json"], "--json is of the list of all"),
    "a file for a name": (["init", "mine.yaml"], "give the name alone, such as mine"),
    "an emulator's rule": (["emulator", "-s", "pace=nan"], "rule 'pace': must be 0 or more"),
}


@pytest.mark.parametrize(("command", "why"), REFUSED.values(), ids=REFUSED)
def test_setting(command, why, qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("e.yaml").write_text(STUDY)
    refused([command[0], "e.yaml", *command[1:]], why, qhu)
    assert [path.name for path in Path().iterdir()] == ["e.yaml"]


@pytest.mark.parametrize(("command", "why"), ALONE.values(), ids=ALONE)
def test_command(command, why, qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(command, why, qhu)
    assert not list(Path().iterdir())


def refused(command, why, qhu):
    status, _, errors = qhu(*command)
    assert status == 2 and errors.count("\n") == 1
    assert why in errors and not THEIRS.search(errors)
