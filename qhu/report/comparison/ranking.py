"""Whether the methods rank alike in two runs, and how sure that is."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from qhu.report.comparison.gaps import RESOLUTION
from qhu.report.statistics import CONFIDENCE, Estimate, Floats, tested
from qhu.report.styles import in_order

BOOTSTRAP_SAMPLES = 2_000
UNRANKED = ("retrain", "floor")
TAILS = [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)]


class Ranking(NamedTuple):
    """The methods by closeness to the oracle in one metric, in a reference and in another run.

    Attributes:
        tau: Kendall's rank correlation (τ-b) of the two rankings, with its bootstrap interval.
        places: ``method, reference, reference_low, reference_high, run, run_low, run_high``: rank 1
            is closest to the oracle; methods that tie share the mean of their ranks.
        pairs: ``closer, other`` (in the reference), ``swap``: probability that a resample of the
            seeds ranks them differently in the two runs; ``swapped``: whether the seeds at hand do.
        orders: per pair two rows, of the reference and of the run, tests of how much farther
            ``other`` is than ``closer``; to be judged with the rest of the page.
    """

    tau: Estimate
    places: pd.DataFrame
    pairs: pd.DataFrame
    orders: pd.DataFrame

    def swaps(self) -> pd.DataFrame:
        """The pairs with ``p_holm`` of a swap, NaN without one, and whether it is ``claimed``.

        Both orders have to be claimed, so the larger p-value counts.
        """
        count = len(self.pairs)
        p = self.orders["p_holm"].to_numpy(np.float64).reshape(2, count).max(axis=0)
        verdicts = self.orders["verdict"].to_numpy().reshape(2, count)
        claimed = (verdicts[0] == "above") & (verdicts[1] == "below")
        swapped = self.pairs["swapped"]
        return self.pairs.assign(p_holm=np.where(swapped, p, np.nan), claimed=claimed)


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
    tables = [distances(table) for table in results]
    seeds = tables[0].index.intersection(tables[1].index)
    methods = in_order(m for m in tables[0].columns if m in tables[1])
    if len(methods) < 2 or seeds.empty:
        return None
    scores = np.stack([table.loc[seeds, methods].to_numpy(np.float64) for table in tables])
    draws = np.random.default_rng(0).integers(len(seeds), size=(BOOTSTRAP_SAMPLES, len(seeds)))
    resampled = scores[:, draws].mean(axis=2)  # (2, resamples, methods)
    first, second = np.array(list(combinations(range(len(methods)), 2))).T
    orders = np.sign(_rounded(resampled[..., second] - resampled[..., first]))
    differences = scores[..., second] - scores[..., first]
    order = np.sign(_rounded(differences.mean(axis=1)))
    low, high = _percentiles(_tau(*orders), len(seeds))
    tau = Estimate(float(_tau(*order)), float(low), float(high), len(seeds))
    swap = (orders[0] * orders[1] < 0).mean(axis=0)
    ahead = np.where(order[0] >= 0, 1, -1)
    names = np.array(methods, dtype=object)
    pairs = pd.DataFrame(
        {
            "closer": np.where(ahead > 0, names[first], names[second]),
            "other": np.where(ahead > 0, names[second], names[first]),
            "swap": swap,
            "swapped": order[0] * order[1] < 0,
        }
    )
    farther = (differences * ahead).transpose(0, 2, 1).reshape(2 * len(ahead), len(seeds))
    tests = tested(pd.DataFrame(farther), RESOLUTION)
    places = _places(methods, scores.mean(axis=1), resampled, len(seeds))
    return Ranking(tau, places, pairs, tests)


def distances(results: pd.DataFrame) -> pd.DataFrame:
    """Distance from the oracle's value, seeds × methods, of the seeds that have them all."""
    values = results.pivot(index="seed", columns="method", values="value")
    if "retrain" not in values:
        return pd.DataFrame()
    distances = values.sub(values["retrain"], axis=0).abs()
    return distances.drop(columns=[m for m in UNRANKED if m in distances]).dropna()


def _tau(first: Floats, second: Floats) -> Floats:
    """Kendall's τ-b from the orders (..., pairs) as signs; NaN where a ranking is one tie."""
    untied = (first**2).sum(axis=-1) * (second**2).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray((first * second).sum(axis=-1) / np.sqrt(untied))


def _places(methods: list[str], means: Floats, resampled: Floats, seeds: int) -> pd.DataFrame:
    columns: dict[str, object] = {"method": methods}
    for name, mean, drawn in zip(("reference", "run"), means, resampled, strict=True):
        columns[name] = _ranks(mean)
        columns[f"{name}_low"], columns[f"{name}_high"] = _percentiles(_ranks(drawn), seeds)
    return pd.DataFrame(columns)


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
