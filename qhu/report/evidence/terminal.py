"""The verdicts of a study on screen."""

from pathlib import Path

from rich.console import Console

from qhu.report.answer import answer
from qhu.report.evidence.files import load_evidence
from qhu.report.evidence.verdicts import equivalent, verdict_table
from qhu.report.screen import WIDTH, print_answer

EXPLAINED = (
    "AUC with half the width of its 95 % interval; utility: test accuracy minus the oracle's; "
    "steps of the optimiser."
)


def print_verdicts(folder: Path, console: Console) -> None:
    """Print what a study of evidence came to, and where its page lies.

    Raises:
        UserError: a file of the study is missing, damaged or empty.
    """
    files = load_evidence(folder)
    if not console.is_terminal:  # a pipe has no width of its own to fit
        console.width = WIDTH
    for scenario in files.verdicts["scenario"].unique():
        table = verdict_table(files, str(scenario))
        title = f"{files.name}: {scenario}"
        print_answer(title, answer(table, equivalent(files), "retrain"), console)
    console.print(EXPLAINED, markup=False, highlight=False)
    console.print(f"report: {folder / 'evidence.html'}", soft_wrap=True, markup=False)
