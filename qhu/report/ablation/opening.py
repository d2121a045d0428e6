"""The answer of an ablation in a sentence, which claims no more than the page's tests show."""

import pandas as pd

from qhu.record.counts import count_of
from qhu.record.scores import Score
from qhu.report.claims import REFERENCES, named, unseen
from qhu.report.statistics import MIN_SEEDS

VERBS = {"above": "rises", "below": "falls", "same": "changes by the same in every seed"}
"""What a score does of which a change is claimed, or that has no spread."""


def opening(score: Score, axis: str, seeds: int, judged: pd.DataFrame) -> str:
    """What the methods do along the axis.

    Args:
        score: what was tested.
        axis: the axis in words.
        seeds: that every value has.
        judged: what :func:`~qhu.report.ablation.trends.changes` found, judged with the page.
    """
    tried = judged[judged["method"] != "none"]
    if seeds < MIN_SEEDS:
        return f"no change shown ({count_of(seeds, 'seed')})."
    if tried.empty:
        return "nothing is compared: no two values have the same number of classes."
    clauses = [
        f"{VERBS[str(verdict)]} {_along(str(words), str(value), axis)} for {named(rows['method'])}"
        for (words, value, verdict), rows in tried.groupby(
            ["words", "value", "verdict"], sort=False
        )
        if verdict in VERBS and not _unmoved(rows).all()
    ]
    silent = tried.groupby("method", sort=False)[["verdict", "mean"]].apply(_is_silent)
    methods = pd.Series([method for method in silent.index if silent[method]], dtype=object)
    if clauses:
        sentence = f"{score.name} minus {REFERENCES[score.reference]} {'; '.join(clauses)}"
        sentence += f"; no change shown for {named(methods)}" if len(methods) else ""
    else:
        sentence = f"no change of {score.name} shown for any method"
    return f"{sentence} ({seeds} seeds){unseen(tried)}."


def _along(words: str, value: str, axis: str) -> str:
    """Where a change is: with the axis, or with a value instead of the reference."""
    return words.format(value) if value else words.replace("per step", f"with {axis}")


def _unmoved(rows: pd.DataFrame) -> pd.Series:
    """Which tests are of a score that stays as it is in every seed."""
    return (rows["verdict"] == "same") & (rows["mean"].abs() == 0)


def _is_silent(rows: pd.DataFrame) -> bool:
    """Whether a method shows no change anywhere."""
    return bool((~rows["verdict"].isin(VERBS) | _unmoved(rows)).all())
