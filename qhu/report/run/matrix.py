"""The methods of a scenario at a glance: who forgot, kept its utility, is private, is how far.

``forgot`` and ``private`` are what the verdict rests on, taken apart: the scores of the forget
rows that are trade-offs, such as accuracy, and those that are not, such as the AUC of an attack. A
method has the verdict *forgot* exactly where it has a ✓ in each of the two that was measured.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.run_tests import Tests
from qhu.report.run_verdicts import Row, fewest_rows, grounds, kept, verdict_on
from qhu.report.statistics import equivalence_interval, estimates
from qhu.report.styles import REFERENCE_METHODS, in_order
from qhu.report.tables import Compared, TableCell
from qhu.report.verdicts import mark, place

Leaks = Sequence[tuple[Score, Mapping[str, Row]]]
"""Per score of forget rows its tests by method."""


class Mark(NamedTuple):
    """Whether something was shown of a method: a sign for the eye, and words that say the same."""

    sign: str
    words: str
    kind: str


NOT_SHOWN, UNMEASURED = Mark("", "not shown", "unsure"), Mark("–", "not measured", "unsure")
FORGOT = {
    "indistinguishable": Mark("✓", "forgot", "yes"),
    "did not forget": Mark("✗", "did not forget", "no"),
    "over-forgot": Mark("✗", "over-forgot", "no"),
}
PRIVATE = {
    "indistinguishable": Mark("✓", "private", "yes"),
    "did not forget": Mark("✗", "leaks", "no"),
    "over-forgot": Mark("✗", "stands out", "no"),
}
KEPT = {
    "kept": Mark("✓", "kept", "yes"),
    "lost": Mark("✗", "lost", "no"),
    "cannot tell": NOT_SHOWN,
}
NEAR, FAR = Mark("✓", "no farther than the floor", "yes"), Mark("✗", "farther than the floor", "no")
FLOOR = Mark("", "the floor", "unsure")


class MatrixRow(NamedTuple):
    """One method.

    ``verdict``: of :data:`~qhu.report.verdicts.CONCLUSIONS`, empty where there is none; ``tied``:
    whether it is as far from the oracle, to the digits shown, as the row above.
    """

    method: str
    verdict: str
    forgot: Mark
    kept: Mark
    private: Mark
    near: Mark
    distance: TableCell
    tied: bool = False

    @property
    def honest(self) -> bool:
        """Whether it is a row that others are read against."""
        return self.method in REFERENCE_METHODS

    @property
    def marker(self) -> Markup:
        """That of its verdict."""
        return mark(self.verdict) if self.verdict else Markup()


class Matrix(NamedTuple):
    """The methods from the nearest to the oracle to the farthest.

    ``heads``: by column, names of the scores that it rests on.
    """

    heads: dict[str, str]
    rows: list[MatrixRow]

    @property
    def order(self) -> str:
        """What the rows are ordered by, in words."""
        return "their distance to the oracle" if self.heads["distance"] else "verdict"


def distance_score(scores: Iterable[Score]) -> Score | None:
    """The score that says how far a method is from the oracle, on the forget rows if there is one.

    Args:
        scores: those at hand.
    """
    distances = [score for score in claimed(scores) if score.against == "floor"]
    return next((s for s in distances if s.rows == "forget"), next(iter(distances), None))


def matrix(
    scores: Sequence[Score], results: pd.DataFrame, summary: pd.DataFrame, tests: Tests
) -> Matrix:
    """What was shown of every method but the oracle.

    Args:
        scores: those at hand.
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        summary: rows of ``summary.csv`` of the same.
        tests: of the section.
    """
    leaks, utility = grounds(tests, fewest_rows(results))
    remembered = [(score, rows) for score, rows in leaks if score.tradeoff]
    attacks = [(score, rows) for score, rows in leaks if not score.tradeoff]
    distance = distance_score(scores)
    values = estimates(summary, distance.name) if distance else {}

    def row_of(method: str) -> MatrixRow:
        use = utility[1].get(method) if utility else None
        return MatrixRow(
            method=method,
            verdict=verdict_on(_of(leaks, method)) if _of(leaks, method) else "",
            forgot=_shown(FORGOT, remembered, method),
            kept=KEPT[kept(use)] if use else UNMEASURED,
            private=_shown(PRIVATE, attacks, method),
            near=_near(method, distance, tests),
            distance=TableCell(values.get(method)),
        )

    rows = [row_of(method) for method in in_order(results["method"]) if method != "retrain"]
    heads = {
        "forgot": _names(score for score, _ in remembered),
        "kept": _names([utility[0]] if utility else []),
        "private": _names(score for score, _ in attacks),
        "distance": _names([distance] if distance else []),
    }
    return Matrix(heads, _sorted(rows, distance))


def _names(scores: Iterable[Score]) -> str:
    return ", ".join(score.name for score in scores)


def _of(leaks: Leaks, method: str) -> list[tuple[Score, Row | None]]:
    """A method's tests; none where it was measured in no score."""
    own = [(score, rows.get(method)) for score, rows in leaks]
    return own if any(row for _, row in own) else []


def _shown(marks: Mapping[str, Mark], leaks: Leaks, method: str) -> Mark:
    own = _of(leaks, method)
    return marks.get(verdict_on(own), NOT_SHOWN) if own else UNMEASURED


def _near(method: str, score: Score | None, tests: Tests) -> Mark:
    """Whether a method is no farther than the floor: a one-sided test at 5 %, as of utility."""
    if score is None or (table := tests.get(Compared(score, "floor"))) is None:
        return UNMEASURED
    if method == "floor":
        return FLOOR
    rows = table[table["method"] == method].to_dict("records")
    if not rows:
        return UNMEASURED
    low, high = equivalence_interval(rows[0])
    farther, near = ("above", high < 0) if score.better == "lower" else ("below", low > 0)
    if rows[0]["verdict"] == farther:
        return FAR
    return NEAR if near else NOT_SHOWN


def _sorted(rows: Sequence[MatrixRow], score: Score | None) -> list[MatrixRow]:
    """From the nearest to the farthest, ties marked; where nothing was measured, by verdict."""
    sign = -1 if score and score.better == "higher" else 1

    def key(row: MatrixRow) -> tuple[bool, float]:
        estimate = row.distance.estimate
        if estimate is None:
            return True, place(row.verdict) if row.verdict else math.inf
        return False, sign * estimate.mean

    placed = sorted(rows, key=key)
    shown = [row.distance.value if row.distance.estimate else None for row in placed]
    tied = [own is not None and own == above for above, own in pairwise([None, *shown])]
    return [row._replace(tied=tie) for row, tie in zip(placed, tied, strict=True)]
