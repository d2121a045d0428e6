"""The page of ``make claims``: every claim of the paper, tested."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from qhu.record.folder import RunFolder
from qhu.report.paper_claims.parts import cost_rows, forests
from qhu.report.paper_claims.table import counted, read_claims
from qhu.report.templates import fill

WIDTH = 80


def write_claims(folder: Path) -> Path:
    """Write ``claims.html`` beside the ``claims.csv`` that it is made from.

    Where ``tests.csv`` and ``costs.csv`` lie there, too, it shows every part of a test and what
    methods cost.

    Returns:
        Path of the page.

    Raises:
        UserError: the table is missing, damaged or empty.
    """
    claims = read_claims(folder / "claims.csv")
    text = fill(
        "paper_claims/claims.html.jinja",
        claims=claims,
        counted=counted(claims),
        forests=forests(folder),
        costs=cost_rows(folder),
    )
    RunFolder(folder).write_text("claims.html", text)
    return folder / "claims.html"


def print_claims(folder: Path, console: Console) -> None:
    """Print how the tests came out, and where their page lies.

    Raises:
        UserError: the table is missing, damaged or empty.
    """
    claims = read_claims(folder / "claims.csv")
    if not console.is_terminal:  # a pipe has no width of its own to fit
        console.width = WIDTH
    console.print(Text(counted(claims), style="bold"))
    for claim in claims:
        console.print(Text(claim.words))
        for test in claim.tests:
            note = f" ({test.note})" if test.note else ""
            console.print(Text(f"  {test.standing}: {test.value}{note}", style="dim"))
    console.print(f"report: {folder / 'claims.html'}", soft_wrap=True, markup=False)
