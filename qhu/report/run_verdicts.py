"""The verdict on each method of a run, from what its seeds show of the forget rows.

It rests on the claimed scores of forget rows that are shares and whose goal is the oracle's own
value, such as accuracy and the AUC of an attack. Differences go through the page's one correction;
equivalence is shown by two one-sided tests, in every such score at once.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from qhu.record.scores import Score
from qhu.report.answer import Cost, MethodVerdict, VerdictTable, ordered
from qhu.report.run_tests import Tests
from qhu.report.statistics import (
    Estimate,
    equivalence_interval,
    estimate,
    no_lower,
    resolved,
    within,
)
from qhu.report.tables import Compared
from qhu.report.verdicts import MARGIN, UTILITY_MARGIN

Row = dict[Any, Any]
"""A judged test of a method."""
NOWHERE = (math.nan, math.nan)
UNKNOWN = Estimate(math.nan, *NOWHERE, 0)


def decisive(tests: Tests) -> list[Compared]:
    """The comparisons that verdicts rest on."""
    return [compared for compared in tests if _is_decisive(compared)]


def _is_decisive(compared: Compared) -> bool:
    score = compared.score
    return (
        compared.reference == "retrain" == score.against and score.rows == "forget" and score.share
    )


class Grounds(NamedTuple):
    """The tests that verdicts rest on.

    ``leaks``: per score of the forget rows its tests by method; ``utility``: the score of test rows
    and its tests by method, None where there is none.
    """

    leaks: list[tuple[Score, dict[str, Row]]]
    utility: tuple[Score, dict[str, Row]] | None


def grounds(tests: Tests, rows_of: Mapping[str, int]) -> Grounds:
    """The tests that verdicts rest on; arguments as of :func:`verdict_table`."""

    def by_method(compared: Compared) -> tuple[Score, dict[str, Row]]:
        step = 1 / rows_of[compared.metric]
        rows = tests[compared].to_dict("records")
        return compared.score, {row["method"]: resolved(row, step) for row in rows}

    utility = next(filter(_is_utility, tests), None)
    leaks = [by_method(compared) for compared in decisive(tests)]
    return Grounds(leaks, by_method(utility) if utility else None)


def verdict_table(
    tests: Tests, rows_of: Mapping[str, int], costs: Mapping[str, Cost]
) -> VerdictTable | None:
    """The verdicts of a section; None where the run has no score to judge by.

    Args:
        tests: of the section.
        rows_of: by score, how few rows a seed's value rests on.
        costs: by method, what it took; training from scratch is ``retrain``.
    """
    leaks, measured = grounds(tests, rows_of)
    utility = measured[1] if measured else {}
    methods = list(dict.fromkeys(method for _, rows in leaks for method in rows))
    if not methods:
        return None
    again = costs.get("retrain", Cost())
    rows = [
        _judged(
            method,
            [(score, rows.get(method)) for score, rows in leaks],
            utility.get(method),
            costs.get(method, Cost()),
            again,
        )
        for method in methods
    ]
    heads = tuple(score.name for score, _ in leaks)
    return VerdictTable(heads, True, ordered(rows), again)


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


def _judged(
    method: str,
    leaks: list[tuple[Score, Row | None]],
    utility: Row | None,
    cost: Cost,
    again: Cost,
) -> MethodVerdict:
    smallest = [row["smallest"] for _, row in leaks if row and math.isfinite(row["smallest"])]
    return MethodVerdict(
        method=method,
        verdict=verdict_on(leaks),
        leaks=tuple(estimate(row) if row else UNKNOWN for _, row in leaks),
        utility=_utility(utility) if utility else UNKNOWN,
        kept=kept(utility) if utility else "",
        cost=cost.steps,
        share=cost.over(again).steps,
        smallest=max(smallest, default=math.nan),
        seconds=cost.seconds,
        seconds_share=cost.over(again).seconds,
        inner=tuple(equivalence_interval(row) if row else NOWHERE for _, row in leaks),
    )


def verdict_on(leaks: Sequence[tuple[Score, Row | None]]) -> str:
    """What a method's tests in scores of forget rows come to.

    Equivalence comes first: within the margin even a certain difference does not matter.
    """
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


def kept(row: Mapping[Any, Any]) -> str:
    """Whether the oracle's accuracy is kept: being better is no loss."""
    if no_lower(row, UTILITY_MARGIN):
        return "kept"
    return "lost" if row["verdict"] == "below" else "cannot tell"


def _utility(row: Mapping[Any, Any]) -> Estimate:
    """The difference with the interval of the test that says whether it is kept, or lost."""
    difference = estimate(row)
    if kept(row) != "kept":
        return difference
    low, high = equivalence_interval(row)
    return difference._replace(low=low, high=high)
