"""Forgetting quality F of the NeurIPS 2023 unlearning challenge."""

import numpy as np
from numpy.typing import NDArray

from qhu.evidence.distances.halves import Beside, beside_floor
from qhu.evidence.units import Floats

DELTA = 0.01
WIDTH = 0.5
BINS = 13
"""ε of 13 bins of width ½ and more than 6.5 earns nothing."""
PEAKY = 0.01
"""A sample whose range is a smaller share of the other's is told apart by that alone."""


def forgetting_quality(
    unlearned: Floats,
    oracle: Floats,
    retain: tuple[Floats, Floats],
    test: tuple[Floats, Floats],
    units: NDArray[np.integer],
    seed: int = 0,
) -> Beside:
    """F = (mean over rows of 2 / 2^bin(ε)) · (RA_U / RA_O) · (TA_U / TA_O), 1 for the ideal.

    ε of a row is the largest that a rule of one threshold, on the margin or on the likelihood ratio
    of two Gaussians, shows between unlearned models and oracles (Triantafillou et al., arXiv
    2406.09073). Rules are fitted and judged on the same models: F falls with their number and
    is far from 1 for oracles, too. Its floor says how far.

    Args:
        unlearned: (N, R) margins of the forget rows, NaN where there is no pair.
        oracle: (N, R) likewise.
        retain: (N,) accuracy of every unlearned model on the rows it keeps, and of every oracle.
        test: (N,) the same on test rows.
        units: (N,) unit of each model.
        seed: of the bootstrap.

    Returns:
        F beside that of other oracles, whose accuracies are the same by definition.
    """
    raw = beside_floor(epsilon, _mean_points, unlearned, oracle, units, seed)[0]
    factor = float(np.prod([np.mean(own) / np.mean(goal) for own, goal in (retain, test)]))
    value = raw.value._replace(value=raw.value.value * factor, error=raw.value.error * factor)
    return raw._replace(value=value)


def _mean_points(epsilons: Floats) -> Floats:
    if not epsilons.shape[1]:
        return np.full((len(epsilons), 1), np.nan)
    return points(epsilons).mean(axis=1, keepdims=True)


def points(epsilons: Floats) -> Floats:
    """H(ε) = 2 / 2^bin, bins from 1 on; 0 above the last."""
    number = np.floor(np.minimum(epsilons / WIDTH, BINS)) + 1
    return np.where(number <= BINS, 2.0 ** (1 - number), 0.0)


def epsilon(inside: Floats, outside: Floats, weights: Floats, others: Floats) -> Floats:
    """Largest ε of any rule, (B,): ∞ where one makes no mistake, 0 where none shows anything.

    Args:
        inside: (n,) margins.
        outside: (m,) margins.
        weights: (B, n) how often each of the first counts.
        others: (B, m) how often each of the second counts.
    """
    ranges = np.sort([np.ptp(inside), np.ptp(outside)])
    if ranges[0] < PEAKY * ranges[1]:
        return np.full(len(weights), np.inf)
    values = np.concatenate([inside, outside])
    size = len(inside)
    rules = [values]
    if ranges[0] > 0:
        z = [(values - sample.mean()) / sample.std() for sample in (inside, outside)]
        rules.append(z[1] ** 2 - z[0] ** 2)
    shown = [_over_thresholds(rule[:size], rule[size:], weights, others) for rule in rules]
    return np.maximum(np.max(shown, axis=0), 0.0)


def _over_thresholds(inside: Floats, outside: Floats, weights: Floats, others: Floats) -> Floats:
    """Largest ε over all thresholds between two values, whichever side is called unlearned."""
    values = np.concatenate([inside, outside])
    order = np.argsort(values, kind="stable")
    last = np.append(np.diff(values[order]) > 0, True)  # of equal values
    is_inside = (order < len(inside))[:, None]
    counts = np.concatenate([weights, others], axis=1).T[order]
    below = [np.cumsum(counts * own, axis=0)[last] for own in (is_inside, ~is_inside)]
    above = [part[-1] - part for part in below]
    totals = [np.maximum(part[-1], 1) for part in below]
    p, q = (part / total for part, total in zip(below, totals, strict=True))
    beyond_p, beyond_q = (part / total for part, total in zip(above, totals, strict=True))
    factors = np.maximum(_largest_factor(beyond_q, p), _largest_factor(beyond_p, q))
    with np.errstate(divide="ignore"):
        return np.log(factors)


def _largest_factor(fpr: Floats, fnr: Floats) -> Floats:
    """exp(ε) that the best of the rules with these rates of mistakes (T, B) shows, (B,).

    A rule that errs on one side only is discarded: the rate of 0 is one of too few models.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = np.maximum((1 - DELTA - fpr) / fnr, (1 - DELTA - fnr) / fpr)
    shown[(fpr == 0) | (fnr == 0)] = 0.0
    shown[(fpr == 0) & (fnr == 0)] = np.inf
    return np.asarray(np.maximum(shown, 0.0).max(axis=0), np.float64)
