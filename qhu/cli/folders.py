"""Commands about run folders: which there are, and which can go."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Confirm

from qhu.cli.completion import run_folders
from qhu.cli.options import Json, Open, show_page
from qhu.cli.program import console, notes, print_document
from qhu.errors import UserError
from qhu.terminal import say

app = typer.Typer()
RUNS = Path("runs")
"""Where runs are unless they were told otherwise; before the first one it is not there."""


@app.command()
def runs(
    root: Annotated[Path, typer.Argument(help="folder to look in")] = RUNS,
    as_json: Json = False,
    browse: Open = False,
) -> None:
    """List runs: backend, what differs, status, age, size; and write index.html."""
    from qhu.report.index.page import index_document, indexed, print_index, write_index

    if root != RUNS and not root.is_dir():
        raise UserError(f"there is no folder {root}: give one that holds runs")
    index = indexed(root)
    if as_json:
        print_document(index_document(index))
    else:
        print_index(index, console)
    if root.is_dir():
        page = write_index(index)
        notes.print(f"index: {page}", markup=False, soft_wrap=True)
        show_page(page, browse)


@app.command()
def clean(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="run folders that go", autocompletion=run_folders),
    ] = None,
    older: Annotated[
        str | None, typer.Option(help="runs that go: ended longer ago, say 30d")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="the oldest runs go until the others take this, say 5GB")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="remove without asking")] = False,
) -> None:
    """Remove runs and the stages that no other needs; what devices answered stays."""
    from qhu.commands.clean import removal, remove
    from qhu.report.index.page import age, size

    asked = removal(folders or [], older, keep)
    for run in asked.runs:
        line = f"{age(run.changed):>7}  {size(run.size):>7}  {run.path}"
        say(line, console)
    counts = f"{len(asked.runs)} folders and {len(asked.stages)} files of stages"
    console.print(f"{counts}: {size(asked.size)}", highlight=False)
    if not asked.runs:
        return
    if not yes and not sys.stdin.isatty():
        console.print("nothing is removed without --yes")
    elif yes or Confirm.ask("remove them?", console=console, default=False):
        remove(asked, notes.print)


@app.command()
def pack(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="folders of runs, ablations, comparisons or evidence", autocompletion=run_folders
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="file that ends in .zip")] = None,
    title: Annotated[
        str, typer.Option(help="of the archive; default: by the names of the runs")
    ] = "",
    creator: Annotated[
        list[str] | None,
        typer.Option(help="'Family, Given' or 'Family, Given; ORCID'; repeatable"),
    ] = None,
    licence: Annotated[str, typer.Option(help="SPDX identifier, in small letters")] = "cc-by-4.0",
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="take runs that are not finished, too")
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="let names of the user and the machine stand")
    ] = False,
) -> None:
    """Pack runs as an archive for others, such as Zenodo: checked, described, without traces."""
    from qhu.publish.about import About
    from qhu.publish.pack import pack as write_archive
    from qhu.registry import parse

    given = {"title": title, "creators": creator or [], "licence": licence}
    about = parse(About, given, "qhu pack")
    write_archive(folders, out, console, about, unfinished, names)
