"""What the states of a pool's models bound: rows of ``evidence.csv`` called ``bound``.

A model that unlearned a row and the oracle of its half are a pair. The bounds are about who gets
copies of the state that a circuit makes of a forget row: see :mod:`qhu.evidence.bounds`.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom
from torch import Tensor

from qhu.evidence import bounds
from qhu.evidence.bounds import Complex, Floats
from qhu.evidence.findings.rows import PoolFigure, of_estimate
from qhu.evidence.units import CONFIDENCE, mean_over_units
from qhu.model.hybrid import HybridNet
from qhu.model.states import encoded, has_states, states
from qhu.model.theta import ModelState

OF = ("bound", "forget")
"""Kind of evidence and tier of all rows."""
MODELS_AT_ONCE = 64
LARGEST = 2**8
"""Dimension of states up to which averages are compared."""
UNITS_OF_MEDIANS = 128
"""Units that medians are of: numbers of shots are searched for, pair by pair."""
Compute = Callable[[HybridNet, ModelState, Tensor], Tensor]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]


def bound_rows(
    net: HybridNet,
    unlearned: ModelState,
    oracle: ModelState,
    floor: ModelState,
    x: Tensor,
    pairs: Booleans,
    units: Integers,
) -> list[PoolFigure]:
    """Bounds on what states tell of the forget rows; none where there are no states, or too large.

    Behind a trainable front states differ because the angles do that rows are encoded by: then the
    distance of those angles is all that is said.

    Args:
        net: the network.
        unlearned: N models after a method.
        oracle: the N oracles that they are compared with.
        floor: N other oracles, for what these are among themselves.
        x: (R, ...) forget rows.
        pairs: (N, R) which rows a model had been trained on and was to forget.
        units: (N,) independent unit of every model.
    """
    if not has_states(net):
        return []
    ensembles = {"": unlearned, "floor": floor}
    if list(net.front.parameters()):
        reference = _of_rows(net, oracle, x, encoded).numpy()
        return [
            _mean(
                f"encoding_{name or 'distance'}",
                np.sqrt(np.square(_of_rows(net, models, x, encoded).numpy() - reference).mean(-1)),
                pairs,
                units,
            )
            for name, models in ensembles.items()
        ]
    with torch.no_grad():
        if states(net, oracle.model(0), x[:1]).shape[-1] > LARGEST:
            return []
    reference = _of_rows(net, oracle, x, states).numpy()
    rows = list[PoolFigure]()
    for name, models in ensembles.items():
        psi = _of_rows(net, models, x, states).numpy()
        rows += state_bounds(psi, reference, pairs, units, name)
    return rows


def state_bounds(
    first: Complex, second: Complex, pairs: Booleans, units: Integers, suffix: str = ""
) -> Iterator[PoolFigure]:
    """Bounds from the states of two populations of models.

    Args:
        first: (N, R, D) states of one.
        second: (N, R, D) states of the other.
        pairs: (N, R) which models count for which rows, in both.
        units: (N,) independent unit of every model.
        suffix: what stands behind the metrics' names.
    """

    def named(metric: str) -> str:
        return f"{metric}_{suffix}" if suffix else metric

    overlaps = bounds.fidelity(first, second)
    yield _mean(named("fidelity_mean"), overlaps, pairs, units)
    yield _mean(named("trace_distance_mean"), np.sqrt(1 - overlaps), pairs, units)
    distance, low, high = ensemble_distance(first, second, pairs, units)
    count = len(np.unique(units[pairs.any(axis=1)]))
    best, least, most = (bounds.auc_bound(at) for at in (distance, low, high))
    yield PoolFigure(*OF, named("helstrom_auc"), best, least, most, count)
    if not suffix:
        chosen = pairs & np.isin(units, np.unique(units)[:UNITS_OF_MEDIANS])[:, None]
        yield _median("copies_needed", np.vectorize(bounds.copies_needed)(overlaps), chosen, units)
        yield _median("shots_needed", _shots(first, second, chosen), chosen, units)


def ensemble_distance(
    first: Complex, second: Complex, pairs: Booleans, units: Integers
) -> tuple[float, float, float]:
    """Mean over rows of the distance of average states, with an interval that is never too short.

    Other models in a unit's place move the mean by at most the unit's share in both averages, so
    that by McDiarmid's inequality it is within t of its expectation. That is not below the true
    distance, which is convex, and above it by at most :func:`~qhu.evidence.bounds.distance_bias`.

    Returns:
        The distance, and the ends of its interval within [0, 1].
    """
    number = np.unique(units, return_inverse=True)[1]
    distances, biases, shares = [], [], np.zeros(number.max() + 1)
    asked = np.flatnonzero(pairs.any(axis=0))
    for row in asked:
        chosen = pairs[:, row]
        members = first[chosen, row], second[chosen, row]
        distances.append(bounds.average_distance(*members))
        biases.append(bounds.distance_bias(*members))
        shares += 2 * np.bincount(number[chosen], minlength=len(shares)) / chosen.sum()
    spread = np.square(shares / len(asked)).sum()
    reach = math.sqrt(math.log(2 / (1 - CONFIDENCE)) * spread / 2)
    mean = float(np.mean(distances))
    return mean, max(0.0, mean - reach - float(np.mean(biases))), min(1.0, mean + reach)


def _of_rows(net: HybridNet, models: ModelState, x: Tensor, compute: Compute) -> Tensor:
    """What ``compute`` makes of rows (R, ...) with every model: (N, R, D)."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(models.theta), MODELS_AT_ONCE):
            chosen = slice(start, start + MODELS_AT_ONCE)
            buffers = {name: values[chosen] for name, values in models.buffers.items()}
            part = ModelState(models.theta[chosen], buffers)
            rows = x.to(part.theta.device).expand(len(part.theta), *x.shape)
            parts.append(compute(net, part, rows).cpu())
    return torch.cat(parts)


def _shots(first: Complex, second: Complex, pairs: Booleans) -> Floats:
    """(N, R) fewest shots of one qubit, the best, by which the models of a pair are told apart."""
    ones = [_probabilities(side) for side in (first, second)]
    best = np.abs(ones[0] - ones[1]).argmax(axis=-1)[..., None]
    first_one, second_one = (np.take_along_axis(side, best, -1)[..., 0] for side in ones)
    shots = np.full(pairs.shape, np.nan)
    shots[pairs] = bounds.shots_needed(first_one[pairs], second_one[pairs])
    return shots


def _probabilities(psi: Complex) -> Floats:
    """(..., n) probability of reading 1 on each qubit, of states (..., 2ⁿ) in Qiskit's order."""
    size = psi.shape[-1]
    bits = np.arange(size)[:, None] >> np.arange((size - 1).bit_length()) & 1
    return np.clip(np.square(np.abs(psi)) @ bits, 0.0, 1.0)


def _mean(metric: str, values: Floats, pairs: Booleans, units: Integers) -> PoolFigure:
    return of_estimate(*OF, metric, mean_over_units(np.where(pairs, values, np.nan), units))


def _median(metric: str, values: Floats, pairs: Booleans, units: Integers) -> PoolFigure:
    """Median over units of the median within one; its interval is by order statistics."""
    chosen = [units[:, None].repeat(pairs.shape[1], 1)[pairs], values[pairs]]
    each = np.sort([np.median(chosen[1][chosen[0] == unit]) for unit in np.unique(chosen[0])])
    count = len(each)
    low = int(binom.ppf((1 - CONFIDENCE) / 2, count, 0.5))
    ends = (each[max(0, low - 1)], each[min(count - 1, count - low)])
    return PoolFigure(*OF, metric, float(np.median(each)), float(ends[0]), float(ends[1]), count)
