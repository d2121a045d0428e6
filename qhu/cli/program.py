"""The program ``qhu``: where its commands print."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qhu.errors import Incomplete
from qhu.record.json_text import json_text

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(markup=False)  # a path or a label may hold brackets
notes = Console(stderr=True, markup=False)
silence = Console(quiet=True)


def progress(quiet: bool, as_json: bool = False) -> Console:
    """Where a command shows what it is at: nowhere, beside a document, or before its tables."""
    if quiet:
        return silence
    return notes if as_json else console


def print_document(document: Any) -> None:
    """Write the one JSON document of a command; a number that is none is null."""
    sys.stdout.write(document_text(document))


def document_text(document: Any) -> str:
    """The document as it is printed."""
    return f"{json_text(document, indent=2, ensure_ascii=False)}\n"


@contextlib.contextmanager
def recorded() -> Iterator[Callable[[], str]]:
    """Within the block, what is printed is kept, styles too, for the function that it gives."""
    console.record = True
    try:
        yield lambda: console.export_text(styles=True)
    finally:
        console.record = False


@contextlib.contextmanager
def also_with_holes() -> Iterator[Callable[[Callable[[], Path]], Path]]:
    """Within the block, what makes a study gives what it made, also where cells of it failed.

    That they did is raised at the end of the block, when all else has been shown.
    """
    holes: list[Incomplete] = []

    def made(make: Callable[[], Path]) -> Path:
        try:
            return make()
        except Incomplete as error:
            holes.append(error)
            return error.made

    yield made
    if holes:
        raise holes[0]


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"qhu {version('qhu')}\n")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Did a hybrid quantum-classical network really forget?"""
