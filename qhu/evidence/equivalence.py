"""Two one-sided tests (TOST): the only way to show that two things hardly differ."""

from typing import NamedTuple

from scipy import stats

from qhu.evidence.units import UnitEstimate

LEVEL = 0.05
"""Of each of the two tests: the probability of showing equivalence at a margin's edge or beyond."""


class Equivalence(NamedTuple):
    """Whether a value lies within a margin of what it is compared with.

    Attributes:
        low: lower end of the (1 − 2·level) interval.
        high: its upper end.
        not_below: p-value of "the value lies at or below centre − margin".
        not_above: p-value of "the value lies at or above centre + margin".
        level: of each test.
    """

    low: float
    high: float
    not_below: float
    not_above: float
    level: float

    @property
    def is_shown(self) -> bool:
        """Both rejected: the (1 − 2·level) interval lies inside the margin."""
        return max(self.not_below, self.not_above) < self.level

    @property
    def is_excluded(self) -> bool:
        """The interval lies outside the margin, wholly below or wholly above."""
        return max(self.not_below, self.not_above) > 1 - self.level

    @property
    def is_not_lower(self) -> bool:
        """The lower test alone (non-inferiority): being above the centre is no harm."""
        return self.not_below < self.level


def equivalence(
    estimate: UnitEstimate, centre: float, margin: float, level: float = LEVEL
) -> Equivalence:
    """Schuirmann's two one-sided t-tests.

    Args:
        estimate: what was measured; one of unknown error shows nothing.
        centre: what it is compared with.
        margin: the largest difference that does not matter, > 0, fixed before looking.
        level: of each of the two tests.
    """
    if margin <= 0:
        raise ValueError(f"a margin of {margin} lets nothing be equivalent: it must be above 0")
    value, error, units = estimate
    if units < 2 or not error > 0:
        unknown = float("nan")
        return Equivalence(unknown, unknown, unknown, unknown, level)
    low, high = estimate.interval(1 - 2 * level)
    return Equivalence(
        low,
        high,
        float(stats.t.sf((value - centre + margin) / error, units - 1)),
        float(stats.t.cdf((value - centre - margin) / error, units - 1)),
        level,
    )
