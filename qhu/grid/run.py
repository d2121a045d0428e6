"""The grid scenario × method × seed: every cell run to its end, in this process or on Dask."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from qhu.checks import check
from qhu.checks.sizes import check_processes
from qhu.errors import BudgetRefused, Interrupted, QhuError, UserError
from qhu.grid.collect import OpenRun
from qhu.grid.description import describe
from qhu.grid.events import Listener, Listeners
from qhu.grid.execute import Execute, Failed, Step, one_by_one, one_thread
from qhu.grid.grading import grading_line, grading_steps
from qhu.grid.holes import RunOutcome, refuse_holes, usable
from qhu.grid.plan import Plan, count, make_plan
from qhu.grid.progress import shown
from qhu.grid.steps import steps, steps_here, steps_on_devices
from qhu.grid.stopping import stoppable
from qhu.hardware.access import Access
from qhu.record import shelf
from qhu.record.folder import Status
from qhu.record.shelf import RUNS
from qhu.record.store import Store
from qhu.report.index.page import index_runs
from qhu.settings.experiment import Experiment
from qhu.study import Cell, Study
from qhu.terminal import folded, say

STORE = RUNS / shelf.STORE
Agree = Callable[[Plan], bool]
"""Whether the user accepts what a plan takes."""


@stoppable()
def run(
    experiment: Experiment,
    out: Path | None,
    console: Console,
    workers: int = 0,
    scheduler: str | None = None,
    access: Access | None = None,
    agree: Agree = lambda plan: True,
    listeners: Sequence[Listener] = (),
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
        listeners: told what happens; one that raises is left out, with a line.

    Returns:
        The run folder.

    Raises:
        UserError: the folder holds something else, or an input is wrong, or a worker is unfit.
        BudgetRefused: a device, and no budget or too small a one; or nothing can be learnt on it,
            or a job is longer than it allows.
        Interrupted: on Ctrl-C, SIGTERM or SIGHUP, after what is finished has been written.
        Incomplete: cells failed; everything else is computed and the page written.
    """
    listen = Listeners(listeners, console)
    opened = OpenRun(_study(experiment, console, access), out, listen=listen)
    _carry_out([opened], console, workers, scheduler, agree)
    outcome = opened.outcome()
    usable({"": outcome})
    refuse_holes({"": outcome.failed}, outcome.folder, console)
    return outcome.folder


@stoppable()
def run_all(
    asked: Mapping[str, tuple[Experiment, Path | None]], console: Console, workers: int = 0
) -> list[RunOutcome]:
    """Run experiments one after another on the same workers, which do not wait in between.

    Args:
        asked: by its name on the screen, each experiment and its run folder, as for :func:`run`.
        console: where progress is shown.
        workers: as for :func:`run`.

    Returns:
        Their run folders, and the cells that failed.

    Raises:
        QhuError: as :func:`run`.
    """
    runs = [
        OpenRun(_study(experiment, console), out, title)
        for title, (experiment, out) in asked.items()
    ]
    _carry_out(runs, console, workers)
    return [opened.outcome() for opened in runs]


def work_through(
    listed: Sequence[Step],
    console: Console,
    workers: int = 0,
    scheduler: str | None = None,
) -> Iterator[tuple[Step, Any]]:
    """Steps of studies that fill no run folder, each with its result, as they come.

    Args:
        listed: the steps, those that others need before them.
        console: where progress is shown.
        workers: as for :func:`run`.
        scheduler: as for :func:`run`.

    Raises:
        QhuError: as :func:`run`.
    """
    studies = list(dict.fromkeys(step.study for step in listed))
    with _executor(studies, workers, scheduler, console) as execute:
        yield from shown(execute, listed, _titles(listed), console)


@stoppable()
def plan(experiment: Experiment, console: Console, access: Access | None = None) -> Plan:
    """What a run would take on its devices; trains and unlearns what needs none, submits nothing.

    Raises:
        UserError: an input is wrong, or there is no such device.
    """
    study = _study(experiment, console, access, submits=False)
    for backend in study.paid.values():
        backend.reach()
    grade(study, console)
    check(study, pays=False)
    return _planned(study, console)[0]


def _study(
    experiment: Experiment, console: Console, access: Access | None = None, submits: bool = True
) -> Study:
    study = Study(experiment, Store(STORE.resolve()), access)
    run = study.fingerprint if submits else ""
    study.attach(run, lambda line: console.print(line, markup=False))
    return study


def _carry_out(
    runs: Sequence[OpenRun],
    console: Console,
    workers: int,
    scheduler: str | None = None,
    agree: Agree = lambda plan: True,
) -> None:
    """Check everything that is not finished, say what is read and forgotten, then work on it."""
    todo, lines = list[OpenRun](), set[str]()
    check_processes(workers, scheduler)
    for opened in runs:
        if opened.folder.is_finished(opened.study.fingerprint, opened.study.data.content):
            console.print(f"{opened.folder.path} is finished already: nothing to compute")
            continue
        todo.append(opened)
        if opened.study.paid and (workers or scheduler):
            raise UserError("one process talks to a device: leave out --workers and --scheduler")
        if opened.study.experiment.evidence is not None:
            raise UserError(
                f"{opened.study.experiment.name} has settings of evidence, which a run does not "
                "read: use qhu evidence, or leave them out by -s evidence=null"
            )
        opened.folder.check(opened.study.fingerprint)
        grade(opened.study, console, workers, scheduler)
        check(opened.study)
        for line in describe(opened.study).lines():
            if line not in lines:  # runs of one family read the same
                say(folded(line), console)
            lines.add(line)
        if opened.study.paid:
            spend, opened.failed = _planned(opened.study, console)
            if spend.refused:
                raise BudgetRefused(spend.refused[0])
            if spend.seconds and not agree(spend):
                raise Interrupted("nothing was submitted")
    if todo:
        studies = [opened.study for opened in todo]
        with _executor(studies, workers, scheduler, console) as execute:
            _work(todo, execute, console)


def grade(study: Study, console: Console, workers: int = 0, scheduler: str | None = None) -> None:
    """Train what tells memorisation, where a scenario's rows depend on it, and say so first."""
    made = grading_steps(study)
    if not made:
        return
    scenarios = study.experiment.scenarios
    check(study, [name for name, asked in scenarios.items() if asked.memorised is None])
    console.print(grading_line(study, [step.item for step in made]), markup=False, soft_wrap=True)
    for _, result in work_through(made, console, workers, scheduler):
        if isinstance(result, Failed):  # no row of the scenario is known without it
            raise QhuError(f"memorisation: {result.reason}")


def _planned(study: Study, console: Console) -> tuple[Plan, dict[Cell, list[str]]]:
    """What devices would be asked, without the cells that fail before."""
    made, failed = steps_here(study), dict[Cell, list[str]]()
    for step, result in shown(one_by_one, made, _titles(made), console):
        if isinstance(result, Failed) and isinstance(step.item, Cell):
            failed[step.item] = [result.reason]
            console.print(f"left out: {step.item}: {result.reason}", markup=False, soft_wrap=True)
    with one_thread():
        return make_plan(study, failed), failed


def _executor(
    studies: Sequence[Study], workers: int, scheduler: str | None, console: Console
) -> contextlib.AbstractContextManager[Execute]:
    if not workers and scheduler is None:
        return contextlib.nullcontext(one_by_one)
    from qhu.grid.cluster import on_dask  # seconds to import

    return on_dask(studies, workers, scheduler, console)


def _work(runs: Sequence[OpenRun], execute: Execute, console: Console) -> None:
    """Work through the grids; whatever happens, what is finished is written."""
    status: Status = "failed"
    try:
        for opened in runs:
            if device := opened.study.paid.get("evaluate"):
                opened.begin()
                made = steps_on_devices(opened.study)
                for step, result in shown(execute, made, _titles(made), console):
                    if isinstance(step.item, Cell):
                        opened.add(step.item, result)
                with one_thread():
                    device.fetch(count(opened.study, opened.failed)["evaluate"])
        _grids(runs, execute, console)
    except KeyboardInterrupt:
        status = "cancelled"
        raise
    finally:
        with contextlib.ExitStack() as ends:  # one that cannot be written keeps no other from it
            ends.callback(index_runs, [opened.folder.path for opened in runs])
            for opened in runs:
                ends.callback(opened.end, status)


def _grids(runs: Sequence[OpenRun], execute: Execute, console: Console) -> None:
    """Every step of the runs, each folder claimed before the first and filled after the last."""
    todo, run_of = dict[OpenRun, list[Step]](), dict[Step, OpenRun]()
    for opened in runs:
        listed = steps(opened.study, before=run_of)
        todo[opened] = [
            step
            for step in listed
            if not isinstance(step.item, Cell) or step.item not in opened.failed
        ]
        run_of |= dict.fromkeys(todo[opened], opened)
    left = Counter(run_of.values())

    def begun() -> Iterator[Step]:
        for opened, its_steps in todo.items():
            opened.begin()
            yield from its_steps

    titles = {step: opened.title or step.title for step, opened in run_of.items()}
    for step, result in shown(execute, begun(), titles, console):
        opened = run_of[step]
        left[opened] -= 1
        if isinstance(step.item, Cell):
            opened.add(step.item, result)
        if not left[opened]:
            opened.end("finished")
            if opened.title:
                console.print(f"{opened.title}: {opened.folder.path}", markup=False, soft_wrap=True)


def _titles(listed: Iterable[Step]) -> dict[Step, str]:
    return {step: step.title for step in listed}
