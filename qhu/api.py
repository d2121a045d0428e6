"""What a notebook calls: load an experiment, run it, hold its results as frames."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from qhu.data.arrays import FrameOptions, from_given, keep
from qhu.grid.run import run as run_grid
from qhu.registry import parse
from qhu.report import frames
from qhu.report.run.page import write_report
from qhu.settings.experiment import Experiment, load_experiment, make_experiment
from qhu.settings.parts import DataSpec
from qhu.settings.shipped import experiment_file
from qhu.terminal import lenient_output

File = str | PathLike[str]
DATA = Path("runs/.data")
"""Where rows are kept that a caller hands over."""


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
    experiment: Experiment | Mapping[str, Any] | File,
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
    if not isinstance(experiment, Mapping | Experiment):
        experiment = load(experiment)
    if data is not None or label is not None or isinstance(experiment, Mapping):
        settings = dict(experiment) if isinstance(experiment, Mapping) else experiment.model_dump()
        experiment = _made(settings, data, label)
    console = Console(
        force_jupyter=False, markup=False
    )  # rich's bars in a notebook need another package
    with lenient_output():
        return Run(run_grid(experiment, Path(out) if out else None, console, workers, scheduler))


def _made(settings: dict[str, Any], data: Any, label: bool | int | str | None) -> Experiment:
    """The experiment that settings describe, its rows kept where ``source: file`` reads them."""
    given = settings.get("data")
    spec = dict(given) if isinstance(given, Mapping) and "target" not in given else {}
    if not spec and given is not None:
        spec = given.model_dump() if isinstance(given, DataSpec) else {"source": given}
    source = spec.get("source") if data is None else data
    options = {} if data is not None else dict(spec.get("options") or {})
    options |= {} if label is None else {"label": label}
    if isinstance(source, PathLike):
        spec |= {"source": "file", "options": {"path": source, **options}}
    elif source is None or isinstance(source, str):
        spec |= {"options": options} | ({"source": source} if source else {})
    else:
        spec |= {"source": "file", "options": {"path": "in memory"}}
        make_experiment({**settings, "data": spec}, "experiment")  # first: nothing is written
        rows = from_given(source, parse(FrameOptions, options, "data.options"))
        spec["options"] = {"path": keep(rows, DATA)}
    return make_experiment({**settings, "data": spec}, "experiment")
