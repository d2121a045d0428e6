"""How the steps of a grid are worked through: one after another here, or on Dask (cluster.py)."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from threadpoolctl import ThreadpoolController

from qhu.errors import is_fatal
from qhu.record.failure import reason
from qhu.study import Study


@dataclass(frozen=True, eq=False)
class Step:
    """A piece of a study's work that any process can do, once the steps before it are done.

    Attributes:
        study: the study.
        title: the bar it counts for.
        name: what it does, in a few words.
        work: what is done; small results only, stages go to the store.
        item: to what.
        needs: earlier steps whose stages it finds in the store.
    """

    study: Study
    title: str
    name: str
    work: Callable[[Study, Any], Any]
    item: Any
    needs: frozenset["Step"] = frozenset()


@dataclass(frozen=True)
class Failed:
    """What a step came to that could not be done: a hole, and why, in a line."""

    reason: str


Execute = Callable[[Iterable[Step]], Iterator[tuple[Step, Any]]]
"""Works through steps, which it takes as there is room; yields each with its result, when done."""


def one_by_one(steps: Iterable[Step]) -> Iterator[tuple[Step, Any]]:
    """Every step in this process, in order."""
    failed = dict[Step, Failed]()
    for step in steps:
        result = blocked(step, failed) or do(step.study, step.work, step.item)
        if isinstance(result, Failed):
            failed[step] = result
        yield step, result


def blocked(step: Step, failed: Mapping[Step, Failed]) -> Failed | None:
    """The failure of a step that another one needs, which then fails, too; None: it may begin."""
    lost = [need for need in step.needs if need in failed]
    return Failed(f"{lost[0].name}: {failed[lost[0]].reason}") if lost else None


def do(study: Study, work: Callable[[Study, Any], Any], item: Any) -> Any:
    """A step's work, on one thread; its result, or that it failed.

    Small tensors: a second thread brings nothing, and on a busy machine it waits ten times over.

    Raises:
        Exception: it ends every step alike, see :func:`qhu.errors.is_fatal`.
    """
    try:
        with one_thread():
            return work(study, item)
    except (Exception, SystemExit) as error:
        if is_fatal(error):
            raise
        return Failed(reason(error))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One core for all libraries inside the block; a notebook has its threads back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _pools().limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


@functools.cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()
