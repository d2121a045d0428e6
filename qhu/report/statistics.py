"""Means with intervals over seeds, tests that are paired by seed, and what they let a page claim.

A page makes all its tests with :func:`tested` and hands them to :func:`judged` at once. Only what
is ``above`` or ``below`` there may be claimed, in a sentence or by a mark in a table.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from qhu.report.power import smallest_effect
from qhu.report.styles import in_order

Floats = NDArray[np.float64]

SUMMARY_KEYS = ["dataset", "scenario", "method", "backend", "metric"]
CONFIDENCE = 0.95
LEVEL = 0.04
"""Of corrected p-values, so that at most 5 % of null pages claim anything: t-tests of scores that
move in steps are a little freer than their level. At 5 % it was 39 of 770 pages of the paper."""
EQUIVALENCE = 0.90
"""Of the interval that has to lie inside a margin: 1 − 2·5 % (Schuirmann 1987)."""
CITES = {"test Holm": ("holm1979simple",)}
MIN_SEEDS = 5
"""With fewer seeds nothing is claimed: a t-test of two to four values rests on its assumption of a
normal distribution alone, and scores of a few rows are far from it."""
ROUNDING = 1e-9
"""Values that differ by less than this share of their size are the same."""

Verdict = Literal["above", "below", "not shown", "same", "few seeds"]
"""What is known of a difference: claimed to lie above or below 0; not shown; the same in every
seed, so that there is no spread to test by; or of fewer than :data:`MIN_SEEDS` seeds."""
K = TypeVar("K", bound=Hashable)


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


def prediction_interval(values: Floats) -> tuple[float, float]:
    """Where one more value of the same kind falls with 95 % probability; NaN for a single seed.

    The t-interval of a normal sample: mean ± t·s·√(1 + 1/n).
    """
    estimate = mean_interval(values)
    half = (estimate.high - estimate.mean) * float(np.sqrt(len(values) + 1))
    return estimate.mean - half, estimate.mean + half


def tested_prediction(values: Floats, value: float) -> dict[str, Any]:
    """How far one more value lies from those known, tested as :func:`prediction_interval` has it.

    Returns:
        A row with the columns of :func:`tested`: ``mean`` is the difference to the mean of the
        known values, without an interval.
    """
    table = tested(pd.DataFrame([value - values])).assign(ci_low=np.nan, ci_high=np.nan)
    row = {str(name): table[name].iloc[0] for name in table}
    if np.isfinite(row["p"]):
        row["error"] = _spread(values) * float(np.sqrt(1 + 1 / len(values)))
        row["p"] = float(2 * stats.t.sf(abs(row["mean"]) / row["error"], len(values) - 1))
    return row


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean over the seeds with its interval, per dataset, scenario, method, backend and metric.

    Args:
        results: tidy rows with the columns of ``results.csv``.

    Returns:
        Rows with the columns of ``summary.csv``, in the order of first appearance.
    """
    groups = results.groupby(SUMMARY_KEYS, sort=False)["value"]
    rows = [(*key, *mean_interval(values.to_numpy(np.float64))) for key, values in groups]
    return pd.DataFrame(rows, columns=[*SUMMARY_KEYS, "mean", "ci_low", "ci_high", "seeds"])


def estimates(summary: pd.DataFrame, metric: str) -> dict[str, Estimate]:
    """The estimates of one metric by method, honest rows first.

    Args:
        summary: rows with the columns of ``summary.csv`` of one dataset, scenario and backend.
        metric: the metric.
    """
    chosen = summary.loc[summary["metric"] == metric]
    columns = [chosen[name].tolist() for name in ("mean", "ci_low", "ci_high", "seeds")]
    by_method = dict(zip(chosen["method"], map(Estimate, *columns), strict=True))
    return {method: by_method[method] for method in in_order(by_method)}


def paired(results: pd.DataFrame, metric: str, reference: str) -> pd.DataFrame:
    """Differences ``value(method) − value(reference)`` of the same seed, tested against 0.

    Args:
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        metric: the metric to compare.
        reference: the method to compare with.

    Returns:
        One row per other method but the oracle: ``method`` and the columns of :func:`tested`.
    """
    chosen = results[results["metric"] == metric]
    values = chosen.pivot(index="seed", columns="method", values="value")
    methods = [name for name in chosen["method"].unique() if name not in (reference, "retrain")]
    table = tested(values[methods].sub(values.get(reference, np.nan), axis=0).T)
    return table.rename_axis("method").reset_index()


def tested(differences: pd.DataFrame, resolution: float = 0.0) -> pd.DataFrame:
    """Mean differences with their intervals, each tested against 0.

    Args:
        differences: one row per comparison, one column per seed, NaN where a seed has no value.
        resolution: seeds whose values differ by no more than this are the same, as are values
            that differ by rounding only.

    Returns:
        ``mean, ci_low, ci_high, seeds``, ``same`` (whether two or more seeds have the same value),
        ``error`` (standard error of the test) with its degrees of ``freedom``, and ``p`` (two-sided
        paired t-test) of every row that has a value, under the same index.
        ``p`` is NaN where a difference is the same in every seed or of fewer than
        :data:`MIN_SEEDS` seeds: neither is evidence.
    """
    rows = differences.dropna(how="all")
    values = [row[np.isfinite(row)] for row in rows.to_numpy(np.float64)]
    statistics = [
        (*mean_interval(row), _same(row, resolution), _error(row), len(row) - 1, _p(row))
        for row in values
    ]
    columns = ["mean", "ci_low", "ci_high", "seeds", "same", "error", "freedom", "p"]
    table = pd.DataFrame(statistics, index=rows.index, columns=columns)
    unfit = table["same"].astype(bool) | (table["seeds"] < MIN_SEEDS)
    return table.assign(p=table["p"].mask(unfit).astype(np.float64))


def tested_apart(values: Floats, weights: Floats) -> pd.DataFrame:
    """A weighted sum of the means of independent samples, tested against 0 by Welch's t-test.

    Args:
        values: (n, K), a sample per column.
        weights: (K,); samples of weight 0 do not count.

    Returns:
        One row with the columns of :func:`tested`.
    """
    samples = (values * weights).T[np.flatnonzero(weights)]
    table = tested(pd.DataFrame([samples.sum(axis=0)]))
    if len(values) < 2 or all(_same(sample, 0.0) for sample in samples):
        return table
    mean, seeds = float(table["mean"].iloc[0]), len(values)
    error, freedom = _welch([float(sample.std(ddof=1)) for sample in samples], seeds)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    error, freedom = _welch([_spread(sample) for sample in samples], seeds)
    p = float(2 * stats.t.sf(abs(mean) / error, freedom)) if seeds >= MIN_SEEDS else float("nan")
    ends = {"ci_low": mean - half, "ci_high": mean + half}
    return table.assign(**ends, same=False, error=error, freedom=freedom, p=p)


def _welch(spreads: Sequence[float], seeds: int) -> tuple[float, float]:
    """Standard error of a sum of means, and its degrees of freedom after Satterthwaite."""
    variances = np.square(spreads) / seeds
    freedom = (seeds - 1) * variances.sum() ** 2 / np.square(variances).sum()
    return float(np.sqrt(variances.sum())), float(freedom)


def _same(values: Floats, resolution: float) -> bool:
    allowed = max(2 * resolution, ROUNDING * float(np.abs(values).max()))
    return len(values) > 1 and bool(np.ptp(values) <= allowed)


def _spread(values: Floats) -> float:
    """Standard deviation for a test, 0 for a single value or where all are equal.

    Values that tie are of a score that moves in steps, such as an accuracy on few rows. Its spread
    is then known to a step at best: the variance of rounding, step² / 12 (Sheppard), is added.
    Without it, nine seeds at one step and one at 0 have p = 1e-5, and a chance of 3e-4.
    """
    if len(values) < 2:
        return 0.0
    spread = float(values.std(ddof=1))
    gaps = np.diff(np.sort(values))
    apart = gaps > ROUNDING * np.abs(values).max()
    if not apart.any() or apart.all():
        return spread
    return float(np.hypot(spread, gaps[apart].min() / np.sqrt(12)))


def _error(values: Floats) -> float:
    """Standard error of the mean for a test; NaN without spread."""
    return _spread(values) / float(np.sqrt(len(values))) or float("nan")


def _p(values: Floats) -> float:
    """Two-sided p-value of Student's t-test; NaN without spread."""
    return float(2 * stats.t.sf(abs(values.mean()) / _error(values), len(values) - 1))


def judged(family: Mapping[K, pd.DataFrame]) -> dict[K, pd.DataFrame]:
    """What may be claimed of the tests of one page: the gate that every claim goes through.

    Args:
        family: all tests that the page shows, tables of :func:`tested`.

    Returns:
        The same tables with ``p_holm``, corrected over all of them together; ``verdict``
        (:data:`Verdict`); the ``level`` of the hardest step of the correction; and ``smallest``,
        the size of difference that a test at that level shows in four of five cases, NaN where
        there was no test. In a page of true null hypotheses anything is claimed with a probability
        of 5 % at most, t-tests of scores that move in steps included.
    """
    sizes = [len(table) for table in family.values()]
    together = [table["p"].to_numpy(np.float64) for table in family.values()]
    corrected = holm(np.concatenate(together)) if together else np.empty(0)
    parts = np.split(corrected, np.cumsum(sizes)[:-1]) if together else []
    level = LEVEL / max(1, int(np.isfinite(corrected).sum()))
    judgements = {}
    for (key, table), p_holm in zip(family.items(), parts, strict=True):
        verdicts = [
            _verdict(mean, seeds, same, p)
            for mean, seeds, same, p in zip(
                table["mean"], table["seeds"], table["same"], p_holm, strict=True
            )
        ]
        smallest = smallest_effect(table["error"], table["freedom"], level)
        smallest = np.where(np.isfinite(table["p"]), smallest, np.nan)
        judgements[key] = table.assign(
            p_holm=p_holm, verdict=verdicts, level=level, smallest=smallest
        )
    return judgements


def _verdict(mean: float, seeds: int, same: bool, p_holm: float) -> Verdict:
    if same:
        return "same"
    if seeds < MIN_SEEDS:
        return "few seeds"
    if not p_holm < LEVEL:
        return "not shown"
    return "above" if mean > 0 else "below"


def estimate(row: Mapping[Any, Any]) -> Estimate:
    """The estimate of a row of :func:`tested`."""
    return Estimate(row["mean"], row["ci_low"], row["ci_high"], int(row["seeds"]))


def resolved(row: Mapping[Any, Any], step: float) -> dict[Any, Any]:
    """A judged difference of shares with an error where it is the same in every seed.

    That no seed differed leaves open, with 5 % probability, that a share of 3/n of seeds does (rule
    of three), by a step or more: the error is such that 1.64 of it are 3·step/n. Rows with a
    spread stay as they are.

    Args:
        row: of :func:`judged`.
        step: the smallest change of a seed's value, one row of its rows.
    """
    seeds = row["seeds"]
    if not row["same"] or seeds < MIN_SEEDS:
        return dict(row)
    error = 3 * step / seeds / float(stats.norm.ppf((1 + EQUIVALENCE) / 2))
    p = float(2 * stats.t.sf(abs(row["mean"]) / error, seeds - 1))
    side: Verdict = "above" if row["mean"] > 0 else "below"
    return {
        **row,
        "error": error,
        "p": p,
        "verdict": side if p < row["level"] else "not shown",
        "smallest": float(smallest_effect(error, seeds - 1, row["level"])),
    }


def within(row: Mapping[Any, Any], margin: float) -> bool:
    """Whether a difference is shown to lie within ±margin: two one-sided t-tests at 5 % each.

    They show it exactly where the 90 % interval lies inside the margin. A difference that is the
    same in every seed, or of fewer than :data:`MIN_SEEDS` seeds, is not shown to.

    Args:
        row: of :func:`tested`.
        margin: the largest difference that does not matter.
    """
    return _reach(row) + abs(row["mean"]) < margin


def no_lower(row: Mapping[Any, Any], margin: float) -> bool:
    """Whether a difference is shown to lie above −margin: one of the tests of :func:`within`."""
    return _reach(row) - row["mean"] < margin


def _reach(row: Mapping[Any, Any]) -> float:
    """Half the 90 % interval; NaN where there is no test."""
    if not np.isfinite(row["p"]):
        return float("nan")
    return float(stats.t.ppf((1 + EQUIVALENCE) / 2, row["freedom"]) * row["error"])


def holm(p: Sequence[float] | Floats) -> Floats:
    """Holm's step-down correction of p-values; NaN stays NaN and is not counted."""
    p = np.asarray(p, np.float64)
    corrected = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts last
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return corrected
