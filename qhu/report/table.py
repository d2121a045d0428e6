"""The table at the end of a run, in 100 columns."""

import math
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhu.report.frames import SUMMARY, read_table
from qhu.report.statistics import Estimate, estimates
from qhu.report.styles import HONEST, TO_ORACLE, family, in_order
from qhu.report.tables import number

WIDTH = 100
SHOWN = ("acc_retain", "acc_forget", "delta_acc_forget", "acc_test", "kl_test", "mia_forget")


def print_summary(folder: Path, console: Console) -> None:
    """Print the table of a run folder, and where its page lies.

    Raises:
        UserError: ``summary.csv`` is missing, damaged or empty.
    """
    summary = read_table(folder / "summary.csv", SUMMARY)
    if not console.is_terminal:  # a pipe has no width of its own to fit
        console.width = WIDTH
    for _, rows in summary.groupby(["dataset", "scenario", "backend"], sort=False):
        console.print(console_table(rows))
    console.print(f"{_seeds(summary)}; mean ± half width of the 95 % interval.")
    console.print("The goal is the row retrain, for kl the row floor: not 0.")
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True, markup=False)


def console_table(summary: pd.DataFrame) -> Table:
    """Methods as rows: mean and half width of the 95 % interval.

    Args:
        summary: rows with the columns of ``summary.csv``, of one dataset, scenario and backend.
    """
    first = summary.iloc[0]
    heading = f"{first['dataset']}: {first['scenario']} (on {first['backend']})"
    table = Table(title=Text(heading, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    columns = {metric: estimates(summary, metric) for metric in SHOWN}
    shown = {metric: values for metric, values in columns.items() if values}
    table.add_column("method", min_width=17)
    for metric in shown:
        table.add_column(metric.replace("delta_", "delta_\n"), justify="right", vertical="bottom")
    for method in in_order(summary["method"]):
        cells = [_cell(method, metric, values.get(method)) for metric, values in shown.items()]
        table.add_row(Text(method, style="cyan" if method in HONEST else ""), *cells)
    return table


def _cell(method: str, metric: str, value: Estimate | None) -> str:
    if value is None or (method == "retrain" and family(metric)[0] in TO_ORACLE):
        return "–"
    mean = number(value.mean, signed=metric.startswith("delta_"))
    if math.isnan(value.low):
        return mean
    return f"{mean} ±{number(value.mean - value.low).removeprefix('0')}"


def _seeds(summary: pd.DataFrame) -> str:
    fewest, most = summary["seeds"].min(), summary["seeds"].max()
    if fewest != most:
        return f"{fewest}–{most} seeds"
    return "1 seed (no interval)" if most == 1 else f"{most} seeds"
