"""What a notebook calls: load an experiment, run it, hold its results as frames."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from qhu.backends import given as given_backends
from qhu.backends.named import stage_overrides
from qhu.commands.ablate import run as run_ablation
from qhu.commands.evaluate import with_models
from qhu.commands.rehearsal import agree, reach
from qhu.compare.compare import compare as compare_runs
from qhu.data.given import with_data
from qhu.data.partition import Partition
from qhu.errors import Incomplete, UnknownName
from qhu.grid.run import STORE
from qhu.grid.run import run as run_grid
from qhu.model.hybrid import HybridNet
from qhu.publish.about import About
from qhu.publish.pack import pack as pack_folders
from qhu.record.store import MemoryStore, Store
from qhu.registry import parse
from qhu.registry.options import plain_values
from qhu.report.notebook.arguments import as_count, as_list, as_path, as_text
from qhu.report.notebook.folders import Ablation, Comparison
from qhu.report.notebook.run import Run
from qhu.settings.experiment import Experiment, load_experiment, make_experiment
from qhu.settings.parts import Stages
from qhu.settings.shipped import experiment_file
from qhu.settings.sweep import load_sweep, make_sweep
from qhu.study import Study
from qhu.terminal import lenient_output

File = str | PathLike[str]
Asked = Experiment | Mapping[str, Any] | File
AskedBackend = str | Mapping[str, Any]
"""A backend by its name, or by options as an entry of ``backends.yaml`` has them."""
AskedStages = str | Iterable[str]
"""Stages as ``--stages`` takes them, or a list of their names."""


def load(
    file: File,
    *overrides: str,
    backend: AskedBackend | None = None,
    stages: AskedStages | None = None,
) -> Experiment:
    """The experiment in a YAML file.

    Args:
        file: the file, or the name of an experiment that ships with qhu, such as ``iris``.
        overrides: dotted settings such as ``"model.layers=3"`` or ``"seeds=0-4"``.
        backend: as for :func:`run`.
        stages: as for :func:`run`.

    Raises:
        UserError: the file is missing, does not parse (with the line), or a setting is wrong.
    """
    chosen = [*_overrides(overrides), *_on(backend, stages)]
    return load_experiment(experiment_file(as_path(file, "the experiment")), chosen)


def run(
    experiment: Asked,
    out: File | None = None,
    *,
    data: Any = None,
    label: bool | int | str | None = None,
    backend: AskedBackend | None = None,
    stages: AskedStages | None = None,
    workers: int = 0,
    scheduler: str | None = None,
    emulator: str | None = None,
    max_qpu_seconds: float | None = None,
) -> Run:
    """Run an experiment; what is finished already is not computed again.

    Args:
        experiment: an experiment, settings as in its file, or what :func:`load` takes.
        out: run folder; None: ``runs/<experiment>/<backend>/<fingerprint>``.
        data: rows in the place of the experiment's ``data.source``, or there themselves: a data
            frame, ``(X, y)`` of arrays, tensors or frames, what ``sklearn.datasets`` loads, a path,
            or a source by its name. They are kept in ``runs/.data``, where a run finds them again.
        label: of a data frame or table, the column of the label, by name or number.
        backend: of the stages that it is meant for: a name as ``--backend`` takes it, or options
            such as ``{"kind": "aer", "device": "fake_brisbane"}``, which are kept in
            ``runs/.backends``; None: what the experiment says.
        stages: for ``backend``, such as ``"train,unlearn"`` or a list; None: those it is meant for.
        workers: local processes; 0: this one.
        scheduler: address of a running Dask scheduler, instead of ``workers``.
        emulator: ``"auto"``, or the address of one: devices are rehearsed on this machine, and
            nothing is paid; None: a device is asked itself.
        max_qpu_seconds: budget of device time; None: that of the backend. Without one nothing is
            submitted; with one, the price is shown and nobody asked.

    Raises:
        UserError: a setting or an input is wrong, or the folder holds something else.
        Interrupted: on Ctrl-C or "interrupt kernel", after what is finished has been written.
    """
    processes, folder = as_count(workers, "workers"), _out(out)
    address = None if scheduler is None else as_text(scheduler, "scheduler")
    asked = _asked(experiment, _on(backend, stages), data, label)
    console = _console()
    with lenient_output(), reach(emulator, max_qpu_seconds, asked.stages) as access:
        shown = agree(console, yes=True)
        return Run(
            _made(lambda: run_grid(asked, folder, console, processes, address, access, shown))
        )


def evaluate(
    model: Any,
    experiment: Asked,
    *,
    name: str,
    scenario: str | None = None,
    seed: int | str | Iterable[int] | None = None,
    out: File | None = None,
    backend: AskedBackend | None = None,
    stages: AskedStages | None = None,
    workers: int = 0,
    scheduler: str | None = None,
) -> Run:
    """Score models that were unlearned elsewhere, beside retrain, floor and doing nothing.

    Args:
        model: a path to ``*.safetensors``, ``*.pt`` or ``*.pth``, a ``state_dict``, a
            ``torch.nn.Module``, θ as a flat vector, or a list with one of them per seed; a path
            may hold ``{seed}``.
        experiment: as for :func:`run`; its methods are left out.
        name: the models' row in results and on the page.
        scenario: what they forgot; None: the only one that the experiment has.
        seed: seeds whose teachers they started from, one per model; None: the only one there is,
            or all of them for a path with ``{seed}``.
        out: as for :func:`run`.
        backend: as for :func:`run`.
        stages: as for :func:`run`.
        workers: as for :func:`run`.
        scheduler: as for :func:`run`.

    Raises:
        UserError: as :func:`run`; or a model is of another network, or it is not plain which seed
            or scenario is meant.
        Interrupted: as :func:`run`.
    """
    as_count(workers, "workers")  # before the models are kept
    asked = with_models(
        _asked(experiment, _on(backend, stages)),
        [
            each.to_numpy(copy=True) if isinstance(each, pd.Series) else each
            for each in as_list(model)
        ],
        as_text(name, "name"),
        None if scenario is None else as_text(scenario, "scenario"),
        plain_values(seed),
    )
    return run(asked, out, workers=workers, scheduler=scheduler)


def compare(
    runs: Iterable[Run | File] | Mapping[str, Run | File], out: File | None = None
) -> Comparison:
    """Compare runs of the same models on different backends, and take the gaps apart.

    Args:
        runs: runs or their folders, two or more; the first is the reference.
        out: folder to write to; None: ``runs/<experiment>/compare/<fingerprint>``.

    Raises:
        UserError: there is one run only, the runs are not comparable, or a file is damaged.
    """
    folders = [Run(folder).folder for folder in _folders(runs)]
    with lenient_output():
        return Comparison(compare_runs(folders, _out(out), _console()))


def ablate(
    experiment: Mapping[str, Any] | File,
    *overrides: str,
    out: File | None = None,
    backend: AskedBackend | None = None,
    stages: AskedStages | None = None,
    workers: int = 0,
) -> Ablation:
    """Vary one setting: a run per value and one page; run it again to resume.

    Args:
        experiment: a file with a section ``sweep``, the name of a shipped one, or its settings.
        overrides: as for :func:`load`.
        out: folder of the page and of the runs; None: ``runs/<experiment>/<fingerprint>``.
        backend: as for :func:`run`, the same for all values.
        stages: as for :func:`run`.
        workers: local processes; 0: this one.

    Raises:
        UserError: as :func:`run`; or the experiment varies nothing.
        Interrupted: as :func:`run`.
    """
    processes, folder = as_count(workers, "workers"), _out(out)
    chosen = [*_overrides(overrides), *_on(backend, stages)]
    if isinstance(experiment, Mapping):
        sweep = make_sweep(plain_values(experiment), "experiment", Path(), chosen)
    else:
        sweep = load_sweep(experiment_file(as_path(experiment, "the experiment")), chosen)
    with lenient_output():
        return Ablation(_made(lambda: run_ablation(*sweep, folder, _console(), processes)).parent)


def pack(
    runs: Iterable[Any] | Mapping[str, Any] | Run | File,
    out: File | None = None,
    *,
    title: str = "",
    creators: Iterable[str] = (),
    licence: str = "cc-by-4.0",
    unfinished: bool = False,
    names: bool = False,
) -> Path:
    """Pack runs as an archive for others, such as Zenodo: checked, described, rendered anywhere.

    The same runs are the same bytes. Paths of this machine are cut to their last part; an archive
    that would hold a key, an account or a name of the user is refused.

    Args:
        runs: runs, ablations, comparisons, or folders that qhu wrote, those of evidence among them.
        out: a file that ends in ``.zip``; None: named after the first run, in the working folder.
        title: of the archive; empty: by the names of the runs.
        creators: ``"Family, Given"`` or ``"Family, Given; ORCID"`` each; none: left to the upload.
        licence: SPDX identifier, in small letters, of the licence of the files.
        unfinished: take runs that are not finished, too.
        names: let names of the user and of this machine stand where they do.

    Raises:
        UserError: a folder is none of qhu's, a run is not finished, a file is damaged or tells what
            it may not, or ``out`` is there with other content.
    """
    described = {"title": title, "creators": as_list(creators), "licence": licence}
    about: About = parse(About, described, "pack")
    with lenient_output():
        return pack_folders(_folders(runs), _out(out), _console(), about, unfinished, names)


def network(experiment: Asked) -> HybridNet:
    """The network of an experiment, untrained, with an exact quantum layer.

    An ordinary ``torch.nn.Module``: ``load_state_dict`` takes what ``models/`` of a run folder
    holds. It is in training mode, as torch makes modules: call ``eval`` before predictions.

    Args:
        experiment: as for :func:`run`.
    """
    return _exactly(_asked(experiment)).net("train")


def partition(experiment: Asked, seed: int, scenario: str = "") -> Partition:
    """The rows of a seed and scenario of an experiment, and the samples as networks see them.

    Args:
        experiment: as for :func:`run`.
        seed: any seed, whose split and scaling it is.
        scenario: what is to be forgotten; empty: nothing, as for teachers. Where its rows depend on
            memorisation and no run has told it, models are trained first.

    Raises:
        UserError: there is no such scenario, or a part of the split would be empty.
    """
    asked, number = _asked(experiment), as_count(seed, "seed")
    chosen = as_text(scenario, "scenario")
    if chosen and chosen not in asked.scenarios:
        raise UnknownName("scenario", chosen, asked.scenarios)
    return _exactly(asked).partition(number, chosen)


def _made(make: Callable[[], Path]) -> Path:
    """What was made, also where cells of it failed: lines and ``run.json`` say which."""
    try:
        return make()
    except Incomplete as holes:
        return holes.made


def _asked(
    experiment: Asked,
    overrides: Sequence[str] = (),
    data: Any = None,
    label: bool | int | str | None = None,
) -> Experiment:
    if not isinstance(experiment, Experiment | Mapping):
        experiment = load(experiment)
    if isinstance(experiment, Mapping):
        experiment = with_data(experiment, data, label)
    elif data is not None or label is not None:
        experiment = with_data(experiment.model_dump(), data, label)
    if not overrides:
        return experiment
    return make_experiment(experiment.model_dump(), "experiment", overrides)


def _on(backend: AskedBackend | None, stages: AskedStages | None) -> list[str]:
    """Overrides that put stages on a backend, as the command does."""
    if isinstance(backend, Mapping):
        backend = given_backends.keep(backend)
    chosen = None if stages is None else ",".join(as_text(s, "a stage") for s in as_list(stages))
    return stage_overrides(None if backend is None else as_text(backend, "backend"), chosen)


def _folders(runs: Any) -> list[Path]:
    listed = as_list(runs.values() if isinstance(runs, Mapping) else runs)
    return [as_path(getattr(run, "folder", run), "a run") for run in listed]


def _overrides(given: Iterable[str]) -> list[str]:
    return [as_text(override, "an override") for override in given]


def _out(given: File | None) -> Path | None:
    return None if given is None else as_path(given, "out")


def _console() -> Console:
    # rich's bars in a notebook need another package
    return Console(force_jupyter=False, markup=False)


def _exactly(experiment: Experiment) -> Study:
    """The experiment on exact backends; stages of earlier runs are found, none is kept."""
    exact = experiment.model_copy(update={"stages": Stages()})
    return Study(exact, MemoryStore(below=Store(STORE.resolve())))
