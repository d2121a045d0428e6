"""The verdicts on screen, in 80 columns: the answer first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhu.report.evidence.answer import MethodVerdict, answer, caveats, judgements
from qhu.report.evidence.files import load_evidence
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.verdicts import CONCLUSIONS

WIDTH = 80


def print_verdicts(folder: Path, console: Console) -> None:
    """Print what a study of evidence came to, and where its page lies.

    Raises:
        UserError: a file of the study is missing, damaged or empty.
    """
    files = load_evidence(folder)
    if not console.is_terminal:  # a pipe has no width of its own to fit
        console.width = WIDTH
    for scenario in files.verdicts["scenario"].unique():
        judged = judgements(files, str(scenario))
        console.print(Text(f"{files.name}: {scenario}", style="bold"))
        console.print(answer(judged, files.margin).sentence, markup=False, highlight=False)
        for sentence in caveats(judged):
            console.print(Text(sentence, style="yellow"))
        console.print(verdict_table(judged))
    console.print(EXPLAINED.format(primary=files.primary), markup=False, highlight=False)
    console.print(f"report: {folder / 'evidence.html'}", soft_wrap=True, markup=False)


EXPLAINED = (
    "AUC of {primary} with its 95 % interval; utility: test accuracy minus the oracle's; steps of "
    "the optimiser; sees: smallest difference of the AUC from 0.5 that is seen with 80 % power."
)


def verdict_table(judged: Sequence[MethodVerdict]) -> Table:
    """Methods as rows: verdict, leakage, utility, cost."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column("method", no_wrap=True, overflow="ellipsis")
    for name, width in (("verdict", 14), ("AUC", 20), ("utility", 7), ("steps", 6), ("sees", 5)):
        justify: Literal["left", "right"] = "left" if name == "verdict" else "right"
        table.add_column(name, justify=justify, min_width=width, no_wrap=True)
    for row in judged:
        shown = row.cells
        leakage = f"{shown['leakage'].value} {shown['leakage'].interval}".strip()
        table.add_row(
            Text(row.method, style="cyan" if row.method in REFERENCE_METHODS else ""),
            CONCLUSIONS[row.verdict].words,
            Text(leakage),
            shown["utility"].value,
            row.steps,
            shown["smallest"].value,
        )
    return table
