"""A run of an experiment beside a run of the same experiment with tuned options."""

from pathlib import Path

from rich.console import Console

from qhu.errors import UserError
from qhu.record.shelf import RUNS
from qhu.report.comparison.tuning import write_tuning
from qhu.report.frames import load_run
from qhu.settings.experiment import Experiment, load_experiment

SAME = ("data", "model", "training", "unlearning", "evaluation", "stages", "device")
ADVICE = "rank a run of an experiment and a run of what qhu tune made of it"


def rank_tuned(before: Path, after: Path, out: Path | None, console: Console) -> Path:
    """Rank the methods before and after tuning: ``tuned.html`` and ``tuned.csv``.

    Args:
        before: finished run folder of the experiment.
        after: of the tuned one; scenarios, methods and seeds are those that both have.
        out: where to write; None: ``runs/tuned/<experiment>``.
        console: where the outcome is shown.

    Returns:
        The page.

    Raises:
        UserError: the runs are not those of one experiment, or a file is damaged.
    """
    runs = load_run(before), load_run(after)
    experiments = [load_experiment(folder / "experiment.yaml") for folder in (before, after)]
    _refuse(*experiments)
    if runs[0].record.data != runs[1].record.data:
        raise UserError(f"the runs read different data: {ADVICE}")
    out = out or RUNS / "tuned" / experiments[1].name.removeprefix("tuned-")
    outcome = write_tuning(*runs, out)
    for scene in outcome.scenes:
        console.print(scene.scenario, style="cyan", markup=False)
        for statement in scene.reading:
            console.print(f"  {statement.topic} {statement.text}", markup=False)
    console.print(outcome.verdicts.sentence, style="bold", markup=False)
    console.print(outcome.verdicts.details, markup=False)
    console.print(f"report: {out / 'tuned.html'}", soft_wrap=True, markup=False)
    return out / "tuned.html"


def _refuse(before: Experiment, after: Experiment) -> None:
    """Refuse runs that differ in more than the options of their methods.

    Raises:
        UserError: naming what is amiss.
    """
    if after.tuned is None or before.tuned is not None:
        raise UserError(f"the second run must be the tuned one, and the first not: {ADVICE}")
    if after.tuned.experiment != before.name:
        raise UserError(
            f"the second run was tuned from {after.tuned.experiment}, not {before.name}: {ADVICE}"
        )
    shared = before.scenarios.keys() & after.scenarios.keys()
    apart = [part for part in SAME if getattr(before, part) != getattr(after, part)]
    apart += [f"scenarios.{k}" for k in shared if before.scenarios[k] != after.scenarios[k]]
    if apart:
        raise UserError(f"the runs differ in {', '.join(sorted(apart))}: {ADVICE}")
    if not shared or not set(before.seeds) & set(after.seeds):
        raise UserError(f"the runs share no scenario or no seed: {ADVICE}")
