"""What the numbers say, in sentences that claim no more than a corrected test supports."""

from collections.abc import Mapping

import pandas as pd

from qhu.record.scores import Score
from qhu.report.claims import (
    Statement,
    few_seeds,
    grouped,
    same_in_every_seed,
    signed,
    topic,
    unseen,
)
from qhu.report.statistics import MIN_SEEDS, estimate
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.tables import Compared, number

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


def statements(tables: Mapping[Compared, pd.DataFrame]) -> list[Statement]:
    """The scenario's outcome in words.

    Args:
        tables: what :func:`~qhu.report.claims.comparisons` found, as
            :func:`~qhu.report.statistics.judged` with the rest of the page.
    """
    seeds = max((int(table["seeds"].max()) for table in tables.values()), default=0)
    if seeds < 2:
        return [Statement("One seed", "has no interval: these numbers support no conclusion.")]
    reading = [
        _headroom(comparison.score, table)
        for comparison, table in tables.items()
        if comparison.reference == "retrain" and _is_of_forgetting(comparison.score)
    ]
    if seeds < MIN_SEEDS:
        return [*reading, few_seeds(seeds)]
    for comparison, table in tables.items():
        tried = table[~table["method"].isin(REFERENCE_METHODS)]
        if len(tried):
            reading.append(_claim(comparison, tried))
    return reading


def _is_of_forgetting(score: Score) -> bool:
    """Whether it is a score that a method has to change, of the forget rows."""
    return score.tradeoff and score.rows == "forget"


def _headroom(score: Score, table: pd.DataFrame) -> Statement:
    """Whether the score of the forget rows can tell forgetting from doing nothing at all."""
    untouched = table[(table["method"] == "none") & (table["seeds"] > 1)]
    if untouched.empty:
        return Statement("Room to forget:", "unknown, the row none lacks an interval.")
    row = untouched.to_dict("records")[0]
    gap, verdict = estimate(row), str(row["verdict"])
    size = same_in_every_seed(gap) if verdict == "same" else signed(gap)
    size += unseen(untouched)
    opening = f"{score.title}, the untouched teacher's minus the oracle's: {size}."
    if verdict == "same":
        verdict = "same" if number(gap.mean, True) != number(0) else "same and 0"
    if score.better == "lower":
        verdict = {"above": "below", "below": "above"}.get(verdict, verdict)
    return Statement("Room to forget:", f"{opening} {HEADROOM[verdict]}")


def _claim(compared: Compared, methods: pd.DataFrame) -> Statement:
    """Which of the methods the corrected tests set apart."""
    groups = grouped(methods, compared.score.above, compared.score.below)
    return Statement(f"{topic(compared)}:", groups)
