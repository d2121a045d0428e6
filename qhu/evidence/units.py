"""Estimates from independent units, and how far they would move with other units.

Models of a pool come in pairs, a half of the training rows and its complement; the rows of a model
share its weights. So neither rows nor models are independent: the pair is the unit, and every
interval is about drawing other pairs.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.floating]
CONFIDENCE = 0.95
RESAMPLES = 200
"""Of a bootstrap."""


class UnitEstimate(NamedTuple):
    """A value with its standard error.

    Attributes:
        value: the estimate.
        error: its standard error, NaN where it is unknown.
        units: the number of independent units that it rests on.
    """

    value: float
    error: float
    units: int

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """The t-interval with one degree of freedom less than there are units."""
        if self.units < 2:
            return float("nan"), float("nan")
        half = float(stats.t.ppf((1 + confidence) / 2, self.units - 1)) * self.error
        return self.value - half, self.value + half

    def p_value(self, null: float) -> float:
        """Two-sided p-value of a t-test against a value; NaN where the error is unknown or 0."""
        if self.units < 2 or not self.error > 0:
            return float("nan")
        return float(2 * stats.t.sf(abs(self.value - null) / self.error, self.units - 1))


def mean_over_units(values: Floats, units: NDArray[np.integer], step: float = 0.0) -> UnitEstimate:
    """Mean of a value per model, or per model and row, with the error over units.

    A unit weighs as much as it has values (ratio estimate, linearised): units of unequal sizes do
    not bias it.

    Args:
        values: (N,) or (N, R), NaN where a model has none.
        units: (N,) unit of each model.
        step: smallest change of a unit's mean for values that move in steps, such as accuracies;
            the variance of rounding to it, step² / 12 (Sheppard), is added to that of the units.
    """
    values = values.reshape(len(values), -1)
    present = np.isfinite(values)
    number = np.unique(units, return_inverse=True)[1]
    weights = np.bincount(number, present.sum(axis=1))
    sums = np.bincount(number, np.where(present, values, 0.0).sum(axis=1))
    sums, weights = sums[weights > 0], weights[weights > 0]
    count = len(weights)
    if not count:
        return UnitEstimate(float("nan"), float("nan"), 0)
    mean = float(sums.sum() / weights.sum())
    if count < 2:
        return UnitEstimate(mean, float("nan"), count)
    influence = (sums - mean * weights) / weights.mean()
    spread = float(np.hypot(influence.std(ddof=1), step / np.sqrt(12)))
    return UnitEstimate(mean, spread / np.sqrt(count), count)


def resampled(
    statistic: Callable[[Floats], Floats],
    units: NDArray[np.integer],
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[Floats, Floats]:
    """A statistic of weighted models, and its standard error by a bootstrap over units.

    Args:
        statistic: of weights (B, N), how often each model counts, to values (B, …).
        units: (N,) unit of each model.
        seed: of the resamples.
        resamples: how many; the error from B of them is good to 1 / √(2B).

    Returns:
        The value with all weights 1, and the standard deviation over the resamples, NaN with fewer
        than two units.
    """
    number = np.unique(units, return_inverse=True)[1]
    count = int(number.max()) + 1
    value = statistic(np.ones((1, len(units))))[0]
    if count < 2:
        return value, np.full_like(value, np.nan)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    return value, statistic(drawn[:, number].astype(np.float64)).std(axis=0, ddof=1)
