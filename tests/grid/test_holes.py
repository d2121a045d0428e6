"""One bad cell never ends a grid: it is marked, and everything else is computed."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
import yaml

from qhu import pipeline, registry
from qhu.errors import BudgetRefused, UserError, fatal
from qhu.grid.execute import Failed, Step, do, one_by_one
from qhu.metrics.evidence import Measured
from qhu.record.scores import Reading
from qhu.study import Cell
from qhu.unlearn.finetune import train
from qhu.unlearn.task import MethodOptions


@pytest.fixture
def small(tiny):
    """Two seeds of a scenario."""
    settings = yaml.safe_load(tiny.read_text())
    settings |= {"methods": ["finetune"], "scenarios": {"subset": {"fraction": 0.1}}}
    tiny.write_text(yaml.safe_dump(settings))
    return tiny


@pytest.fixture
def method(monkeypatch):
    """Registers a method for the test; its name in ``method.bad``."""
    registry.method.names()
    monkeypatch.setattr(registry.method, "_entries", dict(registry.method._entries))

    def add(act):
        def bad(student, task, options: MethodOptions):
            """Fine-tune, with a flaw."""
            act(student, task)

        registry.method("bad")(bad)

    return add


def second_seed(act):
    """A method that fine-tunes for the first seed that it is called for, and acts for others."""
    seen = []

    def method(student, task):
        seen.append(student.orders[0].initial_seed())
        if seen[-1] == seen[0]:
            train(student, task.retain)
        else:
            act(student, task)

    return method


def raises(student, task):
    raise ValueError("no such\nluck")


def leaves(student, task):
    raise SystemExit


def spends(student, task):
    for _ in range(student.budget + 1):
        student.move(student.theta)


def spoils(student, task):
    student.move(student.theta * math.nan)


def failed(folder):
    record = json.loads(Path(folder, "run.json").read_text())
    return record["status"], record["failed"]


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (raises, r"ValueError: no such luck (test_holes.py, line "),
        (leaves, "SystemExit (test_holes.py, line "),
        (spends, "took more than its 5 steps"),
        (spoils, "the model's outputs or parameters are not finite"),
    ],
)
def test_a_method_that_fails_for_one_seed_is_a_hole(small, qhu, method, act, why):
    assert qhu("run", small, "--out", "without")[0] == 0
    method(second_seed(act))
    code, out, errors = qhu("run", small, "--methods", "finetune,bad", "--out", "here")
    assert code == 1
    assert errors.startswith("qhu: 1 cell failed") and errors.count("\n") == 1
    status, holes = failed("here")
    assert status == "incomplete"
    (hole,) = holes
    assert (hole["method"], hole["scenario"], hole["seed"]) == ("bad", "subset", 1)
    assert why in hole["reason"] and "\n" not in hole["reason"]
    assert f"failed: subset bad seed 1: {hole['reason']}" in out
    results = pd.read_csv("here/results.csv")
    assert set(results[results.method == "bad"].seed) == {0}
    others = results[results.method != "bad"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, pd.read_csv("without/results.csv"))
    assert qhu("report", "here")[0] == 0
    page = Path("here/report.html").read_text()
    assert "This run is incomplete." in page and "subset bad seed 1: " in page


def test_the_same_command_tries_holes_again(small, qhu, method):
    command = ("run", small, "--methods", "bad", "--out", "here")
    method(second_seed(raises))
    assert qhu(*command)[0] == 1
    registry.method._entries.pop("bad")
    method(lambda student, task: train(student, task.retain))
    code, out, _ = qhu(*command)
    assert code == 0 and "nothing to compute" not in out
    assert failed("here") == ("finished", [])


def test_a_training_that_diverges_for_a_seed_leaves_the_others(small, qhu, monkeypatch):
    job = pipeline._fit_job

    def diverging(study, fit):
        made = job(study, fit)
        if (fit.kind, fit.seed) == ("teacher", 1):
            made.init.theta.fill_(math.nan)
        return made

    monkeypatch.setattr(pipeline, "_fit_job", diverging)
    assert qhu("run", small, "--out", "here")[0] == 1
    _, holes = failed("here")
    assert {(hole["method"], hole["seed"]) for hole in holes} == {
        (method, 1) for method in ("none", "retrain", "floor", "finetune")
    }
    assert {hole["reason"].partition(";")[0] for hole in holes} == {
        "evaluate teacher seed 1: "
        "the teacher's outputs or parameters are not finite: training diverged"
    }
    results = pd.read_csv("here/results.csv")
    assert set(results.seed) == {0} and results.value.notna().all()
    lines = Path("here/history.jsonl").read_text().splitlines()
    strict = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert any(line.get("loss", 0) is None for line in strict)
    assert qhu("report", "here")[0] == 0


def test_a_training_that_raises_is_tried_once(small, qhu, monkeypatch):
    calls, fit = [], pipeline.fit

    def broken(net, jobs, *rest):
        calls.append(len(jobs))
        if len(calls) == 2:
            raise RuntimeError("out of luck")
        return fit(net, jobs, *rest)

    monkeypatch.setattr(pipeline, "fit", broken)
    code, _, errors = qhu("run", small, "--out", "here")
    assert code == 1 and "every cell failed" in errors and "out of luck" in errors
    assert len(calls) == 3, "teachers, oracles, floors: no cell trains again"


def test_a_metric_that_fails_costs_its_scores_alone(small, qhu, monkeypatch):
    registry.metric.names()
    monkeypatch.setattr(registry.metric, "_entries", dict(registry.metric._entries))
    reads = {"odd": Reading(title="odd", against=None)}

    @registry.metric("odd", reads=reads)
    def odd(evidence):
        """Defined where the mean is small."""
        if evidence.model.theta is not None and len(calls) % 2:
            calls.append(0)
            return {"odd": Measured(math.nan, 1)}
        calls.append(0)
        raise ZeroDivisionError("odd")

    calls = []
    assert qhu("run", small, "--out", "here", "-s", "metrics=[acc,odd]")[0] == 1
    status, holes = failed("here")
    assert status == "incomplete" and len(holes) == 8
    assert all(hole["reason"].startswith("metric odd: ") for hole in holes)
    assert {"'odd' is nan" in hole["reason"] for hole in holes} == {True, False}
    results = pd.read_csv("here/results.csv")
    assert len(results.groupby(["method", "seed"])) == 8 and "odd" not in set(results.metric)


def test_what_all_cells_need_ends_the_run(small, qhu, monkeypatch):
    evaluate = pipeline.evaluate

    def full(study, cell):
        if cell == Cell("subset", "finetune", 0):
            with fatal():
                raise UserError("no space left")
        return evaluate(study, cell)

    monkeypatch.setattr(pipeline, "evaluate", full)
    code, _, errors = qhu("run", small, "--out", "here")
    assert (code, errors) == (2, "qhu: no space left\n")
    assert failed("here")[0] == "failed"


def test_a_budget_is_no_hole():
    def refused(study, item):
        raise BudgetRefused("too small")

    with pytest.raises(BudgetRefused):
        do(None, refused, None)
    assert do(None, lambda study, item: 1 / 0, None).reason.startswith("ZeroDivisionError")


def test_what_needs_a_failed_step_is_not_tried():
    tried = []

    def work(study, item):
        tried.append(item)
        if item == "bad":
            raise ValueError("bad")
        return item

    bad = Step(None, "t", "bad", work, "bad")
    good = Step(None, "t", "good", work, "good")
    after = Step(None, "t", "after", work, "after", frozenset([bad, good]))
    last = Step(None, "t", "last", work, "last", frozenset([after]))
    results = dict(one_by_one([bad, good, after, last]))
    assert tried == ["bad", "good"]
    assert results[good] == "good" and isinstance(results[bad], Failed)
    assert results[after].reason == f"bad: {results[bad].reason}"
    assert results[last].reason == f"after: {results[after].reason}"
