"""The verdicts of a study on screen."""

from pathlib import Path

from rich.console import Console

from qhu.report.answer import answer
from qhu.report.evidence.files import load_evidence
from qhu.report.evidence.verdicts import equivalent, verdict_table
from qhu.report.screen import print_answers, print_sentences

EXPLAINED = (
    "AUC with its 95 % interval; utility: test accuracy minus the oracle's; steps of the optimiser."
)


def print_verdicts(folder: Path, console: Console, *, brief: bool = False) -> None:
    """Print what a study of evidence came to, the answer last, and where its page lies.

    Args:
        folder: of the study.
        console: where to.
        brief: only the answer and the page.

    Raises:
        UserError: a file of the study is missing, damaged or empty.
    """
    files = load_evidence(folder)
    answers = {
        f"{files.name}: {scenario}": answer(
            verdict_table(files, str(scenario)), equivalent(files), "retrain"
        )
        for scenario in files.verdicts["scenario"].unique()
    }
    if not brief:
        print_answers(answers, console)
        console.print(EXPLAINED, markup=False, highlight=False)
        console.print()
    print_sentences(answers, console)
    console.print(f"report: {folder / 'evidence.html'}", soft_wrap=True, markup=False)
