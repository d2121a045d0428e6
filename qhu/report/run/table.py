"""The scores and verdicts at the end of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.text import Text

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.facts import stages
from qhu.report.frames import (
    RESULTS,
    SUMMARY,
    read_reports,
    read_scores,
    read_settings,
    read_table,
    record_of,
)
from qhu.report.run.sections import answers, heading
from qhu.report.run_tests import by_section
from qhu.report.screen import print_answers, print_sentences
from qhu.report.statistics import Estimate, estimates
from qhu.report.styles import REFERENCE_METHODS, in_order
from qhu.report.tables import TableCell
from qhu.terminal import ScreenColumn, print_table

MOST = 6
"""Scores that are shown of a scenario."""


def print_summary(folder: Path, console: Console, *, brief: bool = False) -> None:
    """Print the scores and the verdicts of a run folder, the answer last, and where its page lies.

    Args:
        folder: of a run.
        console: where to.
        brief: only the answer and the page.

    Raises:
        UserError: a file of the run is missing, damaged or empty, or ``run.json`` does not say how
            its scores are read.
    """
    summary = read_table(folder / "summary.csv", SUMMARY)
    results = read_table(folder / "results.csv", RESULTS)
    _, facts = read_reports(folder)
    scores = read_scores(folder, summary)
    replies = {
        heading(*key): reply for key, reply in answers(results, scores, facts).items() if reply
    }
    if not brief:
        _print_scores(summary, scores, console)
        print_answers(replies, console)
    if line := stages(read_settings(folder / "experiment.yaml"), record_of(folder)):
        console.print(line, markup=False, highlight=False)
    print_sentences(replies, console)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True, markup=False)


def _print_scores(summary: pd.DataFrame, scores: Mapping[str, Score], console: Console) -> None:
    for key, rows in by_section(summary).items():
        console.print(Text(heading(*key), style="bold"))
        _print_table(rows, _chosen([scores[name] for name in rows["metric"].unique()]), console)
        console.print()
    below = "below, Δ with that of its test, ± where it lies around Δ"
    console.print(f"{_seeds(summary)}; mean with its 95 % interval; {below}.", highlight=False)
    console.print(_goals(_chosen(list(scores.values()))), highlight=False)
    console.print()


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


def _print_table(summary: pd.DataFrame, scores: Sequence[Score], console: Console) -> None:
    """Methods as rows, scores as columns: mean and 95 % interval.

    Args:
        summary: rows with the columns of ``summary.csv``, of one dataset, scenario and backend.
        scores: the columns.
        console: where to.
    """
    methods = in_order(summary["method"])
    names = [Text(name, style="cyan" if name in REFERENCE_METHODS else "") for name in methods]
    columns = []
    for score in scores:
        values = estimates(summary, score.name)
        cells = [_cell(method, score, values.get(method)) for method in methods]
        columns.append(ScreenColumn(score.name, cells))
    print_table(ScreenColumn("method", names, number=False), columns, console)


def _cell(method: str, score: Score, value: Estimate | None) -> str:
    if method == "retrain" and score.relative:
        return "–"
    cell = TableCell(value, score.signed)
    return f"{cell.value} {cell.interval}".strip()


def _seeds(summary: pd.DataFrame) -> str:
    fewest, most = summary["seeds"].min(), summary["seeds"].max()
    if fewest != most:
        return f"{fewest}–{most} seeds"
    return "1 seed (no interval)" if most == 1 else f"{most} seeds"
