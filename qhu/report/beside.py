"""The values of a device beside the exact ones of the same models and rows."""

from typing import Any

import pandas as pd

from qhu.report.statistics import mean_interval
from qhu.report.styles import in_order, title
from qhu.report.svg import marker
from qhu.report.tables import Cell, Column, Row, Table, row_count

SHOWN = ("acc_retain", "acc_forget", "acc_test", "kl_test", "agree_test", "mia_forget")


def beside_tables(results: pd.DataFrame) -> dict[str, Table]:
    """One table per scenario that was evaluated on two backends; empty where there is one.

    Args:
        results: tidy rows of one run; the first backend is the one asked for.

    Returns:
        By scenario: per metric a column for each backend, and their difference paired by seed.
    """
    tables = {}
    for scenario, rows in results.groupby("scenario", sort=False):
        backends = rows["backend"].unique().tolist()
        if len(backends) == 2:
            tables[str(scenario)] = _table(rows, *backends)
    return tables


def _table(rows: pd.DataFrame, device: str, exact: str) -> Table:
    columns, values = [], []
    for metric in SHOWN:
        chosen = rows[rows["metric"] == metric]
        if chosen.empty:
            continue
        wide = chosen.pivot(index=["method", "seed"], columns="backend", values="value").dropna()
        n = row_count(chosen, metric)
        for heading, figures, signed in (
            (f"{metric} on {device}", wide[device], False),
            (f"{metric} on {exact}", wide[exact], False),
            (f"{metric}: difference", wide[device] - wide[exact], True),
        ):
            columns.append(Column(heading, title(metric), n))
            values.append((figures.groupby("method"), signed))
    methods = in_order(rows["method"])
    return Table(columns, [_row(method, rows, values) for method in methods])


def _row(method: str, rows: pd.DataFrame, values: list[tuple[Any, bool]]) -> Row:
    seeds = rows.loc[rows["method"] == method, "seed"].nunique()
    cells = []
    for groups, signed in values:
        known = method in groups.groups
        figures = groups.get_group(method).to_numpy(float) if known else None
        cells.append(Cell(None if figures is None else mean_interval(figures), signed))
    return Row(method, marker(method), str(seeds), cells)
