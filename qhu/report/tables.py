"""Tables of the page: mean, interval, rows and seeds of every figure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from qhu.record.scores import Score
from qhu.report.statistics import Estimate, estimate, estimates
from qhu.report.svg import marker


class Compared(NamedTuple):
    """A score, and the row whose value is subtracted."""

    score: Score
    reference: str

    @property
    def metric(self) -> str:
        """Name of the score."""
        return self.score.name


class TableCell(NamedTuple):
    """One value of a table, None where there is none, and what else there is to say.

    ``p`` is the corrected p-value of a difference, NaN where there is none; ``stands_out`` whether
    a test set it apart.
    """

    estimate: Estimate | None = None
    signed: bool = False
    note: str = ""
    p: float = math.nan
    stands_out: bool = False

    @property
    def value(self) -> str:
        """The mean."""
        return number(self.estimate.mean, self.signed) if self.estimate else "–"

    @property
    def interval(self) -> str:
        """The interval in brackets."""
        return interval(self.estimate, self.signed) if self.estimate else ""

    @property
    def p_in_words(self) -> str:
        """The p-value in words; empty where there is none, or it is 1 and so says nothing."""
        if not self.p < 0.9995:
            return ""
        return "p < 0.001" if self.p < 0.001 else f"p = {self.p:.3f}"


class Column(NamedTuple):
    """Head of a column: the metric, what it means and the rows that it rests on."""

    metric: str
    meaning: str
    n: str


class TableRow(NamedTuple):
    """One method's values."""

    method: str
    marker: Markup
    seeds: str
    cells: list[TableCell]


class Table(NamedTuple):
    """Columns and rows of one table."""

    columns: list[Column]
    rows: list[TableRow]

    @property
    def seeds(self) -> str:
        """How many seeds every row rests on; empty where not all rest on as many."""
        counts = {row.seeds for row in self.rows}
        return counts.pop() if len(counts) == 1 else ""

    @property
    def stands_out(self) -> bool:
        """Whether a test set any of its values apart."""
        return any(cell.stands_out for row in self.rows for cell in row.cells)


def score_table(
    scores: Sequence[Score], methods: Sequence[str], results: pd.DataFrame, summary: pd.DataFrame
) -> Table:
    """Scores as columns, methods as rows.

    Args:
        scores: the columns.
        methods: the rows.
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        summary: rows of ``summary.csv`` of the same.
    """
    columns = [column(score, results) for score in scores]
    values = [estimates(summary, score.name) for score in scores]
    rows = []
    for method in methods:
        of_method = [by_method.get(method) for by_method in values]
        seeds = max((value.seeds for value in of_method if value), default=0)
        pairs = zip(scores, of_method, strict=True)
        cells = [_score(method, score, value, seeds) for score, value in pairs]
        rows.append(TableRow(method, marker(method), str(seeds), cells))
    return Table(columns, rows)


def column(score: Score, results: pd.DataFrame) -> Column:
    """Head of a score's column."""
    return Column(score.name, score.title, row_count(results, score.name))


def _score(method: str, score: Score, value: Estimate | None, seeds: int) -> TableCell:
    if value is None:
        return TableCell(note="undefined")
    if method == "retrain" and score.relative:
        return TableCell(note="is the oracle")
    note = "" if value.seeds == seeds else f"{value.seeds} seeds"
    return TableCell(value, score.signed, note)


def test_table(
    compared: Mapping[Compared, pd.DataFrame], methods: Sequence[str], results: pd.DataFrame
) -> Table:
    """Paired differences as columns, methods as rows.

    Args:
        compared: per comparison its tests, as :func:`~qhu.report.statistics.judged`.
        methods: the rows; a method that was not compared is left out.
        results: rows of ``results.csv`` of one dataset, scenario and backend.
    """
    columns = [
        column(score, results)._replace(metric=f"{score.name} − {reference}")
        for score, reference in compared
    ]
    by_method = [table.set_index("method") for table in compared.values()]
    rows = []
    for method in methods:
        tested = [table for table in by_method if method in table.index]
        if tested:
            cells = [difference(table, method) for table in by_method]
            seeds = max(int(table.loc[[method], "seeds"].iloc[0]) for table in tested)
            rows.append(TableRow(method, marker(method), str(seeds), cells))
    return Table(columns, rows)


def difference(table: pd.DataFrame, method: str) -> TableCell:
    """A paired difference; it stands out where the page may claim it.

    Args:
        table: judged tests by method.
        method: the row; one that was not compared is the reference.
    """
    if method not in table.index:
        return TableCell(note="reference")
    return judged_cell(table.loc[[method]].to_dict("records")[0])


def judged_cell(row: Mapping[Any, Any]) -> TableCell:
    """A row of :func:`~qhu.report.statistics.judged`."""
    return TableCell(
        estimate(row),
        signed=True,
        note="same in every seed" if row["same"] else "",
        p=float(row["p_holm"]),
        stands_out=row["verdict"] in ("above", "below"),
    )


def row_count(results: pd.DataFrame, metric: str) -> str:
    """How many rows the metric rests on in each seed, as ``10`` or ``9–11``."""
    counts = results.loc[results["metric"] == metric, "n"]
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low}–{high}"


def number(value: float, signed: bool = False) -> str:
    """A number to three decimals, large ones to two."""
    decimals = 3 if abs(value) < 10 else 2
    rounded = round(value, decimals) + 0.0  # no negative zero
    return f"{rounded:{'+' if signed and rounded else ''}.{decimals}f}".replace("-", "−")


def interval(value: Estimate, signed: bool = False) -> str:
    """``[low, high]``, empty for a single seed."""
    if math.isnan(value.low):
        return ""
    return f"[{number(value.low, signed)}, {number(value.high, signed)}]"
