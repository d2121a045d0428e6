"""The stages, called one by one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from qhu import pipeline, steps, training
from qhu.errors import UserError
from qhu.experiment import load_experiment
from qhu.record.store import Store
from qhu.study import Cell, Fit, Study

BACKENDS = {
    "statevector": {"kind": "statevector"},
    "shots": {"kind": "aer", "depolarizing": [0.01, 0.01], "shots": 100},
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_predictions_are_made_a_few_rows_at_a_time(tiny, backend, monkeypatch):
    Path("backends.yaml").write_text(yaml.safe_dump(BACKENDS))
    settings = [f"stages.evaluate={backend}", "training.epochs=1"]
    study = Study(load_experiment(tiny, settings), Store(Path("whole")))
    (teacher,) = pipeline.train(study, [Fit("teacher", 0)])
    whole = pipeline.predict(study, teacher, 0).arrays
    for limit in ("ROWS_AT_ONCE", "CACHED"):
        monkeypatch.setattr(f"qhu.model.hybrid.{limit}", 64)
    again = Study(load_experiment(tiny, settings), Store(Path("parts")))
    sizes, make = set(), again.net

    def watched(*which):
        net = make(*which)
        net.quantum.register_forward_pre_hook(lambda _, rows: sizes.add(len(rows[0])))
        return net

    monkeypatch.setattr(again, "net", watched)
    parts = pipeline.predict(again, teacher, 0).arrays
    assert sizes == {64, 22}
    for name, array in whole.items():
        np.testing.assert_allclose(parts[name], array, atol=1e-6)


def test_all_seeds_of_a_kind_train_as_one_stack(tiny, monkeypatch):
    study = Study(load_experiment(tiny, ["training.epochs=1", "seeds=0-2"]), Store(Path("store")))
    sizes, fit_stack = [], training._fit_stack

    def counted(net, jobs, spec):
        sizes.append(len(jobs))
        return fit_stack(net, jobs, spec)

    monkeypatch.setattr(training, "_fit_stack", counted)
    for batch in steps.batches(study):
        pipeline.train(study, batch)
    assert sizes == [3] * 5  # the teachers, and per scenario the oracles and the floors


def test_training_waits_for_that_of_earlier_studies(tiny):
    """Half of a shared stack in the store would be a smaller stack, with other last bits."""
    one, other = (Study(load_experiment(tiny), Store(Path("store"))) for _ in range(2))
    first = steps.steps(one)
    trained = {step for step in first if step.title == "training"}
    later = [step for step in steps.steps(other, first) if step.title == "training"]
    assert trained and later
    assert all(step.needs == trained for step in later)


def validation_loss(study, stage, rows):
    """Mean cross-entropy of a stored model on given rows of seed 0."""
    probabilities = pipeline.predict(study, stage, 0).arrays["probabilities"]
    return -np.log(probabilities[rows, study.split(0).labels[rows]]).mean()


@pytest.mark.parametrize("method", ["lca", "finetune", "scrub"])
def test_a_method_is_judged_by_the_classes_it_keeps(tiny, method):
    settings = ["unlearning={steps: 30, patience: 20}", "training.epochs=30"]
    study = Study(load_experiment(tiny, settings, [method]), Store(Path("store")))
    val = study.split(0).val
    for scenario, judging in (("class", val[study.data.y[val] != 0]), ("subset", val)):
        stage = pipeline.unlearn(study, Cell(scenario, method, 0))
        kept = stage.facts["facts"]["kept_steps"]
        score = next(line["score"] for line in stage.facts["history"] if line["step"] == kept)
        assert score == pytest.approx(-validation_loss(study, stage, judging), abs=1e-5)


def test_patience_does_not_keep_the_epoch_that_forgot_least(tiny):
    """Forgetting the class is not held against LCA, which forgets most of it in a few epochs."""
    settings = ["unlearning={steps: 60, patience: 3}", "training.epochs=40"]
    study = Study(load_experiment(tiny, settings, ["lca"]), Store(Path("store")))
    model = pipeline.unlearn(study, Cell("class", "lca", 0))
    rows = study.forget_set(0, "class").forget
    predicted = pipeline.predict(study, model, 0).arrays["probabilities"][rows].argmax(1)
    assert (predicted == 0).mean() < 0.3


def test_patience_without_rows_to_judge_by_is_refused(tiny):
    """All validation rows but those of class 0 are gone: an epoch would be kept at random."""
    experiment = load_experiment(tiny, ["unlearning.patience=2"])
    study = Study(experiment, Store(Path("store")))
    split = study.split(0)
    blind = replace(split, val=split.val[study.data.y[split.val] == 0])
    study._kept["split", 0] = blind
    with pytest.raises(UserError, match=r"unlearning\.patience: no validation row.*'class'"):
        study.check()


SHOTS = {"kind": "aer", "depolarizing": [0.01, 0.02], "shots": 64}


@pytest.fixture
def sampled(tiny):
    """Builds a study that trains and unlearns with shots, in a store of its own."""
    Path("backends.yaml").write_text(yaml.safe_dump({"shots": SHOTS}))
    stages = ["stages.train=shots", "stages.unlearn=shots", "training.epochs=1"]
    stages += ["model.layers=1", "unlearning={steps: 5, patience: 3}"]

    def make(store, *settings):
        return Study(load_experiment(tiny, [*stages, *settings]), Store(Path(store)))

    return make


def theta(study, stage):
    return study.state(stage).theta.numpy()


def test_shots_of_a_training_depend_on_nothing_else_that_is_trained(sampled):
    fits = [Fit("teacher", 1), Fit("teacher", 0), Fit("oracle", 0, "subset")]
    many, alone = sampled("many"), sampled("alone")
    together = pipeline.train(many, fits)
    for one, stage in zip(fits, together, strict=True):
        assert (theta(many, stage) == theta(alone, pipeline.train(alone, [one])[0])).all()


def test_shots_of_a_method_depend_on_nothing_else_that_is_computed(sampled):
    cells = [Cell("class", "finetune", 0), Cell("class", "scrub", 1), Cell("class", "scrub", 0)]
    many, alone = sampled("many"), sampled("alone")
    together = [pipeline.unlearn(many, cell) for cell in cells]
    last = pipeline.unlearn(alone, cells[-1])
    assert (theta(many, together[-1]) == theta(alone, last)).all()


def drawn(study, monkeypatch):
    """Every network that a stage computes with, by stage and key."""
    made, make = {}, study.net

    def net(stage, key=""):
        built = make(stage, key)
        if key:
            made[stage, key] = built
        return built

    monkeypatch.setattr(study, "net", net)
    return made


def test_every_training_and_method_draws_shots_of_its_own(sampled, monkeypatch):
    """Equal θ and rows, other shots: seeds, teacher, oracle, floor and methods are independent."""
    study = sampled("store")
    made = drawn(study, monkeypatch)
    state, x = study.net("train").state(), study.scaled(0)[:4]
    fits = [Fit("teacher", 0), Fit("teacher", 1), Fit("oracle", 0, "class")]
    pipeline.train(study, [*fits, Fit("floor", 0, "class")])
    for seed, method in ((0, "finetune"), (1, "finetune"), (0, "scrub")):
        pipeline.unlearn(study, Cell("class", method, seed))
    keys = list(made)
    assert len(keys) == 7
    seen = {study.net(*which).outputs(state, x)[0].numpy().tobytes() for which in keys}
    assert len(seen) == 7


def test_adversarial_rows_may_go_as_far_as_training_rows_do(tiny, monkeypatch):
    """The span is that of the training rows; the smallest and largest value are test rows'."""
    study = Study(load_experiment(tiny, ["data.scale=none"], ["none"]), Store(Path("store")))
    x, train = study.data.x, study.split(0).train
    study.data.x[study.split(0).test[:2]] = [[-50.0] * 4, [50.0] * 4]
    spans = []
    monkeypatch.setattr(pipeline, "Task", lambda **seen: spans.append(seen["span"]))
    pipeline._task(study, Cell("class", "none", 0), study.net("train").state(), study.net("train"))
    assert spans == [pytest.approx((x[train].min(), x[train].max()))]
