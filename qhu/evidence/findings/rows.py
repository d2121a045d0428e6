"""Rows of ``evidence.csv`` before they know their scenario and method."""

from typing import NamedTuple

from qhu.evidence.auc import Rate
from qhu.evidence.units import UnitEstimate


class PoolFigure(NamedTuple):
    """One figure of an enquiry.

    Attributes:
        attack: the attack, or the kind of evidence.
        tier: the rows that it is about.
        metric: what was measured.
        value: the estimate, NaN where there is none.
        ci_low: lower end of its 95 % interval.
        ci_high: upper end.
        n: what it rests on: pairs of a model and a row of a rate, units of a mean.
    """

    attack: str
    tier: str
    metric: str
    value: float
    ci_low: float
    ci_high: float
    n: int


def of_rate(attack: str, tier: str, metric: str, rate: Rate) -> PoolFigure:
    """A rate with its interval."""
    return PoolFigure(attack, tier, metric, rate.value, rate.low, rate.high, rate.n)


def of_estimate(attack: str, tier: str, metric: str, estimate: UnitEstimate) -> PoolFigure:
    """A mean over units with its t-interval."""
    return PoolFigure(attack, tier, metric, estimate.value, *estimate.interval(), estimate.units)
