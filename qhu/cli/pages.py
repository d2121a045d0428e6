"""Commands that read run folders and released files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from qhu.cli.completion import run_folders
from qhu.cli.options import Folders, Json, Open, show_page
from qhu.cli.program import console, notes, print_document

app = typer.Typer()


@app.command()
def report(
    folders: Folders,
    style: Annotated[
        Path | None, typer.Option(help="YAML file of colours, labels, width and font size")
    ] = None,
    browse: Open = False,
) -> None:
    """Write the report of run folders again; needs neither circuits nor models."""
    from qhu.report.figure_style import read_style
    from qhu.report.run.page import write_report

    look = None if style is None else read_style(style)
    for folder in folders:
        page = write_report(folder, look)
        console.print(f"report: {page}", soft_wrap=True)
        show_page(page, browse)


@app.command()
def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(help="run folders; the first is the reference", autocompletion=run_folders),
    ],
    out: Annotated[Path | None, typer.Option(help="folder to write to")] = None,
    as_json: Json = False,
    browse: Open = False,
) -> None:
    """Compare runs of the same models on different backends, and take the gaps apart."""
    from qhu.compare.compare import compare as compare_runs
    from qhu.report.comparison.document import comparison_document
    from qhu.report.index.page import index_runs

    folder = compare_runs(folders, out, notes if as_json else console)
    if as_json:
        print_document(comparison_document(folder))
    index_runs([folder])
    show_page(folder / "compare.html", browse)


@app.command()
def rank(
    before: Annotated[
        Path, typer.Argument(help="run folder of an experiment", autocompletion=run_folders)
    ],
    after: Annotated[
        Path,
        typer.Argument(
            help="of the same with options that qhu tune chose", autocompletion=run_folders
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="folder to write to")] = None,
    browse: Open = False,
) -> None:
    """Rank the methods before and after tuning, with intervals, on one page."""
    from qhu.compare.tuned import rank_tuned
    from qhu.report.index.page import index_runs

    page = rank_tuned(before, after, out, console)
    index_runs([page.parent])
    show_page(page, browse)


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(help="folder with the released *_best.pth files")],
    dataset: Annotated[str, typer.Option(help="iris | mnist | fashion_mnist")],
    published: Annotated[
        Path | None, typer.Option(help="released result table; default: the one kept here")
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute the figures of arXiv 2512.19253 from its released checkpoints."""
    from qhu.paper.audit import audit as recompute
    from qhu.paper.audit_page import as_document, as_text

    rows = recompute(folder, dataset, published)
    if as_json:
        print_document(as_document(dataset, rows))
    else:
        sys.stdout.write(as_text(dataset, rows))
