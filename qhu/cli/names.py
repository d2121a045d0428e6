"""Commands that look up what there is."""

import sys
from typing import Annotated

import typer
from rich.table import Table

from qhu.cli.options import (
    File,
    meant,
)
from qhu.cli.program import console, notes

app = typer.Typer()
KINDS = (
    *("methods", "metrics", "attacks", "datasets", "backends", "experiments"),
    *("fronts", "encodings", "ansatze", "circuits", "observables", "heads"),
)


@app.command()
def show(experiment: File) -> None:
    """Print an experiment file, to begin one of your own with."""
    sys.stdout.write(meant(experiment).read_text(encoding="utf-8"))


@app.command("list")
def list_names(kind: Annotated[str, typer.Argument(help=" | ".join(KINDS))]) -> None:
    """Explain what there is of a kind, each in a line."""
    from qhu.backends.named import entry_files, known_backends
    from qhu.errors import UnknownName
    from qhu.registry import REGISTRIES
    from qhu.settings import shipped

    if kind not in KINDS:
        raise UnknownName("kind of name", kind, KINDS)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    if kind == "experiments":
        summaries = shipped.summaries()
    elif kind == "backends":
        summaries = known_backends()
        notes.print(f"from {' and '.join(map(str, entry_files()))}", markup=False, soft_wrap=True)
    else:
        entries = REGISTRIES[kind]
        summaries = {name: entries[name].summary for name in entries.names()}
    for name, summary in summaries.items():
        table.add_row(name, summary)
    console.print(table)
