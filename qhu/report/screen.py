"""Verdicts on screen, in 80 columns: the answer first."""

from rich import box
from rich.console import Console
from rich.table import Table as ScreenTable
from rich.text import Text

from qhu.report.answer import ScenarioAnswer, VerdictTable
from qhu.report.verdicts import CONCLUSIONS

WIDTH = 80


def print_answer(title: str, answer: ScenarioAnswer, console: Console) -> None:
    """Print what the verdicts of a scenario come to, then the verdicts.

    Args:
        title: what it is about.
        answer: with its table.
        console: where to.
    """
    console.print(Text(title, style="bold"))
    console.print(answer.sentence, markup=False, highlight=False)
    for sentence in answer.caveats:
        console.print(Text(sentence, style="yellow"))
    console.print(screen_table(answer.table))
    console.print()


def screen_table(table: VerdictTable) -> ScreenTable:
    """Methods as rows: verdict, what it rests on, utility, cost."""
    out = ScreenTable(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    out.add_column("method", no_wrap=True, overflow="ellipsis")
    single = len(table.heads) == 1  # room for its interval
    out.add_column("verdict", no_wrap=True, min_width=15)
    for head in table.heads:
        title, width = f"Δ {head}" if table.signed else head, 20 if single else 13
        out.add_column(title, justify="right", min_width=width, max_width=width)
    for name, width in (("utility", 7), ("steps", 6)):
        out.add_column(name, justify="right", min_width=width, no_wrap=True)
    for row in table.rows:
        leaks = [
            f"{cell.value} {cell.interval if single else cell.around}".strip()
            for cell in table.leaks(row)
        ]
        out.add_row(
            Text(row.method, style="cyan" if row.honest else ""),
            CONCLUSIONS[row.verdict].words,
            *map(Text, leaks),
            table.utility(row).value,
            row.steps,
        )
    return out
