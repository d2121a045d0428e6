"""Commands that fill one run folder: an experiment, or models that were unlearned elsewhere."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.text import Text

from qhu.cli.completion import experiments
from qhu.cli.options import (
    Budget,
    Emulated,
    File,
    Json,
    LeastSuccess,
    Methods,
    Name,
    Open,
    Out,
    Quiet,
    Scheduler,
    Seeds,
    Settings,
    Stages,
    Track,
    Workers,
    Yes,
    loaded,
    meant,
    show_page,
)
from qhu.cli.program import (
    also_with_holes,
    console,
    document_text,
    notes,
    progress,
    recorded,
)
from qhu.record.receipt import Invocation, Receipt
from qhu.settings.shipped import BACKENDS
from qhu.terminal import width_of

if TYPE_CHECKING:
    from qhu.settings.experiment import Experiment

app = typer.Typer()


@app.command()
def run(
    experiment: File,
    backend: Name = None,
    stages: Stages = None,
    seeds: Seeds = None,
    methods: Methods = None,
    settings: Settings = None,
    out: Out = None,
    workers: Workers = 0,
    scheduler: Scheduler = None,
    emulator: Emulated = None,
    max_qpu_seconds: Budget = None,
    least_success: LeastSuccess = None,
    yes: Yes = False,
    track: Track = None,
    quiet: Quiet = False,
    as_json: Json = False,
    browse: Open = False,
) -> None:
    """Run an experiment and write its run folder; run it again to resume."""
    file, shown = meant(experiment), Shown(quiet, as_json, browse)
    device = (emulator, max_qpu_seconds, least_success)
    request = _request(file, (backend, stages, seeds, methods, settings), out, shown)
    simulated = device == (None, None, None)
    if simulated and not track and (receipt := request.finished()):
        _print_again(receipt, shown)
        return
    from qhu.commands.repeat import inputs

    asked = loaded(file, backend, stages, seeds, methods, settings)
    read = inputs(asked) if simulated else None
    folder, printed = _run(asked, out, workers, scheduler, device, yes, shown, track or ())
    if read is not None:
        request.keep(folder, read, printed)


class Shown(NamedTuple):
    """What is shown of a run: the answer alone, a document instead, the page in a browser."""

    quiet: bool
    as_json: bool
    browse: bool


def _request(file: Path, overrides: Any, out: Path | None, shown: Shown) -> Invocation:
    """The command `qhu run`, and how it prints."""
    words = [str(file), overrides, out and str(out), shown.quiet, shown.as_json, width_of(console)]
    return Invocation(words, [file, Path(BACKENDS.name), BACKENDS])


def _print_again(receipt: Receipt, shown: Shown) -> None:
    line = f"{receipt.folder} is finished already: nothing to compute"
    progress(shown.quiet, shown.as_json).print(line, markup=False, soft_wrap=True)
    if shown.as_json:
        sys.stdout.write(receipt.shown)
    else:
        console.print(Text.from_ansi(receipt.shown.removesuffix("\n")), soft_wrap=True)
    show_page(receipt.folder / "report.html", shown.browse)


def _run(
    asked: "Experiment",
    out: Path | None,
    workers: int,
    scheduler: str | None,
    device: tuple[str | None, float | None, float | None],
    yes: bool,
    shown: Shown,
    track: Sequence[str] = (),
) -> tuple[Path, str]:
    """Run what was asked and print its table; ``device`` says how one is reached, and its means.

    Returns:
        The run folder, and what was printed of it.
    """
    from qhu.commands.rehearsal import agree, reach
    from qhu.grid.run import run as run_grid
    from qhu.report.run.document import run_document
    from qhu.report.run.table import print_summary
    from qhu.trackers import open_trackers

    emulator, budget, least_success = device
    asking = notes if shown.as_json else console  # what a device takes is asked in any case
    doing = progress(shown.quiet, shown.as_json)
    listeners = open_trackers(track)
    with also_with_holes() as made:
        with reach(emulator, budget, asked.stages, least_success) as access:
            means = (workers, scheduler, access, agree(asking, yes), listeners)
            folder = made(lambda: run_grid(asked, out, doing, *means))
        if shown.as_json:
            printed = document_text(run_document(folder))
            sys.stdout.write(printed)
        else:
            with recorded() as text:
                print_summary(folder, console, brief=shown.quiet)
                printed = text()
        show_page(folder / "report.html", shown.browse)
    return folder, printed


@app.command()
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(help="*.safetensors, *.pt or *.pth, one per seed; or one with {seed} in it"),
    ],
    experiment: Annotated[
        Path,
        typer.Option(
            help="name of a shipped experiment, or a YAML file: what they stand in",
            autocompletion=experiments,
        ),
    ],
    name: Annotated[str, typer.Option("--as", help="their row in tables and on the page")],
    scenario: Annotated[str | None, typer.Option(help="what they forgot")] = None,
    seed: Annotated[
        str | None, typer.Option(help="seeds of their teachers, in their order, such as 0,1")
    ] = None,
    backend: Name = None,
    stages: Stages = None,
    settings: Settings = None,
    out: Out = None,
    workers: Workers = 0,
    scheduler: Scheduler = None,
    emulator: Emulated = None,
    max_qpu_seconds: Budget = None,
    least_success: LeastSuccess = None,
    yes: Yes = False,
    quiet: Quiet = False,
    as_json: Json = False,
    browse: Open = False,
) -> None:
    """Score models that were unlearned elsewhere, beside retrain, floor and doing nothing."""
    from qhu.commands.evaluate import with_models

    given = loaded(meant(experiment), backend, stages, None, None, settings)
    asked = with_models(given, models, name, scenario, seed)
    device = (emulator, max_qpu_seconds, least_success)
    _run(asked, out, workers, scheduler, device, yes, Shown(quiet, as_json, browse))
