"""The stages, called one by one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from qhu import pipeline, training
from qhu.checks import check
from qhu.errors import UserError
from qhu.grid import steps
from qhu.record.store import Store
from qhu.settings.experiment import load_experiment
from qhu.study import Cell, Fit, Study
from qhu.unlearn import unlearning
from qhu.unlearn.task import Task

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
    for limit in ("ROWS_AT_ONCE", "ROWS_IN_CACHE"):
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
    return -np.log(probabilities[rows, study.partition(0).labels[rows]]).mean()


@pytest.mark.parametrize("method", ["lca", "finetune", "scrub"])
def test_a_method_is_judged_by_the_classes_it_keeps(tiny, method):
    settings = ["unlearning={steps: 30, patience: 20}", "training.epochs=30"]
    study = Study(load_experiment(tiny, settings, [method]), Store(Path("store")))
    val = study.partition(0).val
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
    rows = study.partition(0, "class").forget
    predicted = pipeline.predict(study, model, 0).arrays["probabilities"][rows].argmax(1)
    assert (predicted == 0).mean() < 0.3


def test_patience_without_rows_to_judge_by_is_refused(tiny):
    """All validation rows but those of class 0 are gone: an epoch would be kept at random."""
    experiment = load_experiment(tiny, ["unlearning.patience=2"])
    study = Study(experiment, Store(Path("store")))
    whole = study.partition(0)
    blind = replace(whole.split, val=whole.val[study.data.y[whole.val] == 0])
    study._partitions[0, ""] = replace(whole, split=blind)
    with pytest.raises(UserError, match=r"unlearning\.patience: no validation row.*'class'"):
        check(study)


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


def test_every_training_and_method_draws_shots_of_its_own(sampled, monkeypatch):
    """Equal θ and rows, other shots: seeds, teacher, oracle, floor and methods are independent."""
    study, nets, fit = sampled("store"), [], pipeline.fit

    def fitted(net, jobs, *rest):
        nets.extend(net for _ in jobs)
        return fit(net, jobs, *rest)

    monkeypatch.setattr(pipeline, "fit", fitted)
    task = lambda **given: nets.append(given["net"]) or Task(**given)  # noqa: E731
    monkeypatch.setattr(unlearning, "Task", task)
    fits = [Fit("teacher", 0), Fit("teacher", 1), Fit("oracle", 0, "class")]
    pipeline.train(study, [*fits, Fit("floor", 0, "class")])
    for seed, method in ((0, "finetune"), (1, "finetune"), (0, "scrub")):
        pipeline.unlearn(study, Cell("class", method, seed))
    state, x = study.net("train").state(), study.partition(0).samples[:4]
    assert len(set(nets)) == len(nets) == 7
    assert len({net.outputs(state, x)[0].numpy().tobytes() for net in nets}) == 7


def test_adversarial_rows_may_go_as_far_as_training_rows_do(tiny, monkeypatch):
    """The span is that of the training rows; the smallest and largest value are test rows'."""
    study = Study(load_experiment(tiny, ["data.scale=none"], ["none"]), Store(Path("store")))
    x, train, spans = study.data.x, study.partition(0).train, []
    x[study.partition(0).test[:2]] = [[-50.0] * 4, [50.0] * 4]
    task = lambda **given: spans.append(given["span"]) or Task(**given)  # noqa: E731
    monkeypatch.setattr(unlearning, "Task", task)
    pipeline.unlearn(study, Cell("class", "none", 0))
    assert spans == [pytest.approx((x[train].min(), x[train].max()))]


def exaggerated(study, cell):
    """The same study where the features of the forget rows are ten times as far out."""
    study.data.x[study.partition(cell.seed, cell.scenario).forget] *= 10
    return study


@pytest.mark.parametrize(("rows", "blind"), [("retain", True), ("train", False)])
def test_an_oracle_knows_the_forget_rows_only_by_a_scaling_that_it_shares(tiny, rows, blind):
    """Moving the forget rows leaves what ``scale_rows: retain`` computes on the others alone."""
    cell, settings = Cell("class", "retrain", 0), [f"data.scale_rows={rows}", "training.epochs=1"]
    fits = [Fit("oracle", 0, "class"), Fit("floor", 0, "class")]
    plain, other = (Study(load_experiment(tiny, settings), Store(Path(n))) for n in "ab")
    other = exaggerated(other, cell)
    forget = plain.partition(0, "class").forget
    others = np.setdiff1d(np.arange(len(plain.data.y)), forget)
    for one, moved in zip(pipeline.train(plain, fits), pipeline.train(other, fits), strict=True):
        assert (theta(plain, one) == theta(other, moved)).all() == blind
        first, second = (pipeline.predict(s, m, 0) for s, m in ((plain, one), (other, moved)))
        same = first.arrays["probabilities"] == second.arrays["probabilities"]
        assert same[others].all() == blind
    retrained = pipeline.predict(plain, pipeline.unlearn(plain, cell), 0)
    oracle = pipeline.predict(plain, pipeline.train(plain, fits)[0], 0)
    assert (retrained.arrays["probabilities"] == oracle.arrays["probabilities"]).all()


def test_methods_keep_the_scaling_of_the_teacher(tiny):
    probabilities = {}
    for rows in ("retain", "train"):
        settings = [f"data.scale_rows={rows}", "training.epochs=1"]
        study = Study(load_experiment(tiny, settings), Store(Path(rows)))
        models = [pipeline.unlearn(study, Cell("class", m, 0)) for m in ("none", "finetune")]
        outputs = [pipeline.predict(study, model, 0).arrays["probabilities"] for model in models]
        probabilities[rows] = np.stack(outputs)
    assert (probabilities["retain"] == probabilities["train"]).all()


def test_a_teacher_that_never_saw_the_forget_rows_is_not_scaled_by_them(tiny):
    settings = ["data.scale_rows=retain", "training={epochs: 1, teacher_without: class}"]
    study = Study(load_experiment(tiny, settings), Store(Path("store")))
    (oracle,) = pipeline.train(study, [Fit("oracle", 0, "class")])
    for stage in (
        pipeline.train(study, [Fit("teacher", 0)])[0],
        pipeline.unlearn(study, Cell("subset", "none", 0)),
    ):
        assert (study.seen_by(stage, 0) == study.seen_by(oracle, 0)).all()


def test_a_part_of_an_oracle_of_another_scaling_is_refused(tiny):
    settings = ["data.scale_rows=retain", "methods.part={method: retrain, scope: quantum}"]
    with pytest.raises(UserError, match=r"set methods\.part\.scope to all"):
        check(Study(load_experiment(tiny, settings), Store(Path("store"))))


def test_two_labels_of_one_method_start_from_the_same_draws(tiny):
    asked = load_experiment(tiny, ["methods={a: {method: scrub}, b: {method: scrub}}", "seeds=0"])
    study = Study(asked, Store(Path("store")))
    first, second = (pipeline.unlearn(study, Cell("subset", label, 0)) for label in "ab")
    assert first.key == second.key
    alone = Study(load_experiment(tiny, ["methods=[scrub]", "seeds=0"]), Store(Path("alone")))
    named = pipeline.unlearn(alone, Cell("subset", "scrub", 0))
    for name, array in named.arrays.items():
        np.testing.assert_array_equal(array, first.arrays[name])
