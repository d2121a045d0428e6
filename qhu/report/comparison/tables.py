"""Tables of a comparison."""

from collections.abc import Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from qhu.record.scores import Score
from qhu.report.comparison.gaps import EVERY, QUANTITIES
from qhu.report.comparison.ranking import Ranking
from qhu.report.comparison.words import PART_TITLES
from qhu.report.statistics import Estimate
from qhu.report.svg import marker
from qhu.report.tables import Table, TableCell, TableRow, column, difference, interval, number


def gap_table(
    scores: Sequence[Score], methods: Sequence[str], tests: pd.DataFrame, results: pd.DataFrame
) -> Table:
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
    return Table(columns, _rows(methods, chosen))


def parts_table(
    score: Score, methods: Sequence[str], tests: pd.DataFrame, results: pd.DataFrame
) -> Table:
    """The gap of one score and its parts (columns) by method; arguments as :func:`gap_table`."""
    head = column(score, results)
    columns = [head._replace(metric=PART_TITLES[quantity]) for quantity in QUANTITIES]
    of_score = tests[tests["metric"] == score.name]
    chosen = [of_score[of_score["quantity"] == quantity] for quantity in QUANTITIES]
    return Table(columns, _rows([*methods, EVERY], chosen))


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
    """Head and rows: qubit, slope, offset, scatter with intervals, seeds."""
    rows = [["qubit", "slope", "offset", "scatter", "seeds"]]
    for qubit, line in lines.items():
        values = [f"{number(line[n].mean)} {interval(line[n])}".strip() for n in rows[0][1:4]]
        rows.append([f"q{qubit}", *values, str(line["slope"].seeds)])
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
