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
from qhu.collect import write_files
from qhu.errors import Interrupted
from qhu.experiment import Experiment
from qhu.pipeline import Scored
from qhu.record.folder import RunFolder, Status
from qhu.record.store import Store
from qhu.report.html import write_report
from qhu.study import Fit, Study

STORE = Path("runs/.stages")
Work = Callable[[Study, Any], Any]
Each = Callable[[Work, Sequence[Any]], Iterator[Any]]


def run(
    experiment: Experiment,
    out: Path | None,
    console: Console,
    workers: int = 0,
    scheduler: str | None = None,
) -> Path:
    """Run an experiment; what is finished already, here or in another run, is not run again.

    Args:
        experiment: what is asked.
        out: run folder; None: ``runs/<experiment>/<backend>/<fingerprint>``.
        console: where progress is shown.
        workers: processes of a local Dask cluster; 0: this process.
        scheduler: address of a running Dask scheduler, instead of ``workers``.

    Returns:
        The run folder.

    Raises:
        UserError: the folder holds something else, or an input is wrong.
        Interrupted: on Ctrl-C, after what is finished has been written.
    """
    # Small tensors: a second thread brings nothing, and on a busy machine it waits ten times over.
    torch.set_num_threads(1)
    study = Study(experiment, Store(STORE))
    study.check()
    backend = experiment.stages.evaluate
    folder = RunFolder(out or Path("runs") / experiment.name / backend / study.fingerprint)
    if folder.is_finished(study.fingerprint, study.code):
        console.print(f"{folder.path} is finished already: nothing to compute")
        return folder.path
    settings = experiment.model_dump(mode="json")
    folder.start(experiment.name, backend, study.fingerprint, study.code, settings)
    begun, scored = time.monotonic(), list[Scored]()
    status: Status = "failed"
    try:
        with _executor(study, workers, scheduler) as each, _progress(console) as progress:
            _work(progress, "training", each, pipeline.train, _batches(study))
            _work(progress, "unlearning", each, pipeline.evaluate, study.cells(), scored)
        status = "finished"
    except KeyboardInterrupt:
        status = "cancelled"
        raise Interrupted("stopped: what is finished is kept; the same command resumes") from None
    finally:
        write_files(study, folder, scored)
        folder.finish(status, time.monotonic() - begun)
    write_report(folder.path)
    return folder.path


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
        yield lambda work, items: (work(study, item) for item in items)
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
