"""Whether the methods rank alike in two runs, and how sure that is."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from qhu.report.statistics import CONFIDENCE, Estimate, Floats, holm, sign_flip
from qhu.report.styles import in_order

RESAMPLES = 2_000
UNRANKED = ("retrain", "floor")
TAILS = [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)]


class Ranking(NamedTuple):
    """The methods by closeness to the oracle in one metric, in a reference and in another run.

    Attributes:
        tau: Kendall's rank correlation (τ-b) of the two rankings, with its bootstrap interval.
        places: ``method, reference, reference_low, reference_high, run, run_low, run_high``: rank 1
            is closest to the oracle; methods that tie share the mean of their ranks.
        pairs: ``closer, other`` (in the reference), ``swap``: probability that a resample of the
            seeds ranks them differently in the two runs; ``swapped``: whether the seeds at hand
            do; ``p_holm``: of the test that both orders are real, NaN where they agree.
    """

    tau: Estimate
    places: pd.DataFrame
    pairs: pd.DataFrame


def rank(results: Sequence[pd.DataFrame]) -> Ranking | None:
    """Compare the rankings of two runs.

    A method's score in a seed is the distance of its value from that of the seed's oracle: smaller
    is closer, in every metric. Seeds are resampled for both runs together.

    Args:
        results: of the reference and of the run, rows of ``results.csv`` of one scenario and
            metric.

    Returns:
        None where fewer than two methods can be ranked.
    """
    tables = [_distances(table) for table in results]
    seeds = tables[0].index.intersection(tables[1].index)
    methods = in_order(m for m in tables[0].columns if m in tables[1])
    if len(methods) < 2 or seeds.empty:
        return None
    scores = np.stack([table.loc[seeds, methods].to_numpy(np.float64) for table in tables])
    draws = np.random.default_rng(0).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    resampled = scores[:, draws].mean(axis=2)  # (2, resamples, methods)
    first, second = np.array(list(combinations(range(len(methods)), 2))).T
    orders = np.sign(_rounded(resampled[..., second] - resampled[..., first]))
    found = scores[..., second] - scores[..., first]
    order = np.sign(_rounded(found.mean(axis=1)))
    low, high = _percentiles(_tau(*orders), len(seeds))
    tau = Estimate(float(_tau(*order)), float(low), float(high), len(seeds))
    swap = (orders[0] * orders[1] < 0).mean(axis=0)
    pairs = _pairs(methods, first, second, order, swap, found)
    return Ranking(tau, _places(methods, scores.mean(axis=1), resampled, len(seeds)), pairs)


def _distances(results: pd.DataFrame) -> pd.DataFrame:
    """Distance from the oracle's value, seeds × methods, of the seeds that have them all."""
    values = results.pivot(index="seed", columns="method", values="value")
    if "retrain" not in values:
        return pd.DataFrame()
    distances = values.sub(values["retrain"], axis=0).abs()
    return distances.drop(columns=[m for m in UNRANKED if m in distances]).dropna()


def _tau(one: Floats, other: Floats) -> Floats:
    """Kendall's τ-b from the orders (..., pairs) as signs; NaN where a ranking is one tie."""
    untied = (one**2).sum(axis=-1) * (other**2).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray((one * other).sum(axis=-1) / np.sqrt(untied))


def _places(methods: list[str], means: Floats, resampled: Floats, seeds: int) -> pd.DataFrame:
    columns: dict[str, object] = {"method": methods}
    for name, mean, drawn in zip(("reference", "run"), means, resampled, strict=True):
        columns[name] = _ranks(mean)
        columns[f"{name}_low"], columns[f"{name}_high"] = _percentiles(_ranks(drawn), seeds)
    return pd.DataFrame(columns)


def _pairs(
    methods: list[str],
    first: Floats,
    second: Floats,
    order: Floats,
    swap: Floats,
    differences: Floats,
) -> pd.DataFrame:
    """One row per pair; both orders have to be real, so the larger p-value counts."""
    swapped = order[0] * order[1] < 0
    p = np.where(swapped, sign_flip(differences.transpose(0, 2, 1)).max(axis=0), 1.0)
    names = np.array(methods, dtype=object)
    ahead = order[0] >= 0
    return pd.DataFrame(
        {
            "closer": np.where(ahead, names[first], names[second]),
            "other": np.where(ahead, names[second], names[first]),
            "swap": swap,
            "swapped": swapped,
            "p_holm": np.where(swapped, holm(p), np.nan),
        }
    )


def _ranks(scores: Floats) -> Floats:
    """Ranks (..., methods) of scores, 1 for the smallest; ties share their mean."""
    differences = _rounded(scores[..., :, None] - scores[..., None, :])
    return ((differences > 0) + (differences == 0) / 2).sum(axis=-1) + 0.5


def _rounded(differences: Floats) -> Floats:
    """Without what is rounding of float32 values: those tie."""
    return np.round(differences, 6)


def _percentiles(drawn: Floats, seeds: int) -> Floats:
    """Ends of the bootstrap interval over the first axis, NaN for a single seed or no ranking."""
    if seeds < 2 or np.isnan(drawn).all():
        return np.full((2, *drawn.shape[1:]), np.nan)
    return np.nanpercentile(drawn, TAILS, axis=0)
