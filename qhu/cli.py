"""The ``qhu`` command. No logic lives here: arguments in, calls out, errors to exit statuses."""

import json
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from qhu.errors import Interrupted, QhuError, UserError, shortened
from qhu.redaction import redact
from qhu.terminal import lenient_output

if TYPE_CHECKING:
    from qhu.settings.experiment import Experiment

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(markup=False)  # a path or a label may hold brackets
notes = Console(stderr=True, markup=False)
KINDS = (
    *("methods", "metrics", "attacks", "datasets", "backends", "experiments"),
    *("fronts", "encodings", "ansatze", "circuits", "observables", "heads"),
)

File = Annotated[Path, typer.Argument(help="name of a shipped experiment, or a YAML file")]
Name = Annotated[str | None, typer.Option(help="backend of the stages it is meant for")]
Stages = Annotated[str | None, typer.Option(help="stages for --backend: train,unlearn,evaluate")]
Seeds = Annotated[str | None, typer.Option(help="such as 0-9 or 0,3,5")]
Methods = Annotated[str | None, typer.Option(help="such as scrub,lca; none and retrain are added")]
Settings = Annotated[
    list[str] | None, typer.Option("-s", help="override, such as -s model.layers=3")
]
Emulated = Annotated[
    str | None, typer.Option(help="rehearse devices on this machine: auto, or an address")
]
Budget = Annotated[
    float | None,
    typer.Option(min=0, help="device time that all jobs of this folder may be charged, in seconds"),
]
LeastSuccess = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="refuse a device with fewer executions without error; 0: accept any"
    ),
]
Out = Annotated[Path | None, typer.Option(help="run folder")]
Workers = Annotated[int, typer.Option(min=0, help="local processes; 0: this one")]
Scheduler = Annotated[str | None, typer.Option(help="address of a Dask scheduler")]
Yes = Annotated[bool, typer.Option("--yes", help="accept what a device takes")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of tables")]


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
) -> None:
    """Run an experiment and write its run folder; run it again to resume."""
    from qhu.settings.experiment import load_experiment

    overrides = _overrides(backend, stages, seeds, methods, settings)
    asked = load_experiment(_file(experiment), *overrides)
    _run(asked, out, workers, scheduler, (emulator, max_qpu_seconds, least_success), yes)


def _run(
    asked: "Experiment",
    out: Path | None,
    workers: int,
    scheduler: str | None,
    device: tuple[str | None, float | None, float | None],
    yes: bool,
) -> None:
    """Run what was asked and print its table; ``device`` says how one is reached, and its means."""
    from qhu.commands.rehearsal import agree, reach
    from qhu.grid.run import run as run_grid
    from qhu.report.run.table import print_summary

    _say_backends(asked)
    emulator, budget, least_success = device
    with reach(emulator, budget, asked.stages, least_success) as access:
        folder = run_grid(asked, out, console, workers, scheduler, access, agree(console, yes))
    print_summary(folder, console)


@app.command()
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(help="*.safetensors, *.pt or *.pth, one per seed; or one with {seed} in it"),
    ],
    experiment: Annotated[
        Path, typer.Option(help="name of a shipped experiment, or a YAML file: what they stand in")
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
) -> None:
    """Score models that were unlearned elsewhere, beside retrain, floor and doing nothing."""
    from qhu.commands.evaluate import with_models
    from qhu.settings.experiment import load_experiment

    given = load_experiment(_file(experiment), *_overrides(backend, stages, None, None, settings))
    asked = with_models(given, models, name, scenario, seed)
    _run(asked, out, workers, scheduler, (emulator, max_qpu_seconds, least_success), yes)


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
) -> None:
    """Attack thousands of models to say which methods forgot; run it again to resume."""
    from qhu.evidence.run import run as gather
    from qhu.report.evidence.terminal import print_verdicts
    from qhu.settings.experiment import load_experiment

    overrides = _overrides(backend, stages, None, methods, settings)
    asked = load_experiment(_file(experiment), *overrides)
    _say_backends(asked)
    print_verdicts(gather(asked, out, console, workers, scheduler), console)


@app.command()
def plan(
    experiment: File,
    backend: Name = None,
    stages: Stages = None,
    seeds: Seeds = None,
    methods: Methods = None,
    settings: Settings = None,
    emulator: Emulated = None,
    max_qpu_seconds: Budget = None,
    least_success: LeastSuccess = None,
    as_json: Json = False,
) -> None:
    """Say what a run would take on a device; submits nothing."""
    from qhu.commands.rehearsal import reach
    from qhu.grid.run import plan as make_plan
    from qhu.settings.experiment import load_experiment

    overrides = _overrides(backend, stages, seeds, methods, settings)
    asked = load_experiment(_file(experiment), *overrides)
    _say_backends(asked)
    with reach(emulator, max_qpu_seconds, asked.stages, least_success) as access:
        counted = make_plan(asked, notes, access)
    if as_json:
        sys.stdout.write(json.dumps(counted.document(), indent=2) + "\n")
    for line in () if as_json else counted.lines():
        console.print(line, highlight=False, soft_wrap=True)


@app.command()
def jobs(
    name: Annotated[
        str | None, typer.Argument(help="tag or job to explain; none: list all")
    ] = None,
    emulator: Emulated = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="look at jobs, keep what ended")] = False,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="submit it anew: the platform lost its job")
    ] = False,
    as_json: Json = False,
) -> None:
    """List, explain and fetch what devices were asked; nothing is submitted."""
    from qhu.commands import jobs as book
    from qhu.commands.rehearsal import reach
    from qhu.hardware.ledger import Ledger
    from qhu.settings.parts import Stages as Settled

    with reach(emulator, None, Settled()) as access:
        ledger = Ledger(access.ledger, thorough=fetch, owner=access.owner)
        if fetch:
            book.fetch(access, ledger, lambda line: console.print(line, markup=False))
        if give_up and name:
            book.give_up(ledger, name)
        if name:
            console.print("\n".join(book.explain(ledger, name)), markup=False, soft_wrap=True)
        elif as_json:
            sys.stdout.write(json.dumps(book.rows(ledger), indent=2) + "\n")
        else:
            sys.stdout.write("\n".join(book.lines(ledger)) + "\n")  # quick, however many


@app.command()
def doctor(emulator: Emulated = None, max_qpu_seconds: Budget = None) -> None:
    """Check installation, account, budget and ledger; exit 1 where something is amiss."""
    from qhu.commands.doctor import examine
    from qhu.commands.rehearsal import reach
    from qhu.settings.parts import Stages as Settled

    with reach(emulator, max_qpu_seconds, Settled()) as access:
        findings = list(examine(access))
    for about, fine, text in findings:
        console.print(f"{'ok ' if fine else 'NO '} {about}: {text}", markup=False, soft_wrap=True)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


def _overrides(
    backend: str | None,
    stages: str | None,
    seeds: str | None,
    methods: str | None,
    settings: list[str] | None,
) -> tuple[list[str], list[str] | None]:
    """Overrides of an experiment, and the methods chosen."""
    from qhu.backends.named import stage_overrides

    overrides = [*(settings or ()), *stage_overrides(backend, stages)]
    overrides += [f"seeds={seeds}"] if seeds else []
    return overrides, methods.split(",") if methods else None


def _file(experiment: Path) -> Path:
    """The experiment file that is meant; where that is not plain, a line says which."""
    from qhu.settings.shipped import experiment_file, experiments

    file = experiment_file(experiment)
    if str(experiment) in experiments():
        notes.print(f"experiment {experiment}: {file}", markup=False, soft_wrap=True)
    return file


def _say_backends(*experiments: "Experiment") -> None:
    """Say which backends are those of a file in the working folder."""
    from qhu.backends.named import own_file

    chosen = (
        name for experiment in experiments for name in experiment.stages.model_dump().values()
    )
    for name in dict.fromkeys(chosen):
        if file := own_file(name):
            notes.print(f"backend {name}: {file} in this folder", markup=False, soft_wrap=True)


@app.command()
def show(experiment: File) -> None:
    """Print an experiment file, to begin one of your own with."""
    sys.stdout.write(_file(experiment).read_text(encoding="utf-8"))


@app.command()
def ablate(
    experiment: Annotated[
        Path, typer.Argument(help="name of a shipped experiment, or a YAML file, that has a sweep")
    ],
    seeds: Annotated[str | None, typer.Option(help="such as 0-9 or 0,3,5")] = None,
    methods: Annotated[
        str | None, typer.Option(help="such as scrub,lca; none and retrain are added")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("-s", help="override, such as -s model.layers=3")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder of the page and of the runs")] = None,
    workers: Annotated[int, typer.Option(min=0, help="local processes; 0: this one")] = 0,
) -> None:
    """Vary one setting: a run per value and one page; run it again to resume."""
    from qhu.commands.ablate import run as run_ablation
    from qhu.settings.sweep import load_sweep

    overrides = [*(settings or ()), *([f"seeds={seeds}"] if seeds else [])]
    chosen = methods.split(",") if methods else None
    sweep, experiments = load_sweep(_file(experiment), overrides, chosen)
    _say_backends(*experiments.values())
    page = run_ablation(sweep, experiments, out, console, workers)
    console.print(f"ablation: {page}", soft_wrap=True)


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

    overrides = _overrides(None, None, None, methods, settings)
    asked = load_experiment(_file(experiment), *overrides)
    _say_backends(asked)
    run_tuning(asked, trials, seeds, out, console, workers, scenario)


@app.command()
def paper(
    datasets: Annotated[
        str, typer.Option(help="of iris,mnist,fashion_mnist")
    ] = "iris,mnist,fashion_mnist",
    seeds: Annotated[str | None, typer.Option(help="such as 0-9 or 0,3,5")] = None,
    out: Annotated[Path, typer.Option(help="folder of the page")] = Path("runs/paper"),
    workers: Annotated[int, typer.Option(min=0, help="local processes; 0: this one")] = 0,
) -> None:
    """Run arXiv 2512.19253 under its protocol and under ours, and write one page."""
    from qhu.paper.run import run as run_paper

    page = run_paper(datasets.split(","), seeds, out, console, workers)
    console.print(f"paper: {page}", soft_wrap=True)


@app.command()
def claims(
    seeds: Annotated[str | None, typer.Option(help="of every run, such as 0-4")] = None,
    models: Annotated[int | None, typer.Option(min=8, help="of every pool, an even number")] = None,
    settings: Settings = None,
    out: Annotated[Path, typer.Option(help="folder of the page")] = Path("runs/claims"),
    workers: Annotated[int, typer.Option(min=0, help="local processes; 0: this one")] = 0,
) -> None:
    """Test every claim of arXiv 2512.19253, and write one page; run it again to resume."""
    from qhu.claims.gather import Size
    from qhu.claims.run import run as test_claims
    from qhu.report.paper_claims.page import print_claims

    folder = test_claims(out, console, workers, Size(seeds, models, tuple(settings or ())))
    print_claims(folder, console)


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="run folders")],
) -> None:
    """Write the report of run folders again; needs neither circuits nor models."""
    from qhu.report.run.page import write_report

    for folder in folders:
        console.print(f"report: {write_report(folder)}", soft_wrap=True)


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="run folders; the first is the reference")],
    out: Annotated[Path | None, typer.Option(help="folder to write to")] = None,
) -> None:
    """Compare runs of the same models on different backends, and take the gaps apart."""
    from qhu.compare.compare import compare as compare_runs

    compare_runs(folders, out, console)


@app.command()
def rank(
    before: Annotated[Path, typer.Argument(help="run folder of an experiment")],
    after: Annotated[Path, typer.Argument(help="of the same with options that qhu tune chose")],
    out: Annotated[Path | None, typer.Option(help="folder to write to")] = None,
) -> None:
    """Rank the methods before and after tuning, with intervals, on one page."""
    from qhu.compare.tuned import rank_tuned

    rank_tuned(before, after, out, console)


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(help="folder with the released *_best.pth files")],
    dataset: Annotated[str, typer.Option(help="iris | mnist | fashion_mnist")],
    published: Annotated[
        Path | None, typer.Option(help="released result table; default: the one kept here")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of tables")] = False,
) -> None:
    """Recompute the figures of arXiv 2512.19253 from its released checkpoints."""
    from qhu.paper.audit import audit as recompute
    from qhu.paper.audit_page import as_document, as_text

    rows = recompute(folder, dataset, published)
    sys.stdout.write(as_document(dataset, rows) if as_json else as_text(dataset, rows))


@app.command()
def emulator(
    device: Annotated[
        list[str] | None, typer.Option(help="device to serve, such as fake_brisbane; repeatable")
    ] = None,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0: a free one")] = 0,
    state: Annotated[
        Path | None, typer.Option(help="folder that keeps jobs over restarts; default: memory")
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="script of faults, YAML or JSON")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("-s", help="rule, such as -s plan=paygo -s pace=0.1")
    ] = None,
) -> None:
    """Serve the IBM Quantum platform on loopback, to rehearse against; Ctrl-C ends it."""
    from qhu.commands.emulator import serve

    serve(device or ["fake_brisbane"], port, state, faults, settings or [], console)


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


def main() -> None:
    """Entry point: every mistake becomes one line and its exit status."""
    with lenient_output():
        _run_command()


def _run_command() -> None:
    try:
        sys.exit(app(standalone_mode=False))
    except QhuError as error:
        _fail(str(error), error.exit_code)
    except typer.Abort:
        _fail("stopped", Interrupted.exit_code)
    except OSError as error:
        if error.filename is None:  # not of a path that was given
            raise
        _fail(f"cannot use {error.filename}: {error.strerror}", UserError.exit_code)
    except Exception as error:
        # A usage error; its class is click's or, in newer releases, typer's own copy of it.
        if hasattr(error, "format_message"):
            _fail(error.format_message(), UserError.exit_code)
        sys.stderr.write(redact(traceback.format_exc()))  # unexpected: all of it, but no key
        sys.exit(QhuError.exit_code)


def _fail(message: str, status: int) -> None:
    line = shortened(redact(" ".join(message.split())), 2000)
    # What a terminal would obey, such as a colour in a stranger's file, is written out.
    visible = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    sys.stderr.write(f"qhu: {visible}\n")
    sys.exit(status)
