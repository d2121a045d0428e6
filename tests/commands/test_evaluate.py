"""Models that were unlearned elsewhere: scored as a run scores its own, or refused in a line."""

import json
import re

import pandas as pd
import pytest

import qhu
from qhu.record.folder import RunFolder
from qhu.record.store import Store

SETTINGS = {
    "name": "tiny",
    "training": {"epochs": 3},
    "unlearning": {"steps": 5},
    "scenarios": {"subset": {"fraction": 0.1}, "class": {"label": 0}},
    "methods": ["finetune"],
    "seeds": [0, 1],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder, shared so that what is computed once is found again."""
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="module")
def origin(place):
    """A run whose models are what strangers bring."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        (place / "tiny.yaml").write_text(json.dumps(SETTINGS))
        return qhu.run("tiny.yaml")


@pytest.fixture
def model(origin, place, monkeypatch):
    """Path of a model of the run."""
    monkeypatch.chdir(place)
    return lambda *name: RunFolder(place / origin.folder).model(*name)


def rows(run, method):
    """Scores of a method in the scenario ``class``, by metric and seed."""
    table = run.results.query(f"method == '{method}' and scenario == 'class'")
    return table.set_index(["metric", "seed"])[["value", "n"]].sort_index()


def forgot(states, **options):
    """What is scored as models that forgot the class."""
    chosen = {"name": "mine", "scenario": "class", **options}
    return qhu.evaluate(states, "tiny.yaml", **chosen)


@pytest.mark.parametrize(("kind", "row"), [("finetune", "finetune"), ("oracle", "retrain")])
def test_a_model_of_a_run_has_its_scores(origin, model, kind, row):
    run = forgot(str(model(0, kind, "class")).replace("seed0", "seed{seed}"))
    for ours, theirs in (("mine", row), ("retrain", "retrain"), ("floor", "floor")):
        pd.testing.assert_frame_equal(rows(run, ours), rows(origin, theirs), check_exact=True)
    assert run.folder != origin.folder
    assert set(run.results["method"]) == {"none", "retrain", "floor", "mine"}
    columns = ["row", *(c for c in run.predictions if re.fullmatch(r"[pz]\d+", c))]
    chosen = [
        r.predictions.query(f"scenario == 'class' and method == '{m}'")[columns]
        for r, m in ((run, "mine"), (origin, row))
    ]
    pd.testing.assert_frame_equal(*(c.reset_index(drop=True) for c in chosen), check_exact=True)


def test_the_command_does_the_same_and_nothing_twice(origin, model, qhu, monkeypatch):
    computed = []
    put = Store.put
    monkeypatch.setattr(Store, "put", lambda *a: (computed.append(a[1]), put(*a)))
    pattern = str(model(0, "finetune", "class")).replace("seed0", "seed{seed}")
    asked = ("evaluate", pattern, "--experiment", "tiny.yaml", "--as", "again")
    status, printed, errors = qhu(*asked, "--scenario", "class")
    assert status == 0, errors
    folder = re.search(r"report: (\S+)/report.html", printed)[1]
    computed.clear()
    status, printed, _ = qhu(*asked, "--scenario", "class")
    assert status == 0
    assert f"{folder} is finished already" in printed
    assert not computed
    record = json.loads((origin.folder.parent / folder.rpartition("/")[2] / "run.json").read_text())
    file = model(1, "finetune", "class")
    about = record["checkpoints"]["again"]["class"]["1"]
    assert about["file"] == file.name
    assert about["sha256"] == __import__("hashlib").sha256(file.read_bytes()).hexdigest()
