"""Commands that look up what there is, and begin something of one's own."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from qhu.cli.options import File, Json, meant
from qhu.cli.program import console, notes, print_document
from qhu.terminal import Column, print_table

app = typer.Typer()
KINDS = (
    *("methods", "metrics", "attacks", "datasets", "backends", "experiments", "settings"),
    *("fronts", "encodings", "ansatze", "circuits", "observables", "heads"),
)


@app.command()
def show(experiment: File) -> None:
    """Print an experiment file, to begin one of your own with."""
    sys.stdout.write(meant(experiment).read_text(encoding="utf-8"))


@app.command("list")
def list_names(
    kind: Annotated[str, typer.Argument(help=" | ".join(KINDS))],
    as_json: Json = False,
) -> None:
    """Explain what there is of a kind, each in a line."""
    from qhu.backends.named import entry_files
    from qhu.commands.names import explained

    entries = explained(kind)
    if kind == "backends":
        notes.print(f"from {' and '.join(map(str, entry_files()))}", markup=False, soft_wrap=True)
    if as_json:
        print_document(entries)
        return
    names = Column("", [Text(entry["name"], style="bold") for entry in entries], number=False)
    texts = Column("", [entry["summary"] for entry in entries], number=False)
    print_table(names, [texts], console)
