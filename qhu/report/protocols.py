"""What changes when the protocol is right, counted in tests that are the same under both."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from qhu.report.released import SCENARIOS, Figure
from qhu.report.statistics import Estimate, mean_interval, simultaneous
from qhu.report.styles import HONEST

PROTOCOLS = ("theirs", "ours")
DERIVED = ("_orig", "_drop", "UQI")
"""How columns end that follow from others: the teacher's accuracies, which every row repeats, and
differences of accuracies. Counting them would count one accident many times."""


class Question(NamedTuple):
    """What is asked of every method: a score, the row it is compared with, and the answers."""

    metric: str
    reference: str
    words: str
    below: str
    above: str


QUESTIONS = (
    Question(
        "kl_test",
        "none",
        "Distance to the oracle on test rows, against doing nothing",
        "come closer",
        "move away",
    ),
    Question(
        "acc_forget",
        "retrain",
        "Accuracy on the forget rows, against the oracle",
        "over-forget",
        "remember more",
    ),
    Question(
        "mia_forget",
        "retrain",
        "Attack with test rows as non-members, against the oracle",
        "stand out as uncertain",
        "look more trained on",
    ),
    Question(
        "acc_test_kept",
        "retrain",
        "Accuracy on test rows of kept classes, against the oracle",
        "are damaged",
        "are better",
    ),
)


class Outcome(NamedTuple):
    """How many methods a question sets below, above, or not apart from its reference."""

    dataset: str
    scenario: str
    protocol: str
    question: Question
    below: int
    above: int
    neither: int


def outcomes(dataset: str, theirs: pd.DataFrame, ours: pd.DataFrame) -> list[Outcome]:
    """The answers to every question that a scenario has the scores for.

    Args:
        dataset: its name.
        theirs: ``results.csv`` under the released protocol.
        ours: ``results.csv`` under our protocol.
    """
    found = []
    for released, own in SCENARIOS.items():
        for protocol, results, name in zip(PROTOCOLS, (theirs, ours), (released, own), strict=True):
            rows = results[results["scenario"] == name]
            for question in QUESTIONS:
                signs = [
                    int(value.low > 0) - int(value.high < 0)
                    for value in differences(rows, question).values()
                ]
                if signs:
                    counts = [signs.count(sign) for sign in (-1, 1, 0)]
                    found.append(Outcome(dataset, released, protocol, question, *counts))
    return found


def differences(results: pd.DataFrame, question: Question) -> dict[str, Estimate]:
    """Per method the difference to the reference, paired by seed; the intervals hold at once.

    Args:
        results: rows of ``results.csv`` of one dataset and scenario.
        question: what is compared with what.
    """
    chosen = results[results["metric"] == question.metric]
    values = chosen.pivot(index="seed", columns="method", values="value")
    methods = [name for name in chosen["method"].unique() if name not in HONEST]
    found = {}
    for method in methods if question.reference in values else ():
        difference = (values[method] - values[question.reference]).dropna().to_numpy(np.float64)
        if len(difference):
            found[method] = simultaneous(mean_interval(difference), len(methods))
    return found


def statements(figures: Sequence[Figure], found: Sequence[Outcome]) -> list[tuple[str, str]]:
    """The summary, topic and text: what is reproduced, then the questions over everything."""
    told = [("Reproduced:", _reproduced(figures))]
    for question in QUESTIONS:
        asked = [one for one in found if one.question == question]
        parts = {p: [one for one in asked if one.protocol == p] for p in PROTOCOLS}
        if all(parts.values()):
            first, second = (counted(question, parts[protocol]) for protocol in PROTOCOLS)
            text = f"under their protocol {first}; under ours {second}."
            told.append((f"{question.words}:", text))
    return told


def _reproduced(figures: Sequence[Figure]) -> str:
    """How many released figures one run under their protocol may give."""
    own = [one for one in figures if not one.column.endswith(DERIVED)]
    known = [one for one in own if one.released is not None and one.prediction is not None]
    known = [one for one in known if not any(map(math.isnan, one.prediction or ()))]
    if not known:
        return "unknown, one seed has no interval."
    inside = sum(not one.outside for one in known)
    return (
        f"{inside} of {len(known)} released figures ({inside / len(known):.0%}) lie where one run "
        "under their protocol falls with 95 % probability. Columns that follow from others are not "
        "counted; figures of one model go together all the same."
    )


def counted(question: Question, found: Sequence[Outcome]) -> str:
    """How many methods the question sets apart, summed over ``found``."""
    total = sum(one.below + one.above + one.neither for one in found)
    below, above = sum(one.below for one in found), sum(one.above for one in found)
    return (
        f"{below} of {total} methods {question.below}, {above} {question.above}, "
        f"{total - below - above} show no difference"
    )
