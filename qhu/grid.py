"""The grid scenario × method × seed: every cell run to its end, in this process or on Dask."""

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
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
from qhu.errors import Interrupted
from qhu.experiment import Experiment
from qhu.pipeline import Scored
from qhu.planning import Plan, count, make_plan
from qhu.record.folder import RunFolder, Status
from qhu.record.store import Store
from qhu.report.html import write_report
from qhu.study import BESIDE, Fit, Study

STORE = Path("runs/.stages")
Agree = Callable[[Plan], bool]
"""Whether the user accepts what a plan takes."""
Work = Callable[[Study, Any], Any]
Each = Callable[[Work, Sequence[Any]], Iterator[Any]]


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
        UserError: the folder holds something else, or an input is wrong.
        BudgetRefused: a device, and no budget or too small a one.
        Interrupted: on Ctrl-C, after what is finished has been written.
    """
    # Small tensors: a second thread brings nothing, and on a busy machine it waits ten times over.
    torch.set_num_threads(1)
    study = Study(experiment, Store(STORE), access)
    for stage, device in study.paid.items():
        device.attach(study.fingerprint, stage, lambda line: console.print(line, markup=False))
    folder = RunFolder(out or Path("runs") / experiment.name / study.place / study.fingerprint)
    if folder.is_finished(study.fingerprint, study.code):
        console.print(f"{folder.path} is finished already: nothing to compute")
        return folder.path
    study.check()
    if study.paid:
        prepare(study, console)
        spend = make_plan(study)
        if spend.seconds and not agree(spend):
            raise Interrupted("nothing was submitted")
    backend = study.backends["evaluate"].label
    settings = experiment.model_dump(mode="json")
    folder.start(experiment.name, backend, study.fingerprint, study.code, settings)
    begun, scored = time.monotonic(), list[Scored]()
    status: Status = "failed"
    try:
        with _executor(study, workers, scheduler) as each, _progress(console) as progress:
            _work(progress, "training", each, pipeline.train, _batches(study))
            if study.paid:
                each = _here(study)  # one process talks to devices
                _work(progress, "unlearning", each, pipeline.unlearn, study.cells())
                _fetch(study, progress)
            title = "evaluating" if study.paid else "unlearning"
            _work(progress, title, each, pipeline.evaluate, study.cells(), scored)
            if BESIDE in study.backends:
                _work(progress, "exactly", each, pipeline.evaluate_beside, study.cells(), scored)
        status = "finished"
    except KeyboardInterrupt:
        status = "cancelled"
        raise Interrupted("stopped: what is finished is kept; the same command resumes") from None
    finally:
        for device in study.paid.values():
            device.close(settle=status == "finished")
        write_files(study, folder, scored)
        folder.finish(status, time.monotonic() - begun)
    write_report(folder.path)
    return folder.path


def plan(experiment: Experiment, console: Console, access: Access | None = None) -> Plan:
    """What a run would take on its devices; trains and unlearns what needs none, submits nothing.

    Raises:
        UserError: an input is wrong, or there is no such device.
    """
    torch.set_num_threads(1)
    study = Study(experiment, Store(STORE), access)
    for stage, device in study.paid.items():
        device.attach("", stage, lambda line: console.print(line, markup=False))
    prepare(study, console)
    return make_plan(study)


def prepare(study: Study, console: Console) -> None:
    """Make every model that needs no device."""
    with _progress(console) as progress:
        if "train" not in study.paid:
            _work(progress, "training", _here(study), pipeline.train, _batches(study))
        if not {"train", "unlearn"} & study.paid.keys():
            _work(progress, "unlearning", _here(study), pipeline.unlearn, study.cells())


def _fetch(study: Study, progress: Progress) -> None:
    """Have a device answer all that evaluation will ask, many models by one job."""
    if device := study.paid.get("evaluate"):
        bar = progress.add_task("on the device", total=None)
        device.fetch(count(study)["evaluate"])
        progress.update(bar, total=1, completed=1)


def _here(study: Study) -> Each:
    """Work on items one after another, in this process."""
    return lambda work, items: (work(study, item) for item in items)


def _batches(study: Study) -> list[list[Fit]]:
    """Fits of one kind and scenario: of equal size, so that they train as one stack."""
    kinds = {(one.kind, one.scenario) for one in study.fits()}
    return [[o for o in study.fits() if (o.kind, o.scenario) == kind] for kind in sorted(kinds)]


def _work(
    progress: Progress,
    title: str,
    each: Each,
    work: Work,
    items: Sequence[Any],
    results: list[Any] | None = None,
) -> None:
    """Do ``work`` on every item with a bar; results are appended as they come."""
    bar = progress.add_task(title, total=len(items))
    for result in each(work, items):
        progress.advance(bar)
        if results is not None:
            results.append(result)


@contextlib.contextmanager
def _executor(study: Study, workers: int, scheduler: str | None) -> Iterator[Each]:
    """How items are worked on: one after another here, or on Dask in the order they finish."""
    if not workers and scheduler is None:
        yield _here(study)
        return
    from distributed import Client, LocalCluster, as_completed  # seconds to import

    with contextlib.ExitStack() as stack:
        if scheduler is None:
            scheduler = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,  # a failing item raises here, at its result
                )
            )
        client = stack.enter_context(Client(scheduler))
        remote = functools.partial(
            _remote, study.experiment.model_dump_json(), str(study.store.root.resolve())
        )

        def each(work: Work, items: Sequence[Any]) -> Iterator[Any]:
            for future in as_completed(client.map(remote, [work] * len(items), items, pure=False)):
                yield future.result()

        yield each


def _remote(settings: str, store: str, work: Work, item: Any) -> Any:
    """One item on a Dask worker; the study is made once per process."""
    return work(_study(settings, store), item)


@functools.cache
def _study(settings: str, store: str) -> Study:
    torch.set_num_threads(1)  # one worker per core
    return Study(Experiment.model_validate_json(settings), Store(Path(store)))


def _progress(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    return Progress(
        TextColumn("{task.description:<10}"), *columns, TimeRemainingColumn(), console=console
    )
