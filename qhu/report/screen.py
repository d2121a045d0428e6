"""Verdicts on screen: what they rest on, then the answer, which so stands last."""

import math
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from qhu.report.answer import ScenarioAnswer, VerdictTable
from qhu.report.statistics import Estimate
from qhu.report.tables import TableCell, interval, number
from qhu.report.verdicts import CONCLUSIONS
from qhu.terminal import ScreenColumn, print_table


def print_answers(answers: Mapping[str, ScenarioAnswer], console: Console) -> None:
    """Print the verdicts of scenarios.

    Args:
        answers: by what each is about.
        console: where to.
    """
    for title, reply in answers.items():
        console.print(Text(title, style="bold"))
        print_verdicts(reply.table, console)
        console.print()


def print_sentences(answers: Mapping[str, ScenarioAnswer], console: Console) -> None:
    """Print what the verdicts of scenarios come to, and what to be wary of; arguments as above."""
    for title, reply in answers.items():
        console.print(Text(title, style="bold"))
        console.print(reply.sentence, markup=False, highlight=False)
        for sentence in reply.caveats:
            console.print(Text(sentence, style="yellow"))


def print_verdicts(table: VerdictTable, console: Console) -> None:
    """Methods as rows: verdict, what it rests on, utility, cost."""
    names = [Text(row.method, style="cyan" if row.honest else "") for row in table.rows]
    leaks = [table.leaks(row) for row in table.rows]
    columns = [
        ScreenColumn("verdict", [CONCLUSIONS[row.verdict].words for row in table.rows], False)
    ]
    for place, head in enumerate(table.heads):
        title = f"Δ {head}" if table.signed else head
        columns.append(ScreenColumn(title, [with_interval(cells[place]) for cells in leaks]))
    columns.append(ScreenColumn("utility", [table.utility(row).value for row in table.rows]))
    columns.append(ScreenColumn("steps", [row.steps for row in table.rows]))
    print_table(ScreenColumn("method", names, number=False), columns, console)


def with_interval(cell: TableCell) -> str:
    """A mean with its interval: half the width of it where it lies around the mean."""
    value = cell.estimate
    if value is None or math.isnan(value.low):
        return cell.value
    if _lies_around(value):
        return f"{cell.value} ±{number((value.high - value.low) / 2).removeprefix('0')}"
    return f"{cell.value} {interval(value, cell.signed)}"


def _lies_around(value: Estimate) -> bool:
    """Whether the mean is the middle of its interval, in the decimals that are shown."""
    return number(value.mean - value.low) == number(value.high - value.mean)
