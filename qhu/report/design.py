"""What was done in a run, in sentences that its settings decide: pages and papers share them.

A sentence holds where all settings that it names have the values it needs. A setting that is
missing, or has a value that no sentence is about, is told by none.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from qhu.report.facts import as_text

PARTS = ("data", "training", "unlearning", "evaluation", "tuned")
PLACE = re.compile(r"\{([\w.]+)\}")
Condition = Callable[[Any], bool]


class DesignStatement(NamedTuple):
    """A sentence that holds for a run, and the settings that it tells."""

    topic: str
    text: str
    settings: frozenset[str]


class _Sentence(NamedTuple):
    topic: str
    text: str
    when: Mapping[str, Condition] = {}

    def of(self, settings: Mapping[str, Any]) -> DesignStatement | None:
        """The sentence with its values; None where it does not hold."""
        names = {*PLACE.findall(self.text), *self.when}
        if not names <= settings.keys():
            return None
        if not all(holds(settings[name]) for name, holds in self.when.items()):
            return None
        text = PLACE.sub(lambda place: as_text(settings[place[1]]), self.text)
        return DesignStatement(self.topic, text, frozenset(names))


def _is(*values: Any) -> Condition:
    return lambda value: value in values


def _given(value: Any) -> bool:
    return value is not None


def _positive(value: float) -> bool:
    return value > 0


NONE = _is(None)
TRAINING_STOPS = (
    "Training stopped after {training.patience} epochs without a better one, of {training.epochs} "
    "at most, and kept the best by "
)
UNLEARNING_STOPS = (
    "A method stopped after {unlearning.patience} epochs without a better one and kept the best by "
)
SPOILT = "the accuracy on the test rows, which are no longer unseen."
TUNING_SPENDS = (
    "Tuning looks at models of the data that is to be forgotten: an (ε, δ) that a method states is "
    "that of a method whose options were given in advance, and excludes what tuning spent."
)
SENTENCES = (
    _Sentence(
        "rows",
        "All rows and classes of the dataset were used.",
        {"data.classes": NONE, "data.per_class": NONE},
    ),
    _Sentence("rows", "Classes kept: {data.classes}.", {"data.classes": _given}),
    _Sentence(
        "rows",
        "Of each class the same {data.per_class} rows were kept under every seed.",
        {"data.per_class": _given},
    ),
    _Sentence(
        "rows",
        "All features of the dataset were used, each once.",
        {"data.features": NONE, "data.pca": NONE, "data.width": NONE},
    ),
    _Sentence("rows", "Features used: {data.features}.", {"data.features": _given}),
    _Sentence(
        "rows",
        "The scaled features were replaced by {data.pca} principal components, scaled again; the "
        "components are those of the rows that the scaling is fitted on.",
        {"data.pca": _given},
    ),
    _Sentence(
        "rows",
        "Inputs were repeated in turn until they were {data.width}, one per qubit.",
        {"data.width": _given},
    ),
    _Sentence(
        "rows",
        "Every seed drew its own test rows, a fraction {data.test} of all rows.",
        {"data.split": _is("seeded")},
    ),
    _Sentence(
        "rows",
        "The test rows, a fraction {data.test} of all rows, were those released with arXiv "
        "2512.19253, the same for every seed.",
        {"data.split": _is("released")},
    ),
    _Sentence(
        "rows",
        "A fraction {data.val} of the others, drawn by every seed, was held out for validation.",
        {"data.val": _positive},
    ),
    _Sentence("rows", "There were no validation rows.", {"data.val": _is(0)}),
    _Sentence(
        "rows",
        "Features were scaled to [−π, π] by their range in the training rows, forget rows "
        "included, for teacher and oracle alike.",
        {"data.scale": _is("angles"), "data.scale_rows": _is("train")},
    ),
    _Sentence(
        "rows",
        "Features were scaled to [−π, π] by their range in the rows that a model is trained on: an "
        "oracle's scaling never saw the forget rows, and methods kept the teacher's.",
        {"data.scale": _is("angles"), "data.scale_rows": _is("retain")},
    ),
    _Sentence(
        "rows",
        "Features were scaled to [−π, π] by their range in all rows, test rows included.",
        {"data.scale": _is("angles"), "data.scale_rows": _is("all")},
    ),
    _Sentence("rows", "Pixels were divided by 255.", {"data.scale": _is("unit")}),
    _Sentence("rows", "Features were not scaled.", {"data.scale": _is("none")}),
    _Sentence(
        "rows",
        "A share {data.label_noise} of the training rows, drawn by every seed, was given a wrong "
        "label before anything was trained.",
        {"data.label_noise": _positive},
    ),
    _Sentence(
        "training",
        "The teacher was trained on all training rows.",
        {"training.teacher_without": NONE},
    ),
    _Sentence(
        "training",
        "The teacher was trained without the forget rows of the scenario "
        "{training.teacher_without}, where it has nothing to forget.",
        {"training.teacher_without": _given},
    ),
    _Sentence(
        "training",
        "Teacher, oracle and floor of a seed started from the same weights.",
        {"training.paired": _is(True)},
    ),
    _Sentence(
        "training",
        "Teacher, oracle and floor of a seed each started from weights of their own.",
        {"training.paired": _is(False)},
    ),
    _Sentence(
        "selection",
        "Training took {training.epochs} epochs, and the last one was kept.",
        {"training.patience": NONE},
    ),
    _Sentence(
        "selection",
        f"{TRAINING_STOPS}the loss on validation rows of the classes that the model learned.",
        {"training.patience": _given, "training.select": _is("val_loss")},
    ),
    _Sentence(
        "selection",
        f"{TRAINING_STOPS}{SPOILT}",
        {"training.patience": _given, "training.select": _is("test_accuracy")},
    ),
    _Sentence("selection", "Of a method, the last step counted.", {"unlearning.patience": NONE}),
    _Sentence(
        "selection",
        f"{UNLEARNING_STOPS}the loss on validation rows of the classes that it keeps.",
        {"unlearning.patience": _given, "unlearning.select": _is("val_loss")},
    ),
    _Sentence(
        "selection",
        f"{UNLEARNING_STOPS}{SPOILT}",
        {"unlearning.patience": _given, "unlearning.select": _is("test_accuracy")},
    ),
    _Sentence(
        "selection",
        "Nothing was selected on test rows.",
        {"training.select": _is("val_loss"), "unlearning.select": _is("val_loss")},
    ),
    _Sentence(
        "selection",
        "Options of the methods were tuned on the seeds {tuned.seeds}, none of which is reported, "
        "with {tuned.trials} trials for each method that has something to tune, those of the "
        "experiment {tuned.experiment} first. They are those of the lowest value, over the "
        f"scenarios {{tuned.scenarios}}, of {{tuned.objective}}. {TUNING_SPENDS}",
        {"tuned.trials": _given},
    ),
    _Sentence(
        "selection",
        "Seeds are draws of one dataset: rows that were tuned on with one seed are test rows of "
        "others, though no test row of a tuning seed was read.",
        {"tuned.trials": _given, "data.split": _is("seeded")},
    ),
    _Sentence(
        "budget",
        "Methods started from the teacher and took {unlearning.steps} optimiser steps at most.",
        {"unlearning.steps": _given, "unlearning.epochs": NONE},
    ),
    _Sentence(
        "budget",
        "Methods started from the teacher and took {unlearning.epochs} epochs at most, of as many "
        "steps as their rows give.",
        {"unlearning.steps": NONE, "unlearning.epochs": _given},
    ),
    _Sentence(
        "budget",
        "Methods started from the teacher and took {unlearning.steps} optimiser steps and "
        "{unlearning.epochs} epochs at most.",
        {"unlearning.steps": _given, "unlearning.epochs": _given},
    ),
    _Sentence(
        "budget",
        "All methods had the same budget.",
        {
            "unlearning.steps": _given,
            "unlearning.epochs": NONE,
            "own.bounds": NONE,
            "own.elsewhere": NONE,
        },
    ),
    _Sentence("budget", "Bounds of their own: {own.bounds}.", {"own.bounds": _given}),
    _Sentence(
        "budget",
        "In the scenarios {own.requests} every request had the whole budget and started from the "
        "model after the one before.",
        {"own.requests": _given},
    ),
    _Sentence(
        "budget",
        "Unlearned elsewhere: {own.elsewhere}; from which model, on which rows, in how many steps "
        "and by which selection is not known here.",
        {"own.elsewhere": _given},
    ),
    _Sentence(
        "seeds",
        "All methods of a seed shared its rows and its teacher.",
        {"own.elsewhere": NONE},
    ),
    _Sentence(
        "seeds",
        "Scores on retain rows rest on {evaluation.retain} of them, drawn per seed and scenario.",
        {"evaluation.retain": _given},
    ),
    _Sentence(
        "intervals",
        "Intervals are about reseeding: other draws of rows from this one dataset, other initial "
        "weights, another data order. Test rows of two seeds overlap, and those of one are "
        "training rows of others, so intervals say nothing about other data.",
        {"data.split": _is("seeded")},
    ),
    _Sentence(
        "intervals",
        "Intervals are about other initial weights and another data order on the same split: they "
        "say nothing about other test rows or other data.",
        {"data.split": _is("released")},
    ),
)


def design(settings: Mapping[str, Any]) -> list[DesignStatement]:
    """The sentences that hold for a run.

    Args:
        settings: contents of its ``experiment.yaml``.
    """
    elsewhere = ", ".join(settings.get("checkpoints", ())) or None
    scenarios = settings.get("scenarios", {}).items()
    requests = ", ".join(name for name, asked in scenarios if asked.get("requests")) or None
    bounds = _own_bounds(settings)
    own = {"own.bounds": bounds, "own.elsewhere": elsewhere, "own.requests": requests}
    flat = dict(_flat(applied(settings))) | own
    statements = (sentence.of(flat) for sentence in SENTENCES)
    return [statement for statement in statements if statement is not None]


def applied(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those of methods where none ran: all models came from elsewhere."""
    idle = "checkpoints" in settings and settings.get("methods", {}).keys() <= {"none", "retrain"}
    return {part: value for part, value in settings.items() if part != "unlearning" or not idle}


def by_topic(statements: Sequence[DesignStatement]) -> dict[str, list[str]]:
    """Texts by topic, in the order of the sentences."""
    topics: dict[str, list[str]] = {sentence.topic: [] for sentence in SENTENCES}
    for statement in statements:
        topics[statement.topic].append(statement.text)
    return topics


def shared(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The sentences that hold for any of several runs, with the names of those if not for all.

    Args:
        settings: contents of every run's ``experiment.yaml``, by the run's name.
    """
    runs: dict[str, list[str]] = {}
    for name, of_run in settings.items():
        for statement in design(of_run):
            runs.setdefault(statement.text, []).append(name)
    return [
        text if len(names) == len(settings) else f"{', '.join(names)}: {text}"
        for text, names in runs.items()
    ]


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for part in PARTS:
        for name, value in settings.get(part, {}).items():
            yield f"{part}.{name}", value


def _own_bounds(settings: Mapping[str, Any]) -> str | None:
    """Methods whose own options bound their steps, epochs or, where there is any, patience."""
    patient = settings.get("unlearning", {}).get("patience") is not None
    names = ("steps", "epochs", "patience") if patient else ("steps", "epochs")
    own = []
    for label, options in settings.get("methods", {}).items():
        bounds = [f"{name} {options[name]}" for name in names if options.get(name) is not None]
        if bounds:
            own.append(f"{label} ({', '.join(bounds)})")
    return "; ".join(own) or None
