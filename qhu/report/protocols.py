"""What changes when the protocol is right, counted in tests that are the same under both."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from qhu.report.released import SCENARIOS, Figure
from qhu.report.statistics import judged, paired
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


class Asked(NamedTuple):
    """A question to all methods of a dataset and released scenario under a protocol."""

    dataset: str
    scenario: str
    protocol: str
    question: Question


class Outcome(NamedTuple):
    """How many methods a question sets below, above, or not apart from its reference."""

    asked: Asked
    below: int
    above: int
    neither: int


def tests(dataset: str, theirs: pd.DataFrame, ours: pd.DataFrame) -> dict[Asked, pd.DataFrame]:
    """Per question the methods' differences to the reference, paired by seed, to be judged.

    Args:
        dataset: its name.
        theirs: ``results.csv`` under the released protocol.
        ours: ``results.csv`` under our protocol.
    """
    found = {}
    for released, own in SCENARIOS.items():
        for protocol, results, name in zip(PROTOCOLS, (theirs, ours), (released, own), strict=True):
            rows = results[results["scenario"] == name]
            for question in QUESTIONS:
                table = paired(rows, question.metric, question.reference)
                table = table[~table["method"].isin(HONEST)]
                if len(table):
                    found[Asked(dataset, released, protocol, question)] = table
    return found


def judge(
    figures: Sequence[Figure], asked: Mapping[Asked, pd.DataFrame]
) -> tuple[list[Figure], list[Outcome]]:
    """What the page may claim of released figures and of methods, corrected all together."""
    known = [one for one in figures if one.test is not None]
    together = {None: pd.DataFrame([one.test for one in known])} if known else {}
    family = judged({**together, **asked})
    rows = iter(family.pop(None).to_dict("records") if known else ())
    figures = [one if one.test is None else one._replace(test=next(rows)) for one in figures]
    return figures, [_outcome(key, table) for key, table in family.items() if key is not None]


def _outcome(asked: Asked, table: pd.DataFrame) -> Outcome:
    below, above = (int((table["verdict"] == one).sum()) for one in ("below", "above"))
    return Outcome(asked, below, above, len(table) - below - above)


def statements(figures: Sequence[Figure], found: Sequence[Outcome]) -> list[tuple[str, str]]:
    """The summary, topic and text: what is reproduced, then the questions over everything."""
    told = [("Reproduced:", _reproduced(figures))]
    for question in QUESTIONS:
        asked = [one for one in found if one.asked.question == question]
        parts = {p: [one for one in asked if one.asked.protocol == p] for p in PROTOCOLS}
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
    inside, same = sum(not one.outside for one in known), [one for one in known if one.same]
    equal = f"{sum(not one.outside for one in same)} of {len(same)}"
    return (
        f"{inside} of {len(known)} released figures ({inside / len(known):.0%}) lie where one run "
        "under their protocol falls with 95 % probability. Columns that follow from others are not "
        "counted; figures of one model go together all the same. Where all seeds give the same "
        f"value, only that value counts ({equal} such figures)."
    )


def counted(question: Question, found: Sequence[Outcome]) -> str:
    """How many methods the question sets apart, summed over ``found``."""
    total = sum(one.below + one.above + one.neither for one in found)
    below, above = sum(one.below for one in found), sum(one.above for one in found)
    return (
        f"{below} of {total} methods {question.below}, {above} {question.above}, "
        f"{total - below - above} show no difference"
    )
