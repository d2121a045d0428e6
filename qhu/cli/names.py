"""Commands that look up what there is, and begin something of one's own."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from qhu.cli.completion import KINDS, kinds
from qhu.cli.options import File, Json, meant
from qhu.cli.program import console, notes, print_document
from qhu.terminal import ScreenColumn, print_table

app = typer.Typer()


@app.command()
def show(experiment: File) -> None:
    """Print an experiment file, to begin one of your own with."""
    sys.stdout.write(meant(experiment).read_text(encoding="utf-8"))


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="of the experiment; the file is NAME.yaml")],
) -> None:
    """Begin an experiment of your own: a commented file that editors check."""
    from qhu.commands.begin import begin

    file, schema = begin(name)
    console.print(f"{file}: run it by `qhu run {file}`", soft_wrap=True)
    console.print(f"{schema}: editors complete and check it by this", soft_wrap=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of experiment files, by which editors check them."""
    from qhu.commands.begin import schema_text

    sys.stdout.write(schema_text())


@app.command("list")
def list_names(
    kind: Annotated[str, typer.Argument(help=" | ".join(KINDS), autocompletion=kinds)],
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
    names = ScreenColumn("", [Text(entry["name"], style="bold") for entry in entries], number=False)
    texts = ScreenColumn("", [entry["summary"] for entry in entries], number=False)
    print_table(names, [texts], console)
