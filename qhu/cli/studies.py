"""Commands that make a page of many runs or models: evidence, ablations, tuning, the paper."""

from pathlib import Path
from typing import Annotated

import typer

from qhu.cli.options import (
    File,
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
    Workers,
    loaded,
    meant,
    overriding,
    say_backends,
    show_page,
)
from qhu.cli.program import also_with_holes, console, progress

app = typer.Typer()


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

    asked = loaded(meant(experiment), backend, stages, None, methods, settings)
    with also_with_holes() as made:
        folder = made(lambda: gather(asked, out, progress(quiet), workers, scheduler))
        print_verdicts(folder, console, brief=quiet)
        _done(folder / "evidence.html", browse)


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
    with also_with_holes() as made:
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
    from qhu.tune.run import run as run_tuning

    asked = loaded(meant(experiment), None, None, None, methods, settings)
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

    with also_with_holes() as made:
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
    with also_with_holes() as made:
        folder = made(lambda: test_claims(out, progress(quiet), workers, size))
        print_claims(folder, console)
        _done(folder / "claims.html", browse)
