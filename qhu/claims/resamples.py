"""Estimates from resamples of a pool: every resample is one draw of all pairs, for all methods."""

from collections.abc import Mapping

import pandas as pd

from qhu.evidence.units import UnitEstimate


def resampled(leaks: pd.DataFrame, scenario: str, measure: str) -> pd.DataFrame:
    """A measure, a row per resample (the pool itself first) and a column per method.

    Args:
        leaks: as of :class:`~qhu.claims.needs.LeakNeed`.
        scenario: which one.
        measure: its column.
    """
    chosen = leaks[leaks["scenario"] == scenario]
    return chosen.pivot(index="resample", columns="method", values=measure).sort_index()


def estimates_of(values: pd.DataFrame, pairs: int) -> Mapping[str, UnitEstimate]:
    """Every column's value in the pool, its error that over the resamples.

    It is one pair's whole weight at least, as in :func:`qhu.evidence.power.resolved`: resamples
    that all agree say nothing of the pairs that were not drawn.

    Args:
        values: a row per resample, the pool itself first.
        pairs: independent units behind them.
    """
    drawn = dict(values.iloc[1:].std(ddof=1).items())
    return {
        str(name): UnitEstimate(float(value), max(float(drawn[name]), 1 / pairs), pairs)
        for name, value in values.iloc[0].items()
    }
