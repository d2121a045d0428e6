"""Means with intervals over seeds, tests that are paired by seed, and what they let a page claim.

A page makes all its tests with :func:`tested` and hands them to :func:`judged` at once. Only what
is ``above`` or ``below`` there may be claimed, in a sentence or by a mark in a table. A difference
has one standard error, for its test and for its interval, and the interval has the level of the
test: it excludes 0 exactly where something is claimed.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from qhu.record.scores import Score
from qhu.report.intervals import CONFIDENCE as CONFIDENCE
from qhu.report.intervals import ROUNDING, error_of_one_more, quantile, spread
from qhu.report.intervals import Estimate as Estimate
from qhu.report.intervals import Floats as Floats
from qhu.report.intervals import mean_interval as mean_interval
from qhu.report.intervals import prediction_interval as prediction_interval
from qhu.report.power import smallest_effect
from qhu.report.styles import in_order

SUMMARY_KEYS = ["dataset", "scenario", "method", "backend", "metric"]
LEVEL = 0.04
"""Of corrected p-values, so that at most 5 % of null pages claim anything: t-tests of scores that
move in steps are a little freer than their level. At 5 % it was 39 of 770 pages of the paper."""
EQUIVALENCE = 0.90
"""Of the interval that has to lie inside a margin: 1 − 2·5 % (Schuirmann 1987)."""
CITES = {"test Holm": ("holm1979simple",)}
MIN_SEEDS = 5
"""With fewer seeds nothing is claimed: a t-test of two to four values rests on its assumption of a
normal distribution alone, and scores of a few rows are far from it."""
RESOLUTION = 1e-5
"""Of scores of one model on two backends, which compute with float32: what is less is rounding."""

Verdict = Literal["above", "below", "not shown", "same", "few seeds"]
"""What is known of a difference: claimed to lie above or below 0; not shown; the same in every
seed, so that there is no spread to test by; or of fewer than :data:`MIN_SEEDS` seeds."""
K = TypeVar("K", bound=Hashable)


def tested_prediction(values: Floats, value: float) -> dict[str, Any]:
    """How far one more value lies from those known, tested as :func:`prediction_interval` has it.

    Returns:
        A row with the columns of :func:`tested`: ``mean`` is the difference to the mean of the
        known values.
    """
    table = tested(pd.DataFrame([value - values])).assign(ci_low=np.nan, ci_high=np.nan)
    row = {str(name): table[name].iloc[0] for name in table}
    if np.isfinite(row["p"]):
        row["error"] = error_of_one_more(values)
        row["p"] = float(2 * stats.t.sf(abs(row["mean"]) / row["error"], len(values) - 1))
    return row


def summarise(results: pd.DataFrame, scores: Mapping[str, Score]) -> pd.DataFrame:
    """Mean over the seeds with its interval, per dataset, scenario, method, backend and metric.

    Args:
        results: tidy rows with the columns of ``results.csv``.
        scores: by name, how the scores in them are read: an interval stays within their span.

    Returns:
        Rows with the columns of ``summary.csv``, in the order of first appearance.
    """
    rows = [
        (*key, *mean_interval(values.to_numpy(np.float64), scores[str(key[-1])].span))
        for key, values in results.groupby(SUMMARY_KEYS, sort=False)["value"]
    ]
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


def paired(
    results: pd.DataFrame, metric: str, reference: str, reach: float = np.inf
) -> pd.DataFrame:
    """Differences ``value(method) − value(reference)`` of the same seed, tested against 0.

    Args:
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        metric: the metric to compare.
        reference: the method to compare with.
        reach: as of :func:`tested`.

    Returns:
        One row per other method but the oracle: ``method`` and the columns of :func:`tested`.
    """
    chosen = results[results["metric"] == metric]
    values = chosen.pivot(index="seed", columns="method", values="value")
    methods = [name for name in chosen["method"].unique() if name not in (reference, "retrain")]
    differences = values[methods].sub(values.get(reference, np.nan), axis=0).T
    table = tested(differences, reach=reach)
    return table.rename_axis("method").reset_index()


def tested(
    differences: pd.DataFrame, resolution: float = 0.0, reach: float = np.inf
) -> pd.DataFrame:
    """Mean differences, each tested against 0.

    Args:
        differences: one row per comparison, one column per seed, NaN where a seed has no value.
        resolution: seeds whose values differ by no more than this are the same, as are values
            that differ by rounding only.
        reach: size of the largest difference that is possible.

    Returns:
        ``mean, ci_low, ci_high`` (95 % interval of this one difference alone), ``seeds``, ``same``
        (whether two or more seeds have the same value), ``error`` (standard error of test and
        interval) with its degrees of ``freedom``, ``p`` (two-sided paired t-test) and ``reach`` of
        every row that has a value, under the same index.
        ``p`` is NaN where a difference is the same in every seed or of fewer than
        :data:`MIN_SEEDS` seeds: neither is evidence.
    """
    rows = differences.dropna(how="all")
    values = [row[np.isfinite(row)] for row in rows.to_numpy(np.float64)]
    statistics = [
        (float(row.mean()), len(row), _same(row, resolution), _error(row), len(row) - 1, _p(row))
        for row in values
    ]
    columns = ["mean", "seeds", "same", "error", "freedom", "p"]
    table = pd.DataFrame(statistics, index=rows.index, columns=columns)
    same = table["same"].astype(bool)
    table["reach"], table["p"] = reach, table["p"].mask(same | (table["seeds"] < MIN_SEEDS))
    return interval_at(table, 1 - CONFIDENCE)


def interval_at(table: pd.DataFrame, level: float | Floats) -> pd.DataFrame:
    """The same differences with ``ci_low`` and ``ci_high`` of the confidence ``1 − level``.

    They exclude 0 exactly where ``p`` is below the level. Without spread there is no interval.
    """
    low, high = _around(table, quantile(level, table["freedom"].to_numpy(np.float64)))
    return table.assign(ci_low=low, ci_high=high)


def _around(differences: Any, errors: Any) -> tuple[Any, Any]:
    """So many standard errors to both sides of differences, as far as differences are possible."""
    mean, half = differences["mean"], differences["error"] * errors
    reach = differences.get("reach", np.inf)
    return np.maximum(mean - half, -reach), np.minimum(mean + half, reach)


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
    error, freedom = _welch([spread(sample) for sample in samples], seeds)
    p = float(2 * stats.t.sf(abs(mean) / error, freedom)) if seeds >= MIN_SEEDS else float("nan")
    changed = table.assign(same=False, error=error, freedom=freedom, p=p)
    return interval_at(changed, 1 - CONFIDENCE)


def _welch(spreads: Sequence[float], seeds: int) -> tuple[float, float]:
    """Standard error of a sum of means, and its degrees of freedom after Satterthwaite."""
    variances = np.square(spreads) / seeds
    freedom = (seeds - 1) * variances.sum() ** 2 / np.square(variances).sum()
    return float(np.sqrt(variances.sum())), float(freedom)


def _same(values: Floats, resolution: float) -> bool:
    allowed = max(2 * resolution, ROUNDING * float(np.abs(values).max()))
    return len(values) > 1 and bool(np.ptp(values) <= allowed)


def _error(values: Floats) -> float:
    """Standard error of the mean for a test; NaN without spread."""
    return spread(values) / float(np.sqrt(len(values))) or float("nan")


def _p(values: Floats) -> float:
    """Two-sided p-value of Student's t-test; NaN without spread."""
    return float(2 * stats.t.sf(abs(values.mean()) / _error(values), len(values) - 1))


def judged(family: Mapping[K, pd.DataFrame]) -> dict[K, pd.DataFrame]:
    """What may be claimed of the tests of one page: the gate that every claim goes through.

    Args:
        family: all tests that the page shows, tables of :func:`tested`.

    Returns:
        The same tables with ``p_holm``, corrected over all of them together; ``verdict``
        (:data:`Verdict`); ``tested_at``, the level that the correction held against the
        test: the first that fails and all after it have one; ``ci_low`` and ``ci_high`` of the
        confidence ``1 − tested_at``, so that an interval excludes 0 exactly where the verdict is
        ``above`` or ``below``, NaN where nothing was tested; the ``level`` of the hardest step of
        the correction; and ``smallest``, the size of difference that a test at that level shows in
        four of five cases, NaN where there was no test. In a page of true null hypotheses anything
        is claimed with a probability of 5 % at most, t-tests of scores that move in steps included.
    """
    tables = list(family.values())
    names = ("mean", "seeds", "same", "error", "freedom", "p", "reach")
    whole = {name: _joined(tables, name) for name in names}
    level = LEVEL / max(1, int(np.isfinite(whole["p"]).sum()))
    decided = _decided(whole, holm_levels(whole["p"]), level) | {"p_holm": holm(whole["p"])}
    places = np.cumsum([len(table) for table in tables])[:-1]
    columns = {name: np.split(values, places) for name, values in decided.items()}
    return {
        key: table.assign(level=level, **{name: parts[n] for name, parts in columns.items()})
        for n, (key, table) in enumerate(family.items())
    }


def _joined(tables: Sequence[pd.DataFrame], name: str) -> Floats:
    """A column of several tables as one; differences are endless where a table does not say."""
    columns = [table.get(name, pd.Series(np.inf, table.index)) for table in tables]
    return np.concatenate([np.empty(0), *(column.to_numpy(np.float64) for column in columns)])


def _decided(rows: Mapping[str, Floats], tested_at: Floats, level: float) -> dict[str, Any]:
    """Verdicts, with intervals at the level at which each was reached."""
    same, few = rows["same"].astype(bool), rows["seeds"] < MIN_SEEDS
    claimed = np.where(rows["mean"] > 0, "above", "below")
    verdict = np.where(rows["p"] < tested_at, claimed, "not shown")
    verdict = np.where(same, "same", np.where(few, "few seeds", verdict)).astype(object)
    ends = _around(rows, quantile(tested_at, rows["freedom"]))
    low, high = (np.where(same | few, np.nan, end) for end in ends)
    smallest = smallest_effect(rows["error"], rows["freedom"], level)
    smallest = np.where(np.isfinite(rows["p"]), smallest, np.nan)
    about = {"verdict": verdict, "tested_at": tested_at, "smallest": smallest}
    return about | {"ci_low": low, "ci_high": high}


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
    names = ("mean", "seeds", "freedom", "reach")
    rows = {name: np.array([row[name]], np.float64) for name in names}
    rows |= {"same": np.zeros(1), "error": np.array([error]), "p": np.array([p])}
    decided = _decided(rows, np.array([row["level"]]), row["level"])
    return {**row, "error": error, "p": p, **{name: values[0] for name, values in decided.items()}}


def equivalence_interval(row: Mapping[Any, Any]) -> tuple[float, float]:
    """The 90 % interval of a difference, which has to lie in a margin; NaN without a test.

    Args:
        row: of :func:`tested`.
    """
    if not np.isfinite(row["p"]):
        return float("nan"), float("nan")
    low, high = _around(row, quantile(1 - EQUIVALENCE, row["freedom"]))
    return float(low), float(high)


def within(row: Mapping[Any, Any], margin: float) -> bool:
    """Whether a difference is shown to lie within ±margin: two one-sided t-tests at 5 % each.

    They show it exactly where the 90 % interval lies inside the margin. A difference that is the
    same in every seed, or of fewer than :data:`MIN_SEEDS` seeds, is not shown to.

    Args:
        row: of :func:`tested`.
        margin: the largest difference that does not matter.
    """
    low, high = equivalence_interval(row)
    return -margin < low and high < margin


def no_lower(row: Mapping[Any, Any], margin: float) -> bool:
    """Whether a difference is shown to lie above −margin: one of the tests of :func:`within`."""
    return equivalence_interval(row)[0] > -margin


def holm(p: Sequence[float] | Floats) -> Floats:
    """Holm's step-down correction of p-values; NaN stays NaN and is not counted."""
    p = np.asarray(p, np.float64)
    corrected = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts last
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return corrected


def holm_levels(p: Sequence[float] | Floats) -> Floats:
    """The level at which Holm's correction rejects each p-value or not, NaN for NaN.

    Of m p-values the k-th smallest is held against ``LEVEL / (m − k + 1)``, up to the first that
    fails; those above it are not tested any more, and have its level.
    """
    p = np.asarray(p, np.float64)
    levels = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts last
    steps = LEVEL / np.arange(len(order), 0, -1)
    failed = np.flatnonzero(~(p[order] < steps))
    levels[order] = np.minimum(steps, steps[failed[0]]) if len(failed) else steps
    return levels
