"""The table at the end of a run, in 100 columns."""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.frames import RESULTS, SUMMARY, read_history, read_scores, read_table
from qhu.report.run.sections import answered
from qhu.report.run_tests import by_section, page_tests
from qhu.report.screen import print_answer
from qhu.report.statistics import Estimate, estimates
from qhu.report.styles import REFERENCE_METHODS, in_order
from qhu.report.tables import number

WIDTH = 100
MOST, WIDE = 6, 13
"""Scores that fit into the width, and characters of a heading."""


def print_summary(folder: Path, console: Console) -> None:
    """Print the verdicts and the table of a run folder, and where its page lies.

    Raises:
        UserError: a file of the run is missing, damaged or empty, or ``run.json`` does not say how
            its scores are read.
    """
    summary = read_table(folder / "summary.csv", SUMMARY)
    results = read_table(folder / "results.csv", RESULTS)
    _, facts = read_history(folder / "history.jsonl")
    scores = read_scores(folder, summary)
    if not console.is_terminal:  # a pipe has no width of its own to fit
        console.width = WIDTH
    tests = page_tests(results, scores)
    for key, rows in by_section(results).items():
        if reply := answered(rows, tests[key], facts):
            print_answer(_heading(*key), reply, console)
    for key, rows in by_section(summary).items():
        shown = _chosen([scores[name] for name in rows["metric"].unique()])
        console.print(console_table(_heading(*key), rows, shown))
    console.print(f"{_seeds(summary)}; mean ± half width of the 95 % interval.")
    console.print(_goals(_chosen(list(scores.values()))))
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True, markup=False)


def _chosen(scores: Sequence[Score]) -> list[Score]:
    """The claimed scores, where there is one, as many as fit."""
    return (claimed(scores) or list(scores))[:MOST]


def _goals(scores: Sequence[Score]) -> str:
    """Against which rows the columns are read."""
    words = {"retrain": "the row retrain", "floor": "the row floor", 0: "0", None: "not in the run"}
    stems = {score.stem: words[score.against] for score in scores}
    goals = "; ".join(
        f"{goal} for {', '.join(stem for stem, its in stems.items() if its == goal)}"
        for goal in dict.fromkeys(stems.values())
    )
    return f"The goal: {goals}."


def _heading(dataset: str, scenario: str, backend: str) -> str:
    return f"{dataset}: {scenario} (on {backend})"


def console_table(heading: str, summary: pd.DataFrame, scores: Sequence[Score]) -> Table:
    """Methods as rows: mean and half width of the 95 % interval.

    Args:
        heading: what the table is about.
        summary: rows with the columns of ``summary.csv``, of one dataset, scenario and backend.
        scores: the columns.
    """
    table = Table(title=Text(heading, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    table.show_edge = table.pad_edge = False  # room for the longest names
    columns = {score: estimates(summary, score.name) for score in scores}
    table.add_column("method", min_width=17, no_wrap=True)
    for score in columns:
        split = score.rows and len(score.name) > WIDE
        name = f"{score.stem}_\n{score.rows}" if split else score.name
        table.add_column(name, justify="right", vertical="bottom")
    for method in in_order(summary["method"]):
        cells = [_cell(method, score, values.get(method)) for score, values in columns.items()]
        table.add_row(Text(method, style="cyan" if method in REFERENCE_METHODS else ""), *cells)
    return table


def _cell(method: str, score: Score, value: Estimate | None) -> str:
    if value is None or (method == "retrain" and score.relative):
        return "–"
    mean = number(value.mean, signed=score.signed)
    if math.isnan(value.low):
        return mean
    return f"{mean} ±{number(value.mean - value.low).removeprefix('0')}"


def _seeds(summary: pd.DataFrame) -> str:
    fewest, most = summary["seeds"].min(), summary["seeds"].max()
    if fewest != most:
        return f"{fewest}–{most} seeds"
    return "1 seed (no interval)" if most == 1 else f"{most} seeds"
