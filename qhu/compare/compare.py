"""Two or more runs of the same models on different backends, paired and taken apart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase

from rich.console import Console
from rich.progress import track

from qhu.compare.comparable import refuse_data, refuse_models, refuse_settings
from qhu.compare.reevaluate import reevaluate
from qhu.compare.twin import Twin
from qhu.errors import UserError
from qhu.model.circuit import build_ansatz, encoded_features
from qhu.record.identity import digest
from qhu.record.shelf import RUNS
from qhu.report.comparison.page import write_comparison
from qhu.report.comparison.side import Side
from qhu.report.comparison.table import print_comparison
from qhu.report.frames import RunFiles, load_run, read_predictions
from qhu.settings.experiment import load_experiment
from qhu.study import Cell, Study

ON_THE_EXACT_BACKEND = [
    "device=cpu",
    *(f"stages.{s}=statevector" for s in ("train", "unlearn", "evaluate")),
]


def compare(folders: Sequence[Path], out: Path | None, console: Console) -> Path:
    """Compare runs with the first one: ``compare.html`` and ``compare.csv``.

    Args:
        folders: finished run folders; pairs are what all of them have.
        out: where to write; None: ``runs/<experiment>/compare/<fingerprint>``.
        console: where progress and the outcome are shown.

    Returns:
        The folder written to.

    Raises:
        UserError: there is one run only, the runs are not comparable, or a file is damaged.
    """
    if not 2 <= len(folders) <= len(ascii_uppercase):
        raise UserError("give two or more run folders: the others are compared with the first")
    runs = [_evaluated(load_run(folder)) for folder in folders]
    experiments = [load_experiment(folder / "experiment.yaml") for folder in folders]
    refuse_settings(experiments)
    seeds = _common_seeds(runs)
    predictions = [read_predictions(folder, seeds) for folder in folders]
    refuse_data([run.record for run in runs], predictions)
    chosen = [*ON_THE_EXACT_BACKEND, f"seeds={seeds}"]
    study = Study(load_experiment(folders[0] / "experiment.yaml", chosen))
    _check_data(study, runs)
    cells = _cells(study, runs)
    refuse_models(folders, cells)
    sides = []
    for letter, folder, run, rows in zip(ascii_uppercase, folders, runs, predictions, strict=False):
        twin = _twin(study, run)
        watched = track(cells, f"evaluating {letter} again", console=console, transient=True)
        sides.append(Side.of(letter, run, rows, reevaluate(study, folder, twin, watched)))
    fingerprint = digest([run.record.fingerprint for run in runs])
    out = out or RUNS / study.experiment.name / "compare" / fingerprint
    print_comparison(write_comparison(sides, out), out, console)
    return out


def _evaluated(run: RunFiles) -> RunFiles:
    """The run without scores of another backend that stand beside its own."""
    own = run.results["backend"] == run.record.backend
    return replace(run, results=run.results[own])


def _common_seeds(runs: Sequence[RunFiles]) -> list[int]:
    seeds = set.intersection(*(set(run.results["seed"].tolist()) for run in runs))
    if not seeds:
        raise UserError("the runs have no seed in common: run one of them with the other's")
    return sorted(seeds)


def _check_data(study: Study, runs: Sequence[RunFiles]) -> None:
    """The models are evaluated again on what is read here: it must be what the runs read."""
    if study.data.content not in {run.record.data for run in runs}:
        raise UserError(
            "the dataset read here is not that of the runs: compare where data.source leads to it"
        )


def _cells(study: Study, runs: Sequence[RunFiles]) -> list[Cell]:
    """What every run has finished, seed by seed."""
    keys = ["scenario", "method", "seed"]
    finished = [set(run.results[keys].itertuples(index=False, name=None)) for run in runs]
    cells = [
        c for c in study.cells() if all((c.scenario, c.method, c.seed) in its for its in finished)
    ]
    if not cells:
        raise UserError("the runs have no finished cell in common: finish them first")
    return sorted(cells, key=lambda cell: cell.seed)


def _twin(study: Study, run: RunFiles) -> Twin | None:
    model = study.experiment.model
    if not model.quantum:
        return None
    ansatz = build_ansatz(model, encoded_features(model, study.shape))
    return Twin.of(run.record.effective["evaluate"], ansatz)
