"""Tables of a comparison."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from qhu.record.scores import Score
from qhu.report.comparison.gaps import EVERY, QUANTITIES
from qhu.report.comparison.ranking import Ranking
from qhu.report.comparison.words import PART_TITLES
from qhu.report.statistics import Estimate
from qhu.report.svg import marker
from qhu.report.tables import Table, TableCell, TableRow, column, difference, interval, number

NOTHING = ("–", "", "0.000", "[0.000, 0.000]")
"""What cells show that have no difference."""


class GapTable(NamedTuple):
    """A table without columns that say nothing, and in a sentence or more what those would say."""

    table: Table
    note: str


def gap_table(
    scores: Sequence[Score], methods: Sequence[str], tests: pd.DataFrame, results: pd.DataFrame
) -> GapTable:
    """The gap of every score (columns) and method (rows).

    Args:
        scores: the columns.
        methods: the rows.
        tests: judged gaps and parts of one scenario.
        results: rows of ``results.csv`` of the scenario, of either run.
    """
    columns = [column(score, results) for score in scores]
    gap = tests[tests["quantity"] == "gap"]
    chosen = [gap[gap["metric"] == score.name] for score in scores]
    return telling(Table(columns, _rows(methods, chosen)))


def parts_table(
    score: Score, methods: Sequence[str], tests: pd.DataFrame, results: pd.DataFrame
) -> GapTable:
    """The gap of one score and its parts (columns) by method; arguments as :func:`gap_table`."""
    head = column(score, results)
    columns = [head._replace(metric=PART_TITLES[quantity]) for quantity in QUANTITIES]
    of_score = tests[tests["metric"] == score.name]
    chosen = [of_score[of_score["quantity"] == quantity] for quantity in QUANTITIES]
    return telling(Table(columns, _rows([*methods, EVERY], chosen)), parts=True)


def telling(table: Table, parts: bool = False) -> GapTable:
    """The table without columns that are 0 throughout, or that repeat an earlier part."""
    texts = [
        [(row.cells[place].value, row.cells[place].interval) for row in table.rows]
        for place in range(len(table.columns))
    ]
    kept, zeros, repeated = list[int](), list[str](), list[str]()
    for place, head in enumerate(table.columns):
        twin = next((k for k in kept if parts and texts[k] == texts[place]), None)
        if all(value in NOTHING and ends in NOTHING for value, ends in texts[place]):
            zeros.append(head.metric)
        elif twin is not None:
            repeated.append(f"{head.metric}: as {table.columns[twin].metric}.")
        else:
            kept.append(place)
    rows = [row._replace(cells=[row.cells[place] for place in kept]) for row in table.rows]
    shown = Table([table.columns[place] for place in kept], rows)
    notes = [f"{table.seeds} seeds."] if table.seeds else []
    notes += [] if table.stands_out else ["No difference shown in any."]
    notes += [f"0.000 throughout: {', '.join(zeros)}."] if zeros else []
    return GapTable(shown, " ".join([*notes, *repeated]))


def rank_table(ranking: Ranking, labels: tuple[str, str]) -> list[list[str]]:
    """Head and rows: method, rank in both runs with intervals."""
    rows = [["method", *labels]]
    for place in ranking.places.to_dict("records"):
        cells = []
        for name in ("reference", "run"):
            ends = (place[name], place[f"{name}_low"], place[f"{name}_high"])
            cells.append(" ".join([f"{ends[0]:g}", _ranks(*ends[1:])]).strip())
        rows.append([str(place["method"]), *cells])
    return rows


def qubit_table(lines: Mapping[int, Mapping[str, Estimate]]) -> list[list[str]]:
    """Head and rows: qubit, slope, offset, scatter with intervals."""
    rows = [["qubit", "slope", "offset", "scatter"]]
    for qubit, line in lines.items():
        values = [f"{number(line[n].mean)} {interval(line[n])}".strip() for n in rows[0][1:]]
        rows.append([f"q{qubit}", *values])
    return rows


def _rows(methods: Sequence[str], chosen: Sequence[pd.DataFrame]) -> list[TableRow]:
    tables = [table.set_index("method") for table in chosen]
    rows = []
    for method in methods:
        present = [table for table in tables if method in table.index]
        if present:
            seeds = max(int(table.loc[[method], "seeds"].iloc[0]) for table in present)
            cells = [
                difference(table, method) if method in table.index else TableCell(note="undefined")
                for table in tables
            ]
            sign = Markup() if method == EVERY else marker(method)
            rows.append(TableRow(method, sign, str(seeds), cells))
    return rows


def _ranks(low: float, high: float) -> str:
    return "" if low != low else f"[{low:g}, {high:g}]"
