"""How the steps of a grid are worked through: one after another here, or on Dask (cluster.py)."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from threadpoolctl import ThreadpoolController

from qhu.study import Study


@dataclass(frozen=True, eq=False)
class Step:
    """A piece of a study's work that any process can do, once the steps before it are done.

    Attributes:
        title: the bar it counts for.
        name: what it does, in a few words.
        work: what is done; small results only, stages go to the store.
        item: to what.
        needs: positions of earlier steps whose stages it finds in the store.
    """

    title: str
    name: str
    work: Callable[[Study, Any], Any]
    item: Any
    needs: frozenset[int] = frozenset()


Execute = Callable[[Sequence[Step]], Iterator[tuple[Step, Any]]]
"""Works through steps; yields each with its result as it is done."""


def one_by_one(study: Study, steps: Sequence[Step]) -> Iterator[tuple[Step, Any]]:
    """Every step in this process, in order."""
    for step in steps:
        yield step, do(study, step)


def do(study: Study, step: Step) -> Any:
    """One step on one thread.

    Small tensors: a second thread brings nothing, and on a busy machine it waits ten times over.
    """
    with one_thread():
        return step.work(study, step.item)


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
