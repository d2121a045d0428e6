"""Options that commands share, and what they stand for."""

import json
import shlex
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qhu.cli import completion
from qhu.cli.program import notes

if TYPE_CHECKING:
    from qhu.settings.experiment import Experiment

File = Annotated[
    Path,
    typer.Argument(
        help="name of a shipped experiment, or a YAML file", autocompletion=completion.experiments
    ),
]
Sweep = Annotated[
    Path,
    typer.Argument(
        help="name of a shipped experiment, or a YAML file, that has a sweep",
        autocompletion=completion.experiments,
    ),
]
Folders = Annotated[
    list[Path], typer.Argument(help="run folders", autocompletion=completion.run_folders)
]
Name = Annotated[
    str | None,
    typer.Option(help="backend of the stages it is meant for", autocompletion=completion.backends),
]
Stages = Annotated[
    str | None,
    typer.Option(
        help="stages for --backend: train,unlearn,evaluate", autocompletion=completion.stages
    ),
]
Seeds = Annotated[str | None, typer.Option(help="such as 0-9 or 0,3,5")]
Methods = Annotated[
    str | None,
    typer.Option(
        help="such as scrub,lca; none and retrain are added", autocompletion=completion.methods
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "-s", help="override, such as -s model.layers=3", autocompletion=completion.settings
    ),
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
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="only the answer and where it lies, and warnings")
]
Track = Annotated[
    list[str] | None,
    typer.Option(help="tracker that is told what happens: mlflow or tensorboard; repeatable"),
]
Open = Annotated[bool, typer.Option("--open", help="open the page in a browser")]


def overriding(
    backend: str | None,
    stages: str | None,
    seeds: str | None,
    methods: str | None,
    settings: list[str] | None,
) -> tuple[list[str], list[str] | None]:
    """Overrides of an experiment, and the methods chosen."""
    from qhu.backends.named import stage_overrides
    from qhu.settings.overrides import Override

    overrides = [*(settings or ()), *stage_overrides(backend, stages)]
    if seeds is not None:
        overrides += [Override(f"seeds={json.dumps(seeds)}", f"--seeds {shlex.quote(seeds)}")]
    return overrides, None if methods is None else methods.split(",")


def loaded(
    file: Path,
    backend: str | None,
    stages: str | None,
    seeds: str | None,
    methods: str | None,
    settings: list[str] | None,
) -> "Experiment":
    """The experiment of a file, overridden; of a folder's own backends a line says that they are.

    Raises:
        UserError: the file or an override is wrong.
    """
    from qhu.settings.experiment import load_experiment

    asked = load_experiment(file, *overriding(backend, stages, seeds, methods, settings))
    say_backends(asked)
    return asked


def meant(experiment: Path) -> Path:
    """The experiment file that is meant; where that is not plain, a line says which."""
    from qhu.settings.shipped import experiment_file, experiments

    file = experiment_file(experiment)
    if str(experiment) in experiments():
        notes.print(f"experiment {experiment}: {file}", markup=False, soft_wrap=True)
    return file


def say_backends(*experiments: "Experiment") -> None:
    """Say which backends are those of a file in the working folder."""
    from qhu.backends.named import own_file

    chosen = (
        name for experiment in experiments for name in experiment.stages.model_dump().values()
    )
    for name in dict.fromkeys(chosen):
        if file := own_file(name):
            notes.print(f"backend {name}: {file} in this folder", markup=False, soft_wrap=True)


def show_page(page: Path, browse: bool) -> None:
    """Open a page in a browser, if that was asked for; where there is none, say so."""
    if browse and not webbrowser.open(page.resolve().as_uri()):
        notes.print(f"no browser opens {page}", soft_wrap=True)
