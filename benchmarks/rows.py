"""What measurements become: equal work checked, times taken in turns, rows with their spread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

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


def row(case: str, contender: str, times: Sequence[float], **about: Any) -> dict[str, Any]:
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


def difference(name: str, found: Sequence[Any], expected: Sequence[Any], tolerance: float) -> float:
    """Largest difference of outputs and gradients, each relative to its largest entry.

    Raises:
        DifferentWork: it is above the tolerance, or shapes differ.
    """
    if len(found) != len(expected):
        raise DifferentWork(f"{name} returns {len(found)} arrays instead of {len(expected)}")
    worst = 0.0
    for mine, theirs in zip(found, expected, strict=True):
        a, b = np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float)
        if a.shape != b.shape:
            raise DifferentWork(f"{name} returns shape {a.shape} instead of {b.shape}")
        worst = float(np.fmax(worst, np.abs(a - b).max() / np.abs(b).max()))
        if not np.isfinite(a).all() or worst > tolerance:
            raise DifferentWork(f"{name} differs by {worst:.1e}, more than {tolerance:.0e}")
    return worst


def interleaved(timers: Mapping[str, Timer], thin: int = 1) -> dict[str, list[float]]:
    """Times of all contenders, taken in turns so that a busy moment hits all of them.

    A first step of each is its warm-up and tells how often it is timed (:data:`REPEATS`). One that
    is timed only once is not run again: the check before was its warm-up.

    Args:
        timers: per contender, how to time it.
        thin: divides the number of repetitions.
    """
    firsts = {name: timer(1) for name, timer in timers.items()}
    wanted = {name: max(1, _repeats(first[0]) // thin) for name, first in firsts.items()}
    times = {name: first if wanted[name] == 1 else [] for name, first in firsts.items()}
    order = list(timers)
    while any(len(times[name]) < wanted[name] for name in order):
        for name in order:
            turn = min(-(-wanted[name] // ROUNDS), wanted[name] - len(times[name]))
            if turn > 0:
                cold = int(firsts[name][0] < SHORT_MS)
                times[name] += timers[name](turn + cold)[cold:]
        order.reverse()  # nobody always goes first
    return times


def _repeats(step_ms: float) -> int:
    return next(count for longest, count in REPEATS if step_ms <= longest)
