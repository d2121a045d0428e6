"""Overrides: each is used, or refused with what stands in its way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhu.errors import UserError
from qhu.settings.experiment import make_experiment
from qhu.settings.overrides import Override, applied, to_blame

MINIMAL = {"name": "tiny", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("training.epochs=2", "training.epochs=1"),
        ("training.epochs=2", "training={lr: 0.1}"),
        ("seeds=2", "seeds=1"),
        ("model.layers=3", "model.ansatz=real_amplitudes"),
        ("model.layers=3", "model.ansatz.layers=4"),
        ("methods.lca.beta=2", "methods=[finetune]"),
        ("methods.lca.beta=2", "methods.lca={lr: 0.1}"),
    ],
)
def test_an_override_that_a_later_one_takes_back_is_refused(first, second):
    with pytest.raises(UserError, match="has no effect, because") as refused:
        make_experiment(MINIMAL, "x", [first, second])
    assert f"-s {first} has no effect, because -s {second} comes after it" in str(refused.value)


@pytest.mark.parametrize(
    "overrides",
    [
        ("training={lr: 0.1}", "training.epochs=2"),
        ("training.epochs=60", "training.lr=0.01"),
        ("training.epochs=2", "training.epochs=2"),
        ("model={layers: 2}", "model.layers=3"),
        ("model={layers: 2}", "model.hidden=[3]"),
        ("methods=[lca, scrub]", "methods.lca.beta=2"),
    ],
)
def test_overrides_that_go_together_are_used(overrides):
    make_experiment(MINIMAL, "x", overrides)


@pytest.mark.parametrize(
    ("override", "label"),
    [
        ("methods=[finetune, scrub]", "scrub"),
        ("methods={new: {method: scrub}}", "new"),
        ("methods.new={method: scrub}", "new"),
        ("methods.new.method=scrub", "new"),
    ],
)
def test_methods_that_the_choice_drops_are_refused(override, label):
    with pytest.raises(UserError, match=f"sets method '{label}'.*add {label} to --methods"):
        make_experiment(MINIMAL, "x", [override], ["finetune"])
    assert label in make_experiment(MINIMAL, "x", [override], ["finetune", label]).methods


@given(st.sets(st.integers(0, 9), max_size=4), st.integers(0, 9))
def test_the_fewest_overrides_are_blamed(needed, size):
    listed = [Override(f"a={number}") for number in range(10)]
    wrong = {listed[number] for number in needed}
    blamed = to_blame(listed, lambda chosen: wrong <= set(chosen))
    assert set(blamed) == wrong


def test_settings_stay_as_they_are():
    settings = {"training": {"epochs": 3}}
    assert applied(settings, [Override("training.epochs=4")]) == {"training": {"epochs": 4}}
    assert settings == {"training": {"epochs": 3}}


TUNED = {
    "experiment": "iris",
    "seeds": [100],
    "scenarios": ["subset"],
    "trials": 2,
    "objective": "x",
    "date": "2026-01-01",
    "versions": {},
    "methods": {},
}


def test_tuned_options_are_not_changed_while_the_file_says_that_they_are_tuned():
    tuned = {**MINIMAL, "seeds": [0], "tuned": TUNED}
    with pytest.raises(UserError, match=r"-s methods.finetune.lr=0.5 changes what qhu tune chose"):
        make_experiment(tuned, "x", ["methods.finetune.lr=0.5"])
    free = make_experiment(tuned, "x", ["methods.finetune.lr=0.5", "tuned=null"])
    assert free.tuned is None and free.methods["finetune"].options.lr == 0.5
    assert make_experiment(tuned, "x", ["training.epochs=3"]).tuned is not None


@pytest.mark.parametrize("label", ["scrub", "Scrub", "retrain", "RETRAIN", "none", "oracle"])
def test_a_label_that_is_another_methods_name_is_refused(label):
    with pytest.raises(UserError, match=r"label|differ in case only"):
        make_experiment(MINIMAL, "x", [f"methods.{label}={{method: finetune}}"])
    with pytest.raises(UserError, match="the label 'finetune' is that of the method finetune"):
        make_experiment(MINIMAL, "x", ["methods.finetune.method=scrub"])
