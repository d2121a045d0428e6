"""Values per seed, per pair and per point of a sweep, from the frames of what was computed."""

import numpy as np
import pandas as pd

from qhu.report.statistics import Floats

HONEST = ("none", "retrain", "floor")


def by_method(results: pd.DataFrame, scenario: str, metric: str) -> pd.DataFrame:
    """A score of a run, a row per seed and a column per method.

    Args:
        results: rows of ``results.csv``.
        scenario: which one.
        metric: name of the score.
    """
    chosen = results[(results["scenario"] == scenario) & (results["metric"] == metric)]
    return chosen.pivot(index="seed", columns="method", values="value")


def methods_of(table: pd.DataFrame) -> list[str]:
    """The methods among its columns, without the rows that stand beside every other."""
    return [str(name) for name in table.columns if name not in HONEST]


def points(results: pd.DataFrame) -> list[str]:
    """The points of a sweep in their order."""
    return [str(at) for at in results["at"].unique()]


def along(results: pd.DataFrame, scenario: str, metric: str) -> dict[str, pd.DataFrame]:
    """:func:`by_method` at every point of a sweep."""
    return {at: by_method(results[results["at"] == at], scenario, metric) for at in points(results)}


def rise(values: pd.DataFrame) -> Floats:
    """Least-squares slope of every row over its columns, times the steps from first to last."""
    return values.to_numpy(np.float64) @ rise_weights(values.shape[1])


def rise_weights(count: int) -> Floats:
    """(K,) weights of K points whose sum is the rise from the first to the last."""
    steps = np.arange(count) - (count - 1) / 2
    return np.asarray((count - 1) * steps / max((steps**2).sum(), 1))


def memory(frame: pd.DataFrame, rows: str) -> pd.DataFrame:
    """Memorisation, a row per pair and a column per point.

    Args:
        frame: as of :class:`~qhu.claims.needs.MemoryNeed`.
        rows: ``all`` or ``mislabelled``.
    """
    chosen = frame[frame["rows"] == rows]
    table = chosen.pivot(index="pair", columns="at", values="value")
    return table[list(frame["at"].unique())]
