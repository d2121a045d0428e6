"""What the numbers say, in sentences that claim no more than a corrected test supports."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.statistics import MIN_SEEDS, Estimate, estimate, paired
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.tables import Compared, interval, number

REFERENCES: Mapping[str | None, str] = {
    "retrain": "the oracle",
    "floor": "the floor",
    "none": "doing nothing",
}
MOST_NAMED = 7
"""More methods than this are counted, not named: the table below names them."""


HEADROOM = {
    "above": "The corrected test shows it: this is the gap that a method has to close.",
    "below": "The corrected test shows it: the teacher does worse on these rows than a network "
    "that never saw them, so doing worse is no sign of forgetting.",
    "not shown": "The corrected test shows no gap: here it cannot tell forgetting from doing "
    "nothing, and the distances and the attack have to.",
    "same": "Without spread over the seeds there is nothing to test: it holds for these seeds.",
    "same and 0": "In these seeds it cannot tell forgetting from doing nothing, and the "
    "distances and the attack have to.",
    "few seeds": "So few seeds do not tell whether there is a gap to close.",
}
"""What follows from the verdict on the gap between the untouched teacher and the oracle."""


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
    tables = {one: paired(results, one.metric, one.reference) for one in compared(scores)}
    return {one: table for one, table in tables.items() if len(table)}


class Statement(NamedTuple):
    """What is talked about, and what the tests support."""

    topic: str
    text: str


def statements(tables: Mapping[Compared, pd.DataFrame]) -> list[Statement]:
    """The scenario's outcome in words.

    Args:
        tables: what :func:`comparisons` found, as :func:`~qhu.report.statistics.judged` with the
            rest of the page.
    """
    seeds = max((int(table["seeds"].max()) for table in tables.values()), default=0)
    if seeds < 2:
        return [Statement("One seed", "has no interval: these numbers support no conclusion.")]
    told = [
        _headroom(one.score, table)
        for one, table in tables.items()
        if one.score.tradeoff and one.score.rows == "forget" and one.reference == "retrain"
    ]
    if seeds < MIN_SEEDS:
        return [*told, few_seeds(seeds)]
    tried = {one: table[~table["method"].isin(REFERENCE_METHODS)] for one, table in tables.items()}
    return told + [_claim(one, table) for one, table in tried.items() if len(table)]


def few_seeds(seeds: int) -> Statement:
    """What a page says in place of claims where seeds are few."""
    text = (
        f"with {seeds} seeds nothing is claimed of any method, whatever the intervals; "
        f"claims need {MIN_SEEDS} seeds or more."
    )
    return Statement("Too few seeds:", text)


def _headroom(score: Score, table: pd.DataFrame) -> Statement:
    """Whether the score of the forget rows can tell forgetting from doing nothing at all."""
    untouched = table[(table["method"] == "none") & (table["seeds"] > 1)]
    if untouched.empty:
        return Statement("Room to forget:", "unknown, the row none lacks an interval.")
    row = untouched.to_dict("records")[0]
    gap, verdict = estimate(row), str(row["verdict"])
    size = same_in_every_seed(gap) if verdict == "same" else signed(gap)
    opening = f"{score.title}, the untouched teacher's minus the oracle's: {size}."
    if verdict == "same":
        verdict = "same" if number(gap.mean, True) != number(0) else "same and 0"
    if score.better == "lower":
        verdict = {"above": "below", "below": "above"}.get(verdict, verdict)
    return Statement("Room to forget:", f"{opening} {HEADROOM[verdict]}")


def topic(compared: Compared) -> str:
    """What a comparison is about, in words."""
    title = compared.score.title
    return f"{title[0].upper()}{title[1:]}, against {REFERENCES[compared.reference]}"


def _claim(compared: Compared, methods: pd.DataFrame) -> Statement:
    """Which of the methods the corrected tests set apart."""
    said = grouped(methods, compared.score.above, compared.score.below)
    return Statement(f"{topic(compared)}:", said)


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
    same = methods[methods["verdict"] == "same"]
    sizes = [same_in_every_seed(estimate(row)) for row in same.to_dict("records")]
    for size in dict.fromkeys(sizes):
        groups[size] = named(same.loc[[one == size for one in sizes], "method"])
    few = f"fewer than {MIN_SEEDS} seeds"
    groups[few] = named(methods.loc[methods["verdict"] == "few seeds", "method"])
    return f"{'; '.join(f'{claim}: {names}' for claim, names in groups.items() if names)}."


def same_in_every_seed(value: Estimate) -> str:
    """A difference without spread: told, and no evidence."""
    return f"the same in every seed (n = {value.seeds}), {number(value.mean, True)}"


def signed(value: Estimate) -> str:
    """A difference with its interval."""
    return f"{number(value.mean, True)} {interval(value, True)}".strip()


def named(methods: pd.Series) -> str:
    """All of them where they are few, else how many; empty for none."""
    return ", ".join(methods) if len(methods) <= MOST_NAMED else f"{len(methods)} methods"
