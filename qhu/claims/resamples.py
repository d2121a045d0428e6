"""Estimates from resamples of a pool: every resample is one draw of all pairs, for all methods."""

from collections.abc import Mapping

import pandas as pd

from qhu.evidence.units import UnitEstimate


def resampled(leaks: pd.DataFrame, scenario: str, measure: str) -> pd.DataFrame:
    """A measure, a row per resample (the pool itself first) and a column per method.

    Args:
        leaks: as of :class:`~qhu.claims.needs.Leaks`.
        scenario: which one.
        measure: its column.
    """
    chosen = leaks[leaks["scenario"] == scenario]
    return chosen.pivot(index="resample", columns="method", values=measure).sort_index()


def estimates_of(values: pd.DataFrame, pairs: int) -> Mapping[str, UnitEstimate]:
    """Every column's value in the pool, its error that over the resamples.

    Args:
        values: a row per resample, the pool itself first.
        pairs: independent units behind them.
    """
    drawn = dict(values.iloc[1:].std(ddof=1).items())
    return {
        str(name): UnitEstimate(float(value), float(drawn[name]), pairs)
        for name, value in values.iloc[0].items()
    }
