"""A distance of two populations of models beside the distance that chance alone makes.

A distance between samples is above 0 without any difference, the more the fewer models there are.
Its floor has to be made of as many: units are parted in two, and unlearned models of one half meet
oracles of the other, as do oracles of the one in the floor. Both ways are averaged.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qhu.evidence.units import Floats, UnitEstimate, resampled

RESAMPLES = 50
"""Fewer than elsewhere: each goes through all rows, and some through all thresholds."""
Distance = Callable[[Floats, Floats, Floats, Floats], Floats]
"""Of margins (n,) and (m,) of one row, under B weightings (B, n) and (B, m) of them, to (B,)."""


class Beside(NamedTuple):
    """A distance to the oracle.

    Attributes:
        value: of the unlearned models.
        floor: of other oracles, as many.
    """

    value: UnitEstimate
    floor: UnitEstimate


def beside_floor(
    distance: Distance,
    summary: Callable[[Floats], Floats],
    unlearned: Floats,
    oracle: Floats,
    units: NDArray[np.integer],
    seed: int,
) -> list[Beside]:
    """Summaries over rows of a distance per row, with errors by a bootstrap over units.

    Args:
        distance: of one row.
        summary: from distances (B, R) of the rows with models on all sides, which may be none, to
            (B, S) numbers.
        unlearned: (N, R) margins, NaN where a model was not asked to unlearn the row.
        oracle: (N, R) margins, likewise.
        units: (N,) unit of each model.
        seed: of the resamples.

    Returns:
        One per number of the summary; NaN with fewer than four units, or where no row has models
        on all sides.
    """
    number = np.unique(units, return_inverse=True)[1]
    count = int(number.max()) + 1
    halves = [number % 2 == 0, number % 2 == 1]

    def compare(inside: Floats, weights: Floats) -> Floats:
        rows = [
            [
                _of_row(distance, inside[:, row], oracle[:, row], first, second, weights)
                for row in range(oracle.shape[1])
            ]
            for first, second in (halves, halves[::-1])
        ]
        return np.mean(rows, axis=0).T

    def both(weights: Floats) -> Floats:
        compared = np.stack([compare(inside, weights) for inside in (unlearned, oracle)])
        complete = ~np.isnan(compared).any(axis=(0, 1))
        return np.stack([summary(distances[:, complete]) for distances in compared], axis=-1)

    value, error = resampled(both, units, seed, RESAMPLES)
    if count < 4:
        value, error = np.full_like(value, np.nan), np.full_like(error, np.nan)
    return [
        Beside(*(UnitEstimate(float(v), float(e), count) for v, e in zip(*pair, strict=True)))
        for pair in zip(value, error, strict=True)
    ]


def _of_row(
    distance: Distance,
    inside: Floats,
    outside: Floats,
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    weights: Floats,
) -> Floats:
    """The distance of one row between models of one half and oracles of the other."""
    members, strangers = first & np.isfinite(inside), second & np.isfinite(outside)
    if not (members.any() and strangers.any()):
        return np.full(len(weights), np.nan)
    return distance(inside[members], outside[strangers], weights[:, members], weights[:, strangers])
