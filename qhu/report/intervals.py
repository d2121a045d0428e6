"""How far a mean over seeds, or one more seed's value, may lie from what the seeds at hand show."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from qhu.record.scores import Span

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
ROUNDING = 1e-9
"""Values that differ by less than this share of their size are the same."""


class Estimate(NamedTuple):
    """A mean over seeds and its interval, NaN where there is none."""

    mean: float
    low: float
    high: float
    seeds: int


def mean_interval(values: Floats, span: Span = (None, None)) -> Estimate:
    """Mean and its 95 % interval, NaN for a single seed.

    The t-interval on a scale without ends, mapped back (delta method): log-odds where values have
    two ends, logarithms where they have one, the values themselves where they have none. So it
    holds the mean and no value that is impossible. Values without spread have none.

    Args:
        values: (n,) one per seed.
        span: smallest and largest value possible, None: unbounded.
    """
    mean, seeds = float(values.mean()), len(values)
    if seeds < 2:
        return Estimate(mean, float("nan"), float("nan"), seeds)
    error = float(values.std(ddof=1)) / float(np.sqrt(seeds))
    low, high = _mapped(mean, float(quantile(1 - CONFIDENCE, seeds - 1)) * error, values, span)
    return Estimate(mean, min(low, mean), max(high, mean), seeds)


def _mapped(mean: float, half: float, values: Floats, span: Span) -> tuple[float, float]:
    """Ends of an interval of this half width around the mean, within the span."""
    least, most = _ends(values, span)
    if not half or mean in (least, most):
        return mean, mean
    sides = np.array([-1.0, 1.0])
    if np.isinf([least, most]).all():
        ends = mean + sides * half
    elif np.isfinite([least, most]).all():
        share = (mean - least) / (most - least)
        reach = half / (most - least) / (share * (1 - share))
        ends = least + (most - least) * expit(logit(share) + sides * reach)
    elif np.isfinite(least):
        ends = least + (mean - least) * np.exp(sides * half / (mean - least))
    else:
        ends = most - (most - mean) * np.exp(-sides * half / (most - mean))
    return float(ends[0]), float(ends[1])


def _ends(values: Floats, span: Span) -> tuple[float, float]:
    """Smallest and largest value possible; where rounding took a value past an end, that value."""
    least = -np.inf if span[0] is None else min(span[0], float(values.min()))
    most = np.inf if span[1] is None else max(span[1], float(values.max()))
    return least, most


def quantile(level: float | Floats, freedom: float | Floats) -> Floats:
    """How many standard errors a two-sided t-interval of level ``1 − level`` reaches."""
    return np.asarray(stats.t.isf(np.asarray(level) / 2, freedom), np.float64)


def prediction_interval(values: Floats, span: Span = (None, None)) -> tuple[float, float]:
    """Where one more value of the same kind falls with 95 % probability; NaN for a single seed.

    The t-interval of a normal sample, mean ± t·s·√(1 + 1/n), as far as values are possible.

    Args:
        values: (n,) one per seed.
        span: smallest and largest value possible, None: unbounded.
    """
    mean = float(values.mean())
    if len(values) < 2:
        return float("nan"), float("nan")
    half = float(quantile(1 - CONFIDENCE, len(values) - 1)) * error_of_one_more(values)
    least, most = _ends(values, span)
    return max(mean - half, least), min(mean + half, most)


def error_of_one_more(values: Floats) -> float:
    """Standard error of the difference between one more value and the mean."""
    return spread(values) * float(np.sqrt(1 + 1 / len(values)))


def spread(values: Floats) -> float:
    """Standard deviation for a test, 0 for a single value or where all are equal.

    Values that tie are of a score that moves in steps, such as an accuracy on few rows. Its spread
    is then known to a step at best: the variance of rounding, step² / 12 (Sheppard), is added.
    Without it, nine seeds at one step and one at 0 have p = 1e-5, and a chance of 3e-4.
    """
    if len(values) < 2:
        return 0.0
    deviation = float(values.std(ddof=1))
    gaps = np.diff(np.sort(values))
    apart = gaps > ROUNDING * np.abs(values).max()
    if not apart.any() or apart.all():
        return deviation
    return float(np.hypot(deviation, gaps[apart].min() / np.sqrt(12)))
