"""What pages and papers say was done: each sentence is there if, and only if, its settings ask."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qhu.report.design import SENTENCES, by_topic, design, shared
from qhu.report.facts import circuit_words, scenarios
from qhu.report.frames import load_run
from qhu.report.run.methods import as_markdown
from qhu.report.run.page import write_report
from qhu.settings.experiment import load_experiment

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
OURS = ("iris.yaml", "mnist.yaml", "fashion_mnist.yaml", "iris-hw.yaml")
RELEASED = tuple(f"paper/{name}.yaml" for name in ("iris", "mnist", "fashion_mnist"))
PHRASES = {
    "All rows and classes of the dataset": lambda s: (
        not (s["data"]["classes"] or s["data"]["per_class"])
    ),
    "Classes kept: ": lambda s: s["data"]["classes"],
    "Of each class ": lambda s: s["data"]["per_class"],
    "All features of the dataset": lambda s: (
        not any(s["data"][name] for name in ("features", "pca", "width"))
    ),
    "Features used: ": lambda s: s["data"]["features"],
    "principal components": lambda s: s["data"]["pca"],
    "Inputs were repeated": lambda s: s["data"]["width"],
    "drew its own test rows": lambda s: s["data"]["split"] == "seeded",
    "the same for every seed": lambda s: s["data"]["split"] == "released",
    "Intervals are about reseeding": lambda s: s["data"]["split"] == "seeded",
    "on the same split": lambda s: s["data"]["split"] == "released",
    "held out for validation": lambda s: s["data"]["val"] > 0,
    "no validation rows": lambda s: s["data"]["val"] == 0,
    "range in all rows": lambda s: angles(s, "all"),
    "range in the rows that a model is trained on": lambda s: angles(s, "retain"),
    "range in the training rows": lambda s: angles(s, "train"),
    "wrong label": lambda s: s["data"]["label_noise"] > 0,
    "trained on all training rows": lambda s: s["training"]["teacher_without"] is None,
    "trained without the forget rows": lambda s: s["training"]["teacher_without"] is not None,
    "from the same weights": lambda s: s["training"]["paired"],
    "from weights of their own": lambda s: not s["training"]["paired"],
    "the last one was kept": lambda s: s["training"]["patience"] is None,
    "Training stopped after": lambda s: s["training"]["patience"] is not None,
    "the last step counted": lambda s: s["unlearning"]["patience"] is None,
    "A method stopped after": lambda s: s["unlearning"]["patience"] is not None,
    "no longer unseen": lambda s: "test_accuracy" in selections(s),
    "Nothing was selected on test rows": lambda s: "test_accuracy" not in selections(s),
    "All methods had the same budget": lambda s: (
        s["unlearning"]["steps"] is not None and s["unlearning"]["epochs"] is None and not own(s)
    ),
    "Bounds of their own: ": lambda s: own(s),
    "optimiser steps": lambda s: s["unlearning"]["steps"] is not None,
    "epochs at most, of as many steps": lambda s: s["unlearning"]["steps"] is None,
    "Scores on retain rows rest on": lambda s: s["evaluation"]["retain"] is not None,
}
"""What a text says, and when that is true."""


def angles(given, rows):
    return given["data"]["scale"] == "angles" and given["data"]["scale_rows"] == rows


def selections(given):
    return {given["training"]["select"], given["unlearning"]["select"]}


def own(given):
    names = ["steps", "epochs"] + ["patience"] * (given["unlearning"]["patience"] is not None)
    return any(m.get(name) is not None for m in given["methods"].values() for name in names)


def resolved(name, overrides=()):
    return load_experiment(EXPERIMENTS / name, overrides).model_dump(mode="json")


def said(given):
    return " ".join(one.text for one in design(given))


def check(text, given):
    for phrase, holds in PHRASES.items():
        assert (phrase in text) == bool(holds(given)), phrase


def test_of_models_from_elsewhere_nothing_is_made_up():
    given = resolved("iris.yaml") | {"checkpoints": {"a": {"class": {}}, "b": {"class": {}}}}
    both = said(given)
    alone = said(given | {"methods": {"none": {}, "retrain": {}}})
    for text in (both, alone):
        assert "Unlearned elsewhere: a, b; from which model" in text
        assert "same budget" not in text and "shared its rows" not in text
    assert "Methods started from the teacher" in both
    assert "Methods started" not in alone and "the last step" not in alone


@pytest.mark.parametrize("name", [*OURS, *RELEASED])
def test_shipped_experiments_are_told_as_they_are(name):
    given = resolved(name)
    check(said(given), given)


SEEDED = st.fixed_dictionaries(
    {
        "data.split": st.just("seeded"),
        "data.val": st.sampled_from([0.1, 0.15]),
        "data.label_noise": st.sampled_from([0, 0.1]),
        "data.scale": st.sampled_from(["angles", "none"]),
    }
)
PARTS_OF_IRIS = st.fixed_dictionaries(
    {
        "data.classes": st.sampled_from([None, "[setosa, virginica]"]),
        "data.per_class": st.sampled_from([None, 9]),
        "data.features": st.sampled_from([None, "[3, petal length]"]),
        "data.pca": st.sampled_from([None, 2]),
        "data.width": st.sampled_from([None, 8]),
    }
)
FIXED = st.just({"data.split": "released", "data.val": 0})
CHOICES = st.fixed_dictionaries(
    {
        "data.scale_rows": st.sampled_from(["train", "retain", "all"]),
        "training.paired": st.booleans(),
        "training.teacher_without": st.sampled_from([None, "subset", "class"]),
        "unlearning.steps": st.sampled_from([None, 10]),
        "unlearning.epochs": st.just(3),
        "evaluation.retain": st.sampled_from([None, 20]),
        "methods.scrub.steps": st.sampled_from([None, 7]),
        "methods.lca.patience": st.sampled_from([None, 2]),
    }
)


@st.composite
def asked(draw):
    data = draw(st.one_of(SEEDED, FIXED))
    chosen = {**data, **draw(PARTS_OF_IRIS), **draw(CHOICES)}
    if chosen["unlearning.steps"] and draw(st.booleans()):
        chosen["unlearning.epochs"] = None
    for part in ("training", "unlearning"):
        selects = ["test_accuracy", "none"] + ["val_loss"] * (chosen["data.val"] > 0)
        select = draw(st.sampled_from(selects))
        if select != "none":
            chosen |= {f"{part}.select": select, f"{part}.patience": draw(st.integers(1, 9))}
    return [f"{k}={'null' if v is None else str(v).lower()}" for k, v in chosen.items()]


@settings(deadline=None, max_examples=60)
@given(asked())
def test_a_sentence_is_there_if_and_only_if_its_settings_ask(overrides):
    given = resolved("iris.yaml", overrides)
    check(said(given), given)


@settings(deadline=None, max_examples=30)
@given(asked(), asked())
def test_runs_on_one_page_share_what_both_do(one, other):
    given = {"a": resolved("iris.yaml", one), "b": resolved("iris.yaml", other)}
    texts = {name: {told.text for told in design(run)} for name, run in given.items()}
    found = set(shared(given))
    assert {t for t in found if not re.match("[ab]: ", t)} == texts["a"] & texts["b"]
    assert {t[3:] for t in found if t.startswith("a: ")} == texts["a"] - texts["b"]


def test_a_setting_that_is_missing_or_unknown_is_told_by_no_sentence():
    told = design({"data": {"split": "by moonlight", "scale": "angles", "scale_rows": "some"}})
    assert [one.text for one in told] == ["All methods of a seed shared its rows and its teacher."]
    assert set(by_topic(told)) == {one.topic for one in SENTENCES}


@pytest.mark.parametrize("name", ["iris.yaml", "paper/iris.yaml"])
def test_page_and_paragraph_say_the_same(name, tmp_path, results, write_run):
    few = results[(results["seed"] < 2) & (results["method"].isin(["none", "retrain"]))]
    folder = write_run(tmp_path / "run", few[few["metric"] == "uqi"], seeds=1)
    given = resolved(name)
    (folder / "experiment.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    page = write_report(folder).read_text().split('<section id="settings">')[0]
    paragraph = as_markdown(load_run(folder))
    for told in design(given):
        assert told.text in paragraph
        assert page.count(told.text) == 2  # once where it explains, once in the paragraph
    for text in (page, paragraph):
        check(text, given)


@pytest.mark.parametrize(
    ("split", "words"),
    [("seeded", "drawn anew per seed"), ("released", "the same for every seed")],
)
def test_a_share_is_drawn_as_the_split_has_it(split, words):
    found = scenarios({"data": {"split": split}, "scenarios": {"s": {"fraction": 0.02}}})
    assert words in found["s"]


def test_the_circuit_is_told_as_it_is():
    assert "Left out" in circuit_words({"quantum": False})
    assert "before every" in circuit_words({"quantum": True, "encoding": {"reupload": True}})
    assert "then the trainable" in circuit_words({"quantum": True, "encoding": {"reupload": False}})
