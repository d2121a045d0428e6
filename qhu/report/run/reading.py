"""What the numbers say, in sentences that claim no more than a corrected test supports."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.statistics import LEVEL, Estimate, paired, smallest_p
from qhu.report.styles import HONEST
from qhu.report.tables import Compared, interval, number

REFERENCES: Mapping[str | None, str] = {
    "retrain": "the oracle",
    "floor": "the floor",
    "none": "doing nothing",
}
FEW = 7
"""More methods than this are counted, not named: the table below names them."""


def compared(scores: Iterable[Score]) -> list[Compared]:
    """What is tested: every claimed score against its row, distances also against doing nothing."""
    return [
        Compared(score, row)
        for score in claimed(scores)
        for row in filter(None, (score.reference, "none" if score.against == "floor" else None))
    ]


def comparisons(results: pd.DataFrame, scores: Iterable[Score]) -> dict[Compared, pd.DataFrame]:
    """Paired tests of the scores that claims are made about.

    Args:
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        scores: the scores in it.
    """
    tables = {one: paired(results, one.metric, one.reference) for one in compared(scores)}
    return {one: table for one, table in tables.items() if len(table)}


class Statement(NamedTuple):
    """What is talked about, and what the tests support."""

    topic: str
    text: str


def statements(tables: Mapping[Compared, pd.DataFrame]) -> list[Statement]:
    """The scenario's outcome in words.

    Args:
        tables: what :func:`comparisons` found.
    """
    seeds = max((int(table["seeds"].max()) for table in tables.values()), default=0)
    if seeds < 2:
        return [Statement("One seed", "has no interval: these numbers support no conclusion.")]
    told = [
        _headroom(one.score, table)
        for one, table in tables.items()
        if one.score.tradeoff and one.score.rows == "forget"
    ]
    tried = {one: table[~table["method"].isin(HONEST)] for one, table in tables.items()}
    told += [_claim(one, table) for one, table in tried.items() if len(table)]
    least = smallest_p(seeds, max(len(table) for table in tables.values()))
    if least > LEVEL:
        text = (
            f"with {seeds} seeds no corrected p-value can fall below {least:.2g}, so these tests "
            "cannot show a difference. Read the intervals."
        )
        told.append(Statement("Too few seeds:", text))
    return told


def _headroom(score: Score, table: pd.DataFrame) -> Statement:
    """Whether the score of the forget rows can tell forgetting from doing nothing at all."""
    untouched = table[table["method"] == "none"]
    if untouched.empty or math.isnan(untouched["ci_low"].iloc[0]):
        return Statement("Room to forget:", "unknown, the row none lacks an interval.")
    mean, low, high = (float(untouched[c].iloc[0]) for c in ("mean", "ci_low", "ci_high"))
    gap = Estimate(mean, low, high, int(untouched["seeds"].iloc[0]))
    said = f"{number(mean, True)} {interval(gap, True)}"
    opening = f"{score.title}, the untouched teacher's minus the oracle's: {said}."
    verdict = (
        "The interval contains 0: here it cannot tell forgetting from doing nothing, and "
        "the distances and the attack have to."
        if low <= 0 <= high
        else "The interval excludes 0: this is the gap that a method has to close."
    )
    return Statement("Room to forget:", f"{opening} {verdict}")


def topic(compared: Compared) -> str:
    """What a comparison is about, in words."""
    title = compared.score.title
    return f"{title[0].upper()}{title[1:]}, against {REFERENCES[compared.reference]}"


def _claim(compared: Compared, methods: pd.DataFrame) -> Statement:
    """Which of the methods the corrected tests set apart."""
    differs = methods["p_holm"] < LEVEL
    score = compared.score
    groups = {
        score.above: methods.loc[differs & (methods["mean"] > 0), "method"],
        score.below: methods.loc[differs & (methods["mean"] < 0), "method"],
        "no difference shown": methods.loc[~differs, "method"],
    }
    said = [f"{claim}: {named(names)}" for claim, names in groups.items() if len(names)]
    return Statement(f"{topic(compared)}:", f"{'; '.join(said)}.")


def named(methods: pd.Series) -> str:
    """All of them where they are few, else how many."""
    return ", ".join(methods) if len(methods) <= FEW else f"{len(methods)} methods"
