"""Means with intervals over seeds, and tests that are paired by seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from qhu.report.styles import in_order

Floats = NDArray[np.float64]

KEYS = ["dataset", "scenario", "method", "backend", "metric"]
CONFIDENCE = 0.95
LEVEL = 0.05
CITES = {"test Holm": ("holm1979simple",)}
RESAMPLES = 9_999
"""A test tries all sign patterns up to this many (13 seeds), else so many random ones."""
NUMBERS = 2**22
"""Numbers that a test holds at once."""


class Estimate(NamedTuple):
    """A mean over seeds and its 95 % interval, NaN for a single seed."""

    mean: float
    low: float
    high: float
    seeds: int


def mean_interval(values: Floats) -> Estimate:
    """Mean and its t-interval."""
    mean, seeds = float(values.mean()), len(values)
    if seeds < 2:
        return Estimate(mean, float("nan"), float("nan"), seeds)
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1)
    half = float(quantile * values.std(ddof=1) / np.sqrt(seeds))
    return Estimate(mean, mean - half, mean + half, seeds)


def simultaneous(value: Estimate, count: int) -> Estimate:
    """The interval widened so that ``count`` of its kind hold together (Bonferroni)."""
    if value.seeds < 2:
        return value
    tails = (1 - CONFIDENCE) / 2
    wide, narrow = stats.t.isf([tails / count, tails], value.seeds - 1)
    low, high = (value.mean + (end - value.mean) * wide / narrow for end in (value.low, value.high))
    return value._replace(low=float(low), high=float(high))


def prediction_interval(values: Floats) -> tuple[float, float]:
    """Where one more value of the same kind falls with 95 % probability; NaN for a single seed.

    The t-interval of a normal sample: mean ± t·s·√(1 + 1/n).
    """
    estimate = mean_interval(values)
    half = (estimate.high - estimate.mean) * float(np.sqrt(len(values) + 1))
    return estimate.mean - half, estimate.mean + half


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean over the seeds with its interval, per dataset, scenario, method, backend and metric.

    Args:
        results: tidy rows with the columns of ``results.csv``.

    Returns:
        Rows with the columns of ``summary.csv``, in the order of first appearance.
    """
    groups = results.groupby(KEYS, sort=False)["value"]
    rows = [(*key, *mean_interval(values.to_numpy(np.float64))) for key, values in groups]
    return pd.DataFrame(rows, columns=[*KEYS, "mean", "ci_low", "ci_high", "seeds"])


def estimates(summary: pd.DataFrame, metric: str) -> dict[str, Estimate]:
    """The estimates of one metric by method, honest rows first.

    Args:
        summary: rows with the columns of ``summary.csv`` of one dataset, scenario and backend.
        metric: the metric.
    """
    chosen = summary.loc[summary["metric"] == metric]
    columns = [chosen[name].tolist() for name in ("mean", "ci_low", "ci_high", "seeds")]
    found = dict(zip(chosen["method"], map(Estimate, *columns), strict=True))
    return {method: found[method] for method in in_order(found)}


def paired(results: pd.DataFrame, metric: str, reference: str) -> pd.DataFrame:
    """Differences ``value(method) − value(reference)`` of the same seed, tested against 0.

    Args:
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        metric: the metric to compare.
        reference: the method to compare with.

    Returns:
        One row per other method but the oracle itself: ``method, mean, ci_low, ci_high, seeds``,
        ``p`` (two-sided sign-flip test) and ``p_holm`` (corrected over the rows).
    """
    chosen = results[results["metric"] == metric]
    values = chosen.pivot(index="seed", columns="method", values="value")
    methods = [m for m in chosen["method"].unique() if m not in (reference, "retrain")]
    table = tested(values[methods].sub(values.get(reference, np.nan), axis=0).T)
    corrected = holm(table["p"].to_numpy(np.float64))
    return table.rename_axis("method").reset_index().assign(p_holm=corrected)


def tested(differences: pd.DataFrame) -> pd.DataFrame:
    """Mean differences with their intervals, each tested against 0.

    Args:
        differences: one row per comparison, one column per seed, NaN where a seed has no value.

    Returns:
        ``mean, ci_low, ci_high, seeds`` and ``p`` (two-sided sign-flip test) of every row that has
        a value, under the same index.
    """
    rows = differences.dropna(how="all")
    values = rows.to_numpy(np.float64)
    found = [mean_interval(row[np.isfinite(row)]) for row in values]
    columns = ["mean", "ci_low", "ci_high", "seeds"]
    return pd.DataFrame(found, index=rows.index, columns=columns).assign(p=sign_flip(values))


def sign_flip(differences: Floats) -> Floats:
    """Two-sided p-values (...) of mean differences of 0, by flipping signs along the last axis.

    Under the null hypothesis each seed's difference is as likely to have the other sign. A missing
    value (NaN) has no sign; the p-value of fewer than two differences is NaN.
    """
    present = np.isfinite(differences)
    p = np.full(differences.shape[:-1], np.nan)
    if differences.shape[-1] > 1 and differences.size:
        found = stats.permutation_test(
            (np.where(present, differences, 0),),
            np.sum,
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=max(1, NUMBERS // differences.size),
            axis=-1,
            random_state=0,
        )
        p = np.where(present.sum(axis=-1) > 1, found.pvalue, np.nan)
    return p


def holm(p: Sequence[float] | Floats) -> Floats:
    """Holm's step-down correction of p-values; NaN stays NaN and is not counted."""
    p = np.asarray(p, np.float64)
    corrected = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts last
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return corrected


def smallest_p(seeds: int, methods: int) -> float:
    """Smallest corrected p-value that so many seeds and methods can give."""
    return float(min(1, methods * 2.0 ** (1 - seeds)))
