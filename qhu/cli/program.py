"""The program ``qhu``: where its commands print."""

import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.console import Console

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
    sys.stdout.write(f"{json_text(document, indent=2, ensure_ascii=False)}\n")


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
