"""Steps on Dask: a local cluster, or any running scheduler.

What workers need is written once to the store, which they share with this process: each study
with its data, its options and the code of a notebook. Each worker process reads it once; a step
is then a few hundred bytes, and stages go from worker to worker by the store. A step lost with
its worker is done again by another one and finds in the store what was finished before.
"""

import contextlib
import functools
import itertools
import logging
import multiprocessing
import socket
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from pickle import PicklingError
from typing import Any
from uuid import uuid4

import cloudpickle
import dask
from distributed import Client, Future, KilledWorker, LocalCluster, wait
from rich.console import Console

from qhu.errors import QhuError, UserError, is_fatal
from qhu.grid.execute import Execute, Failed, Step, blocked, do
from qhu.grid.stopping import ignored
from qhu.record.failure import reason
from qhu.record.files import checksum
from qhu.record.identity import code_digest, packages
from qhu.record.provenance import module_digest, modules_behind
from qhu.study import Study

MALLOC_SETTINGS = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), 10**9)
"""Bytes up to which workers keep memory that they use again. By Dask's default they return it at
once, and the system clears it anew for every tensor: convolutions take half as long again."""
POLL_SECONDS = 5.0
"""Seconds after which workers that have joined meanwhile are given something to do."""


@dataclass(frozen=True)
class Ticket:
    """Where a worker finds the study, and what it must be to work on it."""

    file: str
    checksum: str
    code: str
    packages: tuple[tuple[str, str | None], ...]
    modules: tuple[tuple[str, str], ...]


@contextlib.contextmanager
def on_dask(
    studies: Sequence[Study], workers: int, scheduler: str | None, console: Console
) -> Iterator[Execute]:
    """Work through steps on ``workers`` local processes, or on a running scheduler's workers.

    Raises:
        UserError: no scheduler answers, or a worker runs other code, sees no shared store or has
            several threads.
    """
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(_client(workers, scheduler))
        tickets = {study: stack.enter_context(_sent(study)) for study in studies}
        for ticket in tickets.values():
            _check(client, ticket)
        if not _workers(client):
            console.print(f"{scheduler} has no workers yet: waiting for the first", markup=False)
        yield functools.partial(_stream, client, tickets)


@contextlib.contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    with contextlib.ExitStack() as stack:
        stack.callback(_end, set(multiprocessing.active_children()))
        try:
            place = scheduler or stack.enter_context(_local(workers))
            client = stack.enter_context(Client(place))
        except (OSError, ValueError, TypeError) as error:  # TypeError: tls:// without certificates
            raise UserError(
                f"no Dask scheduler answers at {scheduler} ({error}): start one by `dask scheduler`"
            ) from None
        yield client


def _end(others: set[BaseProcess]) -> None:
    """End processes that were started since; after an end in haste there may still be some."""
    for child in set(multiprocessing.active_children()) - others:
        child.kill()


def _local(workers: int) -> LocalCluster:
    try:
        environ = {
            f"distributed.nanny.pre-spawn-environ.{k}": MALLOC_SETTINGS[k] for k in MALLOC_SETTINGS
        }
        with dask.config.set(environ), ignored():
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,  # a failing step raises here, at its result
            )
    except RuntimeError as error:
        raise UserError(
            f"local workers did not start ({error}): a script must call qhu.run below "
            'if __name__ == "__main__":'
        ) from error


@contextlib.contextmanager
def _sent(study: Study) -> Iterator[Ticket]:
    """The study as a file that workers can read as long as the block lasts."""
    file = study.store.root.resolve() / "sent" / uuid4().hex
    try:
        content = cloudpickle.dumps(study)
    except (TypeError, AttributeError, PicklingError) as error:
        raise UserError(
            f"the study cannot be sent to workers ({error}): mend the method or run without them"
        ) from None
    with study.store.private(file) as partial:
        partial.write_bytes(content)
    modules = modules_behind(part for parts in study.parts().values() for part in parts)
    versions, needed = tuple(packages().items()), tuple(modules.items())
    try:
        yield Ticket(str(file), checksum(content), code_digest(), versions, needed)
    finally:
        file.unlink(missing_ok=True)


def _check(client: Client, ticket: Ticket) -> None:
    """Refuse workers that cannot do this study, before anything is computed."""
    for worker, error in client.run(_refusal, ticket, on_error="return").items():
        if isinstance(error, UserError):
            raise error
        if isinstance(error, Exception) and not isinstance(error, OSError):  # it has just died
            raise UserError(f"worker {worker} cannot run this qhu ({error}): install it there")


def _stream(
    client: Client, tickets: Mapping[Study, Ticket], steps: Iterable[Step]
) -> Iterator[tuple[Step, Any]]:
    """Hand out steps that are ready, two per worker, and yield them as they are done.

    No more than that, because Dask blames a worker's death on all that it was given, and gives a
    step up for good after a few deaths.
    """
    coming, waiting, running, done = iter(steps), list[Step](), dict[Future, Step](), set[Step]()
    failed = dict[Step, Failed]()
    while True:
        try:
            room = max(1, 2 * _workers(client)) - len(running)
            ready = list(itertools.islice(_ready(waiting, coming, done), max(0, room)))
            for step in ready:
                if why := blocked(step, failed):
                    failed[step] = why
                    done.add(step)
                    yield step, why
                    continue
                key = f"{step.name}-{uuid4().hex[:8]}"
                what = (tickets[step.study], step.work, step.item)
                running[client.submit(_do, *what, key=key, pure=False)] = step
            if not running:
                if not ready:
                    return
                continue
            finished = wait(list(running), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            continue
        except (OSError, CancelledError) as error:
            raise QhuError(
                f"the scheduler has gone ({error}): start it, and the same command resumes"
            ) from None
        for future in finished:
            step = running.pop(future)
            result = _result(future)
            if isinstance(result, Failed):
                failed[step] = result
            yield step, result
            done.add(step)


def _ready(waiting: list[Step], coming: Iterator[Step], done: set[Step]) -> Iterator[Step]:
    """Steps that can begin: of those passed over before, then of those to come."""
    for step in [other for other in waiting if other.needs <= done]:
        waiting.remove(step)
        yield step
    for step in coming:
        if step.needs <= done:
            yield step
        else:
            waiting.append(step)


def _workers(client: Client) -> int:
    """How many workers there are now; torch's random state cannot be shared by threads."""
    threads: dict[str, int] = client.nthreads()
    for worker, number in threads.items():
        if number != 1:
            raise UserError(f"worker {worker} has {number} threads: start it with --nthreads 1")
    return len(threads)


def _result(future: Future) -> Any:
    try:
        return future.result()
    except KilledWorker:
        return Failed(
            "every worker that tried it died, probably out of memory: give workers more of it"
        )
    except QhuError:  # of what all steps need, or the worker is unfit
        raise
    except Exception as error:  # the result could not be sent
        if is_fatal(error):
            raise
        return Failed(reason(error))


# -- on the worker ---------------------------------------------------------------------------------


def _do(ticket: Ticket, work: Callable[[Study, Any], Any], item: Any) -> Any:
    return do(_study(ticket), work, item)


def _refusal(ticket: Ticket) -> Exception | None:
    """Why the present worker cannot work on the study."""
    try:
        _study(ticket)
    except UserError as error:
        return error
    return None


@functools.lru_cache(maxsize=2)  # where one study ends, the next one begins
def _study(ticket: Ticket) -> Study:
    """The study, read once per process."""

    def refuse(why: str) -> UserError:
        return UserError(f"a worker on {socket.gethostname()} {why}")

    if code_digest() != ticket.code:
        raise refuse("runs another version of qhu's code: install this one there and restart it")
    here = packages()
    for name, version in ticket.packages:
        if here.get(name) != version:
            raise refuse(f"has {name} {here.get(name)}, not {version}: install the same there")
    for name, expected in ticket.modules:
        if module_digest(name) != expected:
            raise refuse(f"has another version of {name}: install this one there and restart it")
    file = Path(ticket.file)
    if not file.exists():
        raise refuse(
            f"does not see {file.parents[1]}: run qhu in a folder that all machines share, "
            "under the same path"
        )
    content = file.read_bytes()
    if checksum(content) != ticket.checksum:
        raise refuse(f"reads another {file} than was written: mend the shared folder")
    try:
        study: Study = cloudpickle.loads(content)
    except ImportError as error:
        raise refuse(f"cannot load the study ({error}): install what is missing there") from None
    return study
