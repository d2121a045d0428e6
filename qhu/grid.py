"""The grid scenario × method × seed: every cell run to its end, in this process or on Dask."""

import contextlib
import functools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from qhu import pipeline
from qhu.backends.access import Access
from qhu.collect import write_files
from qhu.errors import Interrupted, UserError
from qhu.execute import Execute, Step, one_by_one, one_thread
from qhu.experiment import Experiment
from qhu.pipeline import Scored
from qhu.planning import Plan, count, make_plan
from qhu.record.folder import RunFolder, Status
from qhu.record.store import Store
from qhu.report.html import write_report
from qhu.study import BESIDE, FLOOR, Cell, Fit, Study

STORE = Path("runs/.stages")
Agree = Callable[[Plan], bool]
"""Whether the user accepts what a plan takes."""


def run(
    experiment: Experiment,
    out: Path | None,
    console: Console,
    workers: int = 0,
    scheduler: str | None = None,
    access: Access | None = None,
    agree: Agree = lambda plan: True,
) -> Path:
    """Run an experiment; what is finished already, here or in another run, is not run again.

    Args:
        experiment: what is asked.
        out: run folder; None: ``runs/<experiment>/<backend>/<fingerprint>``.
        console: where progress is shown.
        workers: processes of a local Dask cluster; 0: this process.
        scheduler: address of a running Dask scheduler, instead of ``workers``.
        access: how devices are reached.
        agree: asked before a device is, with what it takes.

    Returns:
        The run folder.

    Raises:
        UserError: the folder holds something else, or an input is wrong, or a worker is unfit.
        BudgetRefused: a device, and no budget or too small a one.
        Interrupted: on Ctrl-C, after what is finished has been written.
    """
    study = Study(experiment, Store(STORE.resolve()), access)
    study.attach(study.fingerprint, lambda line: console.print(line, markup=False))
    folder = RunFolder(out or Path("runs") / experiment.name / study.place / study.fingerprint)
    if folder.is_finished(study.fingerprint):
        console.print(f"{folder.path} is finished already: nothing to compute")
        return folder.path
    study.check()
    if study.paid:
        if workers or scheduler:
            raise UserError("one process talks to a device: leave out --workers and --scheduler")
        spend = _planned(study, console)
        if spend.seconds and not agree(spend):
            raise Interrupted("nothing was submitted")
    backend = study.backends["evaluate"].label
    with _executor(study, workers, scheduler, console) as execute:
        settings = experiment.model_dump(mode="json")
        folder.start(experiment.name, backend, study.fingerprint, settings)
        _work(study, folder, execute, console)
    write_report(folder.path)
    return folder.path


def plan(experiment: Experiment, console: Console, access: Access | None = None) -> Plan:
    """What a run would take on its devices; trains and unlearns what needs none, submits nothing.

    Raises:
        UserError: an input is wrong, or there is no such device.
    """
    study = Study(experiment, Store(STORE.resolve()), access)
    study.attach("", lambda line: console.print(line, markup=False))
    return _planned(study, console)


def _planned(study: Study, console: Console) -> Plan:
    made = model_steps(study, exact=True)
    list(_shown(functools.partial(one_by_one, study), made, console))
    with one_thread():
        return make_plan(study)


def _executor(
    study: Study, workers: int, scheduler: str | None, console: Console
) -> contextlib.AbstractContextManager[Execute]:
    if not workers and scheduler is None:
        return contextlib.nullcontext(functools.partial(one_by_one, study))
    if workers and scheduler is not None:
        raise UserError("--workers starts local processes and --scheduler uses others: give one")
    from qhu.cluster import on_dask  # seconds to import

    return on_dask(study, workers, scheduler, console)


def _work(study: Study, folder: RunFolder, execute: Execute, console: Console) -> None:
    """Work through the whole grid; whatever happens, what is finished is written."""
    begun, scored = time.monotonic(), list[Scored]()
    status: Status = "failed"
    try:
        if device := study.paid.get("evaluate"):
            list(_shown(execute, model_steps(study, exact=False), console))
            with one_thread():
                device.fetch(count(study)["evaluate"])
        for result in _shown(execute, steps(study), console):
            if isinstance(result, Scored):
                scored.append(result)
        status = "finished"
    except KeyboardInterrupt:
        status = "cancelled"
        raise Interrupted("stopped: what is finished is kept; the same command resumes") from None
    finally:
        for paid in study.paid.values():
            paid.close(settle=status == "finished")
        write_files(study, folder, scored)
        folder.finish(status, time.monotonic() - begun)


def steps(study: Study) -> list[Step]:
    """The whole grid: what is shared first, each once; then the cells.

    Teachers and oracles of all seeds train as one stack, whoever else works: a stack's size
    decides the last bits of its numbers.
    """
    listed: list[Step] = []

    def add(step: Step) -> int:
        listed.append(step)
        return len(listed) - 1

    trained: dict[Fit, int] = {}
    for batch in _batches(study):
        trained |= dict.fromkeys(batch, add(Step("training", f"train {batch[0]}", _train, batch)))
    seen = dict(trained)
    for fit in trained if "evaluate" not in study.paid else ():
        if fit.kind != FLOOR:
            needed = frozenset([trained[fit]])
            seen[fit] = add(Step("references", f"evaluate {fit}", _look, fit, needed))
    for cell in study.cells():
        needs = {seen[Fit("teacher", cell.seed)], seen[Fit("oracle", cell.seed, cell.scenario)]}
        if cell.method == FLOOR:
            needs.add(trained[Fit(FLOOR, cell.seed, cell.scenario)])
        add(Step("unlearning", str(cell), pipeline.evaluate, cell, frozenset(needs)))
    for cell in study.cells() if BESIDE in study.backends else ():
        add(Step("exactly", str(cell), pipeline.evaluate_beside, cell))
    return listed


def model_steps(study: Study, exact: bool) -> list[Step]:
    """Training and unlearning, before a device is asked to evaluate.

    Args:
        study: the study.
        exact: only what needs no device; false: the rest.
    """
    train, unlearn = "train" not in study.paid, not {"train", "unlearn"} & study.paid.keys()
    made = [Step("training", f"train {b[0]}", _train, b) for b in _batches(study) if train == exact]
    cells = study.cells() if unlearn == exact else []
    return made + [Step("unlearning", str(cell), _unlearn, cell) for cell in cells]


def _batches(study: Study) -> list[list[Fit]]:
    """Fits of one kind and scenario, of equal size, where the network trains them as one stack."""
    alone = not study.net("train").stacked
    batches: dict[tuple[Any, ...], list[Fit]] = {}
    for one in study.fits():
        batches.setdefault((one.kind, one.scenario, alone and one.seed), []).append(one)
    return list(batches.values())


def _train(study: Study, fits: list[Fit]) -> None:
    pipeline.train(study, fits)


def _unlearn(study: Study, cell: Cell) -> None:
    pipeline.unlearn(study, cell)


def _look(study: Study, fit: Fit) -> None:
    """Outputs of a teacher or oracle, which every cell of its seed compares with."""
    pipeline.predict(study, pipeline.train(study, [fit])[0], fit.seed)


def _shown(execute: Execute, todo: Sequence[Step], console: Console) -> Iterator[Any]:
    """Results of the steps as they come, with a bar per title."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    title = TextColumn("{task.description:<10}")
    with Progress(title, *columns, TimeRemainingColumn(), console=console) as progress:
        totals = Counter(step.title for step in todo)
        bars = {name: progress.add_task(name, total=total) for name, total in totals.items()}
        for step, result in execute(todo):
            progress.advance(bars[step.title])
            yield result
