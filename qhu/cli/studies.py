"""Commands that train, unlearn and attack."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
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
    Sweep,
    Track,
    Workers,
    Yes,
    meant,
    overriding,
    say_backends,
    show_page,
)
from qhu.cli.program import console, document_text, notes, progress, recorded
from qhu.errors import Incomplete
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
    from qhu.settings.experiment import load_experiment

    overrides = overriding(backend, stages, seeds, methods, settings)
    asked = load_experiment(file, *overrides)
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

    say_backends(asked)
    emulator, budget, least_success = device
    asking = notes if shown.as_json else console  # what a device takes is asked in any case
    doing = progress(shown.quiet, shown.as_json)
    listeners = open_trackers(track)
    with _also_with_holes() as made:
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
    from qhu.settings.experiment import load_experiment

    given = load_experiment(meant(experiment), *overriding(backend, stages, None, None, settings))
    asked = with_models(given, models, name, scenario, seed)
    device = (emulator, max_qpu_seconds, least_success)
    _run(asked, out, workers, scheduler, device, yes, Shown(quiet, as_json, browse))


@app.command()
def evidence(
    experiment: File,
    backend: Name = None,
    stages: Stages = None,
    methods: Methods = None,
    settings: Settings = None,
    out: Out = None,
    workers: Workers = 0,
    scheduler: Scheduler = None,
    quiet: Quiet = False,
    browse: Open = False,
) -> None:
    """Attack thousands of models to say which methods forgot; run it again to resume."""
    from qhu.evidence.run import run as gather
    from qhu.report.evidence.terminal import print_verdicts
    from qhu.settings.experiment import load_experiment

    overrides = overriding(backend, stages, None, methods, settings)
    asked = load_experiment(meant(experiment), *overrides)
    say_backends(asked)
    with _also_with_holes() as made:
        folder = made(lambda: gather(asked, out, progress(quiet), workers, scheduler))
        print_verdicts(folder, console, brief=quiet)
        _done(folder / "evidence.html", browse)


@contextlib.contextmanager
def _also_with_holes() -> Iterator[Callable[[Callable[[], Path]], Path]]:
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


def _done(page: Path, browse: bool) -> None:
    """A page that no run of the grid wrote joins the index of runs, and is opened if asked for."""
    from qhu.report.index.page import index_runs

    index_runs([page.parent])
    show_page(page, browse)


@app.command()
def ablate(
    experiment: Sweep,
    seeds: Seeds = None,
    methods: Methods = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(help="folder of the page and of the runs")] = None,
    workers: Workers = 0,
    quiet: Quiet = False,
    browse: Open = False,
) -> None:
    """Vary one setting: a run per value and one page; run it again to resume."""
    from qhu.commands.ablate import run as run_ablation
    from qhu.settings.sweep import load_sweep

    overrides = overriding(None, None, seeds, methods, settings)
    sweep, points = load_sweep(meant(experiment), *overrides)
    say_backends(*points.values())
    with _also_with_holes() as made:
        page = made(lambda: run_ablation(sweep, points, out, progress(quiet), workers))
        console.print(f"ablation: {page}", soft_wrap=True)
        _done(page, browse)


@app.command()
def tune(
    experiment: File,
    trials: Annotated[int, typer.Option(help="of every method that has something to tune")] = 30,
    seeds: Annotated[
        str, typer.Option(help="tuning seeds, none of the experiment's, such as 100-102")
    ] = "100-102",
    scenario: Annotated[
        str | None, typer.Option(help="tune for this one; default: for all together")
    ] = None,
    methods: Methods = None,
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option(help="file; default: experiments/tuned/<experiment>.yaml"),
    ] = None,
    workers: Workers = 0,
) -> None:
    """Tune every method alike on seeds of their own; run it again to resume."""
    from qhu.settings.experiment import load_experiment
    from qhu.tune.run import run as run_tuning

    overrides = overriding(None, None, None, methods, settings)
    asked = load_experiment(meant(experiment), *overrides)
    say_backends(asked)
    run_tuning(asked, trials, seeds, out, console, workers, scenario)


@app.command()
def paper(
    datasets: Annotated[
        str, typer.Option(help="of iris,mnist,fashion_mnist")
    ] = "iris,mnist,fashion_mnist",
    seeds: Annotated[str | None, typer.Option(help="such as 0-9 or 0,3,5")] = None,
    out: Annotated[Path, typer.Option(help="folder of the page")] = Path("runs/paper"),
    workers: Workers = 0,
    quiet: Quiet = False,
    browse: Open = False,
) -> None:
    """Run arXiv 2512.19253 under its protocol and under ours, and write one page."""
    from qhu.paper.run import run as run_paper

    with _also_with_holes() as made:
        page = made(lambda: run_paper(datasets.split(","), seeds, out, progress(quiet), workers))
        console.print(f"paper: {page}", soft_wrap=True)
        _done(page, browse)


@app.command()
def claims(
    seeds: Annotated[str | None, typer.Option(help="of every run, such as 0-4")] = None,
    models: Annotated[int | None, typer.Option(min=8, help="of every pool, an even number")] = None,
    settings: Settings = None,
    out: Annotated[Path, typer.Option(help="folder of the page")] = Path("runs/claims"),
    workers: Workers = 0,
    quiet: Quiet = False,
    browse: Open = False,
) -> None:
    """Test every claim of arXiv 2512.19253, and write one page; run it again to resume."""
    from qhu.claims.gather import Size
    from qhu.claims.run import run as test_claims
    from qhu.report.paper_claims.page import print_claims

    size = Size(seeds, models, tuple(settings or ()))
    with _also_with_holes() as made:
        folder = made(lambda: test_claims(out, progress(quiet), workers, size))
        print_claims(folder, console)
        _done(folder / "claims.html", browse)
