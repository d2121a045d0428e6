"""What measurements become: equal work checked, times taken in turns, rows with their spread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.contender import ContenderFailed

Row = dict[str, Any]
"""A line of the table: a case and a contender, with figures or the reason why there are none."""
Timer = Callable[[int], list[float]]
"""Runs k steps and returns the milliseconds of each."""
ROUNDS = 50
"""Turns at most: ten proved too coarse, a burst of other work then hits one contender alone."""
SHORT_MS = 50.0
"""Steps up to here are preceded by an untimed one in every turn: others have used the caches."""
REPEATS = ((250.0, 50), (8_000.0, 20), (20_000.0, 3), (math.inf, 1))
"""Longest step in milliseconds, and how often such steps are timed."""


class DifferentWork(Exception):
    """A contender's outputs or gradients are not those of the reference."""


def row(case: str, contender: str, times: Sequence[float], **about: Any) -> Row:
    """Row of ``results.json``.

    Args:
        case: what was done.
        contender: who did it.
        times: milliseconds of every step after warm-up.
        **about: sizes and remarks.
    """
    low, median, high = np.percentile(times, [25, 50, 75])
    spread = {
        "median_ms": round(float(median), 4),
        "iqr_ms": round(float(high - low), 4),
        "min_ms": round(min(times), 4),
        "n": len(times),
    }
    return {"case": case, "contender": contender, **spread, **about}


def failed(case: str, contender: str, why: str) -> Row:
    """The row of a contender that gave no times, with the reason in a line."""
    return {"case": case, "contender": contender, "why": why}


def difference(
    name: str, values: Sequence[Any], expected: Sequence[Any], tolerance: float
) -> float:
    """Largest difference of outputs and gradients, each relative to its largest expected entry.

    Raises:
        DifferentWork: it is above the tolerance, shapes differ, or an entry is no number.
    """
    if len(values) != len(expected):
        raise DifferentWork(f"{name} returns {len(values)} arrays instead of {len(expected)}")
    worst = 0.0
    for mine, theirs in zip(values, expected, strict=True):
        a, b = np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float)
        if a.shape != b.shape:
            raise DifferentWork(f"{name} returns shape {a.shape} instead of {b.shape}")
        if not np.isfinite(a).all():
            raise DifferentWork(f"{name} returns entries that are not finite")
        if not np.array_equal(a, b):  # both 0: nothing to divide by
            worst = max(worst, float(np.abs(a - b).max() / np.abs(b).max()))
    if not worst <= tolerance:
        raise DifferentWork(f"{name} differs by {worst:.1e}, more than {tolerance:.0e}")
    return worst


def interleaved(
    timers: Mapping[str, Timer], thin: int = 1
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Times of all contenders, taken in turns so that a busy moment hits all of them.

    A first step of each is its warm-up and tells how often it is timed (:data:`REPEATS`). One that
    is timed only once is not run again: the check before was its warm-up.

    Args:
        timers: per contender, how to time it.
        thin: divides the number of repetitions.

    Returns:
        Times per contender, and why per contender that failed meanwhile.
    """
    turns = {name: _Turns(timer, thin) for name, timer in timers.items()}
    failures: dict[str, str] = {}

    def go_round(names: Sequence[str], move: Callable[[_Turns], None]) -> list[str]:
        for name in names:
            try:
                move(turns[name])
            except ContenderFailed as error:
                failures[name] = str(error)
        return [name for name in names if name not in failures and turns[name].left]

    order = go_round(list(turns), _Turns.begin)
    while order:
        order = go_round(order, _Turns.take)[::-1]  # nobody always goes first
    return {name: turn.times for name, turn in turns.items() if name not in failures}, failures


class _Turns:
    """One contender's times so far, and how many it is to have."""

    def __init__(self, timer: Timer, thin: int) -> None:
        self.timer, self.thin = timer, thin
        self.times: list[float] = []
        self.wanted = self.cold = 0

    @property
    def left(self) -> int:
        return self.wanted - len(self.times)

    def begin(self) -> None:
        first = self.timer(1)
        self.wanted = max(1, _repeats(first[0]) // self.thin)
        self.cold = int(first[0] < SHORT_MS)
        self.times = first if self.wanted == 1 else []

    def take(self) -> None:
        turn = min(-(-self.wanted // ROUNDS), self.left)
        self.times += self.timer(turn + self.cold)[self.cold :]


def _repeats(step_ms: float) -> int:
    return next(count for longest, count in REPEATS if step_ms <= longest)
