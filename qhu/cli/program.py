"""The program ``qhu``: what its commands hang on, and where they print."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(markup=False)  # a path or a label may hold brackets
notes = Console(stderr=True, markup=False)


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
