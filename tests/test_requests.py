"""Requests to forget that are met one after another."""

import numpy as np
import pytest
import torch

from qhu import pipeline
from qhu.model.theta import ModelState
from qhu.settings.experiment import make_experiment
from qhu.study import Cell, Fit, Study
from qhu.unlearn.unlearning import Unlearning, UnlearnResult


def study(methods=("finetune",), **scenario):
    settings = {
        "name": "turns",
        "training": {"epochs": 2},
        "unlearning": {"steps": 3},
        "scenarios": {"s": {"fraction": 0.1, **scenario}},
        "methods": list(methods),
        "seeds": [0],
    }
    return Study(make_experiment(settings, "here"))


@pytest.fixture
def jobs(monkeypatch):
    """What methods were given; each moves θ by 1 in every entry and reports its loss."""
    seen = []

    def moved(self, given):
        (job,) = given
        seen.append(job)
        state = ModelState(job.teacher.theta + 1, job.teacher.buffers)
        history = [{"step": step, "loss": 0.5} for step in (1, 2)]
        return [UnlearnResult(state, history, {"loss": 0.5, "taken": len(seen)})]

    monkeypatch.setattr(Unlearning, "__call__", moved)
    return seen


def test_each_request_finds_what_nobody_asked_to_forget_and_the_model_before(jobs):
    asked, cell = study(requests=3), Cell("s", "finetune", 0)
    part = asked.partition(0, "s")
    stage = pipeline.unlearn(asked, cell)
    assert len(jobs) == 3
    x, left = part.samples, part.train
    teacher = asked.state(pipeline.train(asked, [Fit("teacher", 0)])[0])
    for number, (job, request) in enumerate(zip(jobs, part.requests, strict=True)):
        left = left[~np.isin(left, request)]
        assert torch.equal(job.forget.x, x[request])
        assert torch.equal(job.retain.x, x[left])
        torch.testing.assert_close(job.teacher.theta, teacher.theta + number)
    np.testing.assert_array_equal(left, part.retain)
    states = {job.order.initial_seed() for job in jobs}
    assert len(states) == 3, "a stream for every request"
    torch.testing.assert_close(asked.state(stage).theta, teacher.theta + 3)


def test_steps_and_drift_are_kept_per_request(jobs):
    asked = study(requests=3)
    facts = pipeline.unlearn(asked, Cell("s", "finetune", 0)).facts
    assert facts["steps"] == 6
    lines = [(line["step"], line["request"]) for line in facts["history"]]
    assert lines == [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)]
    root = asked.net("train").theta.size ** 0.5
    for number in (1, 2, 3):
        assert facts["facts"][f"request {number} steps"] == 2
        assert facts["facts"][f"request {number} taken"] == number
        assert facts["facts"][f"request {number} drift"] == pytest.approx(number * root)
    assert facts["facts"]["each request loss"] == 0.5
    assert len(facts["facts"]) == 3 * 3 + 1


def test_one_request_is_what_it_was(jobs):
    asked = study()
    facts = pipeline.unlearn(asked, Cell("s", "finetune", 0)).facts
    assert facts["history"] == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.5}]
    assert facts["facts"] == {"loss": 0.5, "taken": 1} and len(jobs) == 1


def test_every_request_has_a_whole_budget_and_retraining_is_the_oracle():
    asked = study(("finetune", "scrub"), requests=2)
    teacher, oracle = pipeline.train(asked, [Fit("teacher", 0), Fit("oracle", 0, "s")])
    none, retrain, tuned = (
        pipeline.unlearn(asked, Cell("s", method, 0)) for method in ("none", "retrain", "finetune")
    )
    for ours, theirs in ((none, teacher), (retrain, oracle)):
        for name, array in theirs.arrays.items():
            np.testing.assert_array_equal(ours.arrays[name], array)
    assert tuned.facts["steps"] == 6 and none.facts["facts"]["request 2 drift"] == 0
    drift = [tuned.facts["facts"][f"request {number} drift"] for number in (1, 2)]
    assert min(drift) > 0
    moved = asked.state(tuned).theta - asked.state(teacher).theta
    assert drift[1] == pytest.approx(float(moved.norm()))


def test_requests_are_another_question_than_one():
    stages = [pipeline.unlearn(s, Cell("s", "finetune", 0)) for s in (study(), study(requests=2))]
    assert stages[0].key != stages[1].key


def test_a_run_with_requests_says_so(tmp_path, monkeypatch, qhu):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "turns.yaml").write_text(
        "{name: turns, training: {epochs: 1}, unlearning: {steps: 2}, seeds: 0, metrics: [acc], "
        "scenarios: {s: {outliers: 6, requests: 3}}, methods: [finetune]}"
    )
    code, printed, errors = qhu("run", "turns.yaml", "--out", "here")
    assert (code, errors) == (0, "")
    assert "scenario s: forgets 6 training rows" in printed
    assert ", in 3 requests, each with a whole budget of steps" in " ".join(printed.split())
    page = (tmp_path / "here" / "report.html").read_text()
    assert "in 3 requests, each with a whole budget of steps" in page
    assert "In the scenarios s every request had the whole budget" in page
    assert "request 3 drift" in page
    code, _, errors = qhu("run", "turns.yaml", "-s", "scenarios.s.requests=7")
    assert code == 2 and "7 requests for 6 forget rows" in errors and errors.count("\n") == 1
