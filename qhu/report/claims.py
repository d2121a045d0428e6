"""What a page tests, and words for what the tests support: all pages claim in the same ones."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.statistics import MIN_SEEDS, Estimate, estimate, paired
from qhu.report.tables import Compared, interval, number

REFERENCES: Mapping[str | None, str] = {
    "retrain": "the oracle",
    "floor": "the floor",
    "none": "doing nothing",
}
MOST_NAMED = 7
"""More methods than this are counted, not named: the table below names them."""


def compared(scores: Iterable[Score]) -> list[Compared]:
    """What is tested: every claimed score against its row, distances also against doing nothing."""
    return [
        Compared(score, row)
        for score in claimed(scores)
        for row in filter(None, (score.reference, "none" if score.against == "floor" else None))
    ]


def comparisons(results: pd.DataFrame, scores: Iterable[Score]) -> dict[Compared, pd.DataFrame]:
    """Paired tests of the scores that claims are made about, not corrected yet.

    Args:
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        scores: the scores in it.
    """
    tables = {
        comparison: paired(results, comparison.metric, comparison.reference, comparison.score.reach)
        for comparison in compared(scores)
    }
    return {comparison: table for comparison, table in tables.items() if len(table)}


class Statement(NamedTuple):
    """What is talked about, and what the tests support."""

    topic: str
    text: str


def few_seeds(seeds: int) -> Statement:
    """What a page says in place of claims where seeds are few."""
    text = (
        f"with {seeds} seeds nothing is claimed of any method, whatever the intervals; "
        f"claims need {MIN_SEEDS} seeds or more."
    )
    return Statement("Too few seeds:", text)


def topic(compared: Compared) -> str:
    """What a comparison is about, in words."""
    title = compared.score.title
    return f"{title[0].upper()}{title[1:]}, against {REFERENCES[compared.reference]}"


def grouped(methods: pd.DataFrame, above: str, below: str) -> str:
    """The methods by what is known of them.

    Args:
        methods: judged tests, with the column ``method``.
        above: what is claimed of those above 0.
        below: what is claimed of those below 0.
    """
    claims = {"above": above, "below": below, "not shown": "no difference shown"}
    groups = {
        claim: named(methods.loc[methods["verdict"] == verdict, "method"])
        for verdict, claim in claims.items()
    }
    groups[claims["not shown"]] += unseen(methods)
    same = methods[methods["verdict"] == "same"]
    sizes = [same_in_every_seed(estimate(row)) for row in same.to_dict("records")]
    for size in dict.fromkeys(sizes):
        groups[size] = named(same.loc[[own == size for own in sizes], "method"])
    few = f"fewer than {MIN_SEEDS} seeds"
    groups[few] = named(methods.loc[methods["verdict"] == "few seeds", "method"])
    return f"{'; '.join(f'{claim}: {names}' for claim, names in groups.items() if names)}."


def unseen(judged: pd.DataFrame) -> str:
    """What the tests that show no difference could have seen; empty where all show something.

    Args:
        judged: tests as :func:`~qhu.report.statistics.judged`.
    """
    words = least_seen(judged.loc[judged["verdict"] == "not shown", "smallest"].tolist())
    return words and f" ({words})"


def least_seen(values: Sequence[float]) -> str:
    """The range of the smallest differences seen, in words; empty where none is known."""
    measured = sorted(value for value in values if math.isfinite(value))
    if not measured:
        return ""
    low, high = number(measured[0]), number(measured[-1])
    return f"smallest difference this could see: {low if low == high else f'{low} to {high}'}"


def same_in_every_seed(value: Estimate) -> str:
    """A difference without spread: told, and no evidence."""
    return f"the same in every seed (n = {value.seeds}), {number(value.mean, True)}"


def signed(value: Estimate) -> str:
    """A difference with its interval."""
    return f"{number(value.mean, True)} {interval(value, True)}".strip()


def named(methods: pd.Series) -> str:
    """All of them where they are few, else how many; empty for none."""
    return ", ".join(methods) if len(methods) <= MOST_NAMED else f"{len(methods)} methods"
