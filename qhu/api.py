"""What a notebook calls: load an experiment, run it, hold its results as frames."""

import functools
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from qhu.commands.evaluate import with_models
from qhu.data.given import with_data
from qhu.data.partition import Partition
from qhu.errors import UnknownName
from qhu.grid.run import STORE
from qhu.grid.run import run as run_grid
from qhu.model.hybrid import HybridNet
from qhu.record.store import MemoryStore, Store
from qhu.report import frames
from qhu.report.run.page import write_report
from qhu.settings.experiment import Experiment, load_experiment
from qhu.settings.parts import Stages
from qhu.settings.shipped import experiment_file
from qhu.study import Study
from qhu.terminal import lenient_output

File = str | PathLike[str]
Asked = Experiment | Mapping[str, Any] | File


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder when it is asked for.

    Attributes:
        folder: the run folder; a path as text will do.
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    @functools.cached_property
    def _files(self) -> frames.RunFiles:
        return frames.load_run(self.folder)

    @property
    def results(self) -> pd.DataFrame:
        """One row per dataset, scenario, method, seed, backend and metric: ``value`` and ``n``."""
        return self._files.results

    @property
    def summary(self) -> pd.DataFrame:
        """The same over the seeds: ``mean``, 95 % interval ``ci_low`` to ``ci_high``, ``seeds``."""
        return self._files.summary

    @property
    def history(self) -> pd.DataFrame:
        """Losses: one row per epoch of a training and per step of an unlearning."""
        return self._files.losses

    @property
    def facts(self) -> pd.DataFrame:
        """One row per unlearned model: its ``steps`` and what its method reported."""
        return self._files.facts

    @functools.cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per cell, subset and row of the data: probabilities ``p0``…, features ``z0``…"""
        return frames.read_predictions(self.folder, self.results["seed"].unique().tolist())

    def report(self) -> Path:
        """Write ``report.html`` again; its path."""
        return write_report(self.folder)


def load(file: File, *overrides: str) -> Experiment:
    """The experiment in a YAML file.

    Args:
        file: the file, or the name of an experiment that ships with qhu, such as ``iris``.
        overrides: dotted settings such as ``"model.layers=3"`` or ``"seeds=0-4"``.

    Raises:
        UserError: the file is missing, does not parse (with the line), or a setting is wrong.
    """
    return load_experiment(experiment_file(Path(file)), overrides)


def run(
    experiment: Asked,
    out: File | None = None,
    *,
    data: Any = None,
    label: bool | int | str | None = None,
    workers: int = 0,
    scheduler: str | None = None,
) -> Run:
    """Run an experiment; what is finished already is not computed again.

    Args:
        experiment: an experiment, settings as in its file, or what :func:`load` takes.
        out: run folder; None: ``runs/<experiment>/<backend>/<fingerprint>``.
        data: rows in the place of the experiment's ``data.source``, or there themselves: a data
            frame, ``(X, y)`` of arrays, tensors or frames, what ``sklearn.datasets`` loads, a path,
            or a source by its name. They are kept in ``runs/.data``, where a run finds them again.
        label: of a data frame or table, the column of the label, by name or number.
        workers: local processes; 0: this one.
        scheduler: address of a running Dask scheduler, instead of ``workers``.

    Raises:
        UserError: a setting or an input is wrong, or the folder holds something else.
        Interrupted: on Ctrl-C or "interrupt kernel", after what is finished has been written.
    """
    console = Console(
        force_jupyter=False, markup=False
    )  # rich's bars in a notebook need another package
    asked, folder = _asked(experiment, data, label), Path(out) if out else None
    with lenient_output():
        return Run(run_grid(asked, folder, console, workers, scheduler))


def evaluate(
    model: Any,
    experiment: Asked,
    *,
    name: str,
    scenario: str | None = None,
    seed: int | str | Iterable[int] | None = None,
    out: File | None = None,
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
        workers: as for :func:`run`.
        scheduler: as for :func:`run`.

    Raises:
        UserError: as :func:`run`; or a model is of another network, or it is not plain which seed
            or scenario is meant.
        Interrupted: as :func:`run`.
    """
    models = list(model) if isinstance(model, list | tuple) else [model]
    asked = with_models(_asked(experiment), models, name, scenario, seed)
    return run(asked, out, workers=workers, scheduler=scheduler)


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
    asked = _asked(experiment)
    if scenario and scenario not in asked.scenarios:
        raise UnknownName("scenario", scenario, asked.scenarios)
    return _exactly(asked).partition(operator.index(seed), scenario)


def _asked(
    experiment: Asked, data: Any = None, label: bool | int | str | None = None
) -> Experiment:
    if not isinstance(experiment, Experiment | Mapping):
        experiment = load(experiment)
    if isinstance(experiment, Mapping):
        return with_data(experiment, data, label)
    if data is None and label is None:
        return experiment
    return with_data(experiment.model_dump(), data, label)


def _exactly(experiment: Experiment) -> Study:
    """The experiment on exact backends; stages of earlier runs are found, none is kept."""
    exact = experiment.model_copy(update={"stages": Stages()})
    return Study(exact, MemoryStore(below=Store(STORE.resolve())))
