"""The verdict on each method of a run, from what its seeds show of the forget rows.

It rests on the claimed scores of forget rows that are shares and whose goal is the oracle's own
value, such as accuracy and the AUC of an attack. Differences go through the page's one correction;
equivalence is shown by two one-sided tests, in every such score at once.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from qhu.record.scores import Score
from qhu.report.answer import MethodVerdict, VerdictTable, ordered
from qhu.report.run_tests import Tests
from qhu.report.statistics import Estimate, estimate, no_lower, resolved, within
from qhu.report.tables import Compared
from qhu.report.verdicts import MARGIN, UTILITY_MARGIN

UNKNOWN = Estimate(math.nan, math.nan, math.nan, 0)


def decisive(tests: Tests) -> list[Compared]:
    """The comparisons that verdicts rest on."""
    return [compared for compared in tests if _is_decisive(compared)]


def _is_decisive(compared: Compared) -> bool:
    score = compared.score
    return (
        compared.reference == "retrain" == score.against and score.rows == "forget" and score.share
    )


def verdict_table(
    tests: Tests, rows_of: Mapping[str, int], steps: Mapping[str, float]
) -> VerdictTable | None:
    """The verdicts of a section; None where the run has no score to judge by.

    Args:
        tests: of the section.
        rows_of: by score, how few rows a seed's value rests on.
        steps: by method, the optimiser steps that it took.
    """
    leaks = [_by_method(tests[compared], rows_of[compared.metric]) for compared in decisive(tests)]
    scores = [compared.score for compared in decisive(tests)]
    utility = next((_by_method(tests[c], rows_of[c.metric]) for c in tests if _is_utility(c)), {})
    methods = list(dict.fromkeys(method for rows in leaks for method in rows))
    if not methods:
        return None
    rows = [
        _judged(
            method,
            [(score, its.get(method)) for score, its in zip(scores, leaks, strict=True)],
            utility.get(method),
            steps.get(method, math.nan),
        )
        for method in methods
    ]
    heads = tuple(score.name for score in scores)
    return VerdictTable(heads, True, ordered(rows))


def fewest_rows(results: pd.DataFrame) -> dict[str, int]:
    """By score, how few rows a seed's value rests on.

    Args:
        results: rows of ``results.csv`` of one dataset, scenario and backend.
    """
    return {str(metric): int(n) for metric, n in results.groupby("metric")["n"].min().items()}


def conclusions(results: pd.DataFrame, tests: Tests) -> dict[str, str]:
    """The verdict on every method of a section; empty where the run has no score to judge by.

    Args:
        results: rows of ``results.csv`` of the section.
        tests: of the section.
    """
    table = verdict_table(tests, fewest_rows(results), {})
    return {row.method: row.verdict for row in table.rows} if table else {}


def equivalent(tests: Tests) -> str:
    """What was shown of a method that forgot."""
    names = " and ".join(compared.score.name for compared in decisive(tests))
    return f"within ±{MARGIN:g} of the oracle in {names}"


def _is_utility(compared: Compared) -> bool:
    score = compared.score
    kept = score.tradeoff and score.rows in ("test", "test_kept")
    return kept and compared.reference == "retrain"


def _by_method(table: pd.DataFrame, count: int) -> dict[str, dict[Any, Any]]:
    return {row["method"]: resolved(row, 1 / count) for row in table.to_dict("records")}


def _judged(
    method: str,
    leaks: list[tuple[Score, dict[Any, Any] | None]],
    utility: dict[Any, Any] | None,
    steps: float,
) -> MethodVerdict:
    smallest = [row["smallest"] for _, row in leaks if row and math.isfinite(row["smallest"])]
    return MethodVerdict(
        method=method,
        verdict=_verdict(leaks),
        leaks=tuple(estimate(row) if row else UNKNOWN for _, row in leaks),
        utility=estimate(utility) if utility else UNKNOWN,
        kept=_kept(utility) if utility else "",
        cost=steps,
        share=math.nan,
        smallest=max(smallest, default=math.nan),
    )


def _verdict(leaks: list[tuple[Score, dict[Any, Any] | None]]) -> str:
    """Equivalence comes first: within the margin even a certain difference does not matter."""
    if all(row and within(row, MARGIN) for _, row in leaks):
        return "indistinguishable"
    sides = {_side(score, str(row["verdict"])) for score, row in leaks if row} - {""}
    return sides.pop() if len(sides) == 1 else "cannot tell"


def _side(score: Score, verdict: str) -> str:
    """What a claimed difference of a score of forget rows says of the method."""
    sides = {"above": "did not forget", "below": "over-forgot"}
    if score.better == "lower":
        sides = {"above": "over-forgot", "below": "did not forget"}
    return sides.get(verdict, "")


def _kept(row: Mapping[Any, Any]) -> str:
    """Whether the oracle's accuracy is kept: being better is no loss."""
    if no_lower(row, UTILITY_MARGIN):
        return "kept"
    return "lost" if row["verdict"] == "below" else "cannot tell"
