"""An ablation: one ordinary run per value of a setting, and one page about them all."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from qhu.commands.setups import setup_of
from qhu.errors import UserError, nearest
from qhu.grid import run as grid
from qhu.grid.holes import refuse_holes, usable
from qhu.grid.stopping import stoppable
from qhu.record.identity import digest
from qhu.record.shelf import RUNS
from qhu.report.ablation.page import write_ablation
from qhu.settings.experiment import Experiment
from qhu.settings.sweep import Sweep
from qhu.study import Study


@stoppable()
def run(
    sweep: Sweep,
    experiments: Mapping[str, Experiment],
    out: Path | None,
    console: Console,
    workers: int = 0,
) -> Path:
    """Run every value that is not finished yet, each in a folder of its own, and write the page.

    Args:
        sweep: what is varied.
        experiments: per label, the experiment with that value.
        out: folder of the page and of the runs; None: ``runs/<experiment>/<fingerprint>``.
        console: where progress is shown.
        workers: processes, as for :func:`qhu.grid.run_all`.

    Returns:
        The page.

    Raises:
        UserError: an input is wrong, or the folder holds something else.
        Interrupted: on Ctrl-C, SIGTERM or SIGHUP; the same command goes on where it stopped.
        Incomplete: cells failed; the page is written without them.
    """
    studies = [Study(experiment) for experiment in experiments.values()]
    for study in studies:
        _check_read(sweep, study)
    fingerprints = [study.fingerprint for study in studies]
    name = next(iter(experiments.values())).name
    folder = out or RUNS / name / digest(fingerprints)
    asked = {
        f"{sweep.setting} {k}": (experiment, folder / k) for k, experiment in experiments.items()
    }
    outcomes = dict(zip(experiments, grid.run_all(asked, console, workers), strict=True))
    runs = usable(outcomes)
    varied = sweep.setting.partition(".")[0] == "data"
    setups = {k: setup_of(Study(experiments[k]), varied) for k in runs}
    page = write_ablation(folder, name, sweep, runs, setups)
    refuse_holes(
        {f"{sweep.setting} {k}": made.failed for k, made in outcomes.items()}, page, console
    )
    return page


def _check_read(sweep: Sweep, study: Study) -> None:
    """Refuse a score that the runs would not have."""
    if not study.readings([sweep.read]):
        declared = {name for entry in study.metrics.values() for name in entry.reads}
        raise UserError(
            f"sweep.read '{sweep.read}' is a score of none of the metrics: "
            f"{nearest(sweep.read, declared) or 'name a score of ' + ', '.join(study.metrics)}"
        )
