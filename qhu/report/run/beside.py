"""The values of a device beside the exact ones of the same models and rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.statistics import mean_interval
from qhu.report.styles import in_order
from qhu.report.svg import marker
from qhu.report.tables import Table, TableCell, TableRow, column


def beside_tables(results: pd.DataFrame, scores: Mapping[str, Score]) -> dict[str, Table]:
    """One table per scenario that was evaluated on two backends; empty where there is one.

    Args:
        results: tidy rows of one run; the first backend is the one asked for.
        scores: by name, how the scores in them are read.

    Returns:
        By scenario: per claimed score a column for each backend, and their difference paired by
        seed.
    """
    tables = {}
    for scenario, rows in results.groupby("scenario", sort=False):
        backends = rows["backend"].unique().tolist()
        present = [scores[name] for name in rows["metric"].unique()]
        if len(backends) == 2:
            tables[str(scenario)] = _table(rows, claimed(present), *backends)
    return tables


def _table(rows: pd.DataFrame, scores: Sequence[Score], device: str, exact: str) -> Table:
    columns, values = [], []
    for score in scores:
        chosen = rows[rows["metric"] == score.name]
        wide = chosen.pivot(index=["method", "seed"], columns="backend", values="value").dropna()
        head = column(score, chosen)
        for heading, figures, signed in (
            (f"{score.name} on {device}", wide[device], score.signed),
            (f"{score.name} on {exact}", wide[exact], score.signed),
            (f"{score.name}: difference", wide[device] - wide[exact], True),
        ):
            columns.append(head._replace(metric=heading))
            values.append((figures.groupby("method"), signed))
    methods = in_order(rows["method"])
    return Table(columns, [_row(method, rows, values) for method in methods])


def _row(method: str, rows: pd.DataFrame, values: list[tuple[Any, bool]]) -> TableRow:
    seeds = rows.loc[rows["method"] == method, "seed"].nunique()
    cells = []
    for groups, signed in values:
        estimate = None
        if method in groups.groups:
            estimate = mean_interval(groups.get_group(method).to_numpy(float))
        cells.append(TableCell(estimate, signed))
    return TableRow(method, marker(method), str(seeds), cells)
