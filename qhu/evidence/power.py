"""How small a leak a pool of a given size can see."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from qhu.evidence.equivalence import LEVEL
from qhu.evidence.units import UnitEstimate
from qhu.report.power import POWER, smallest_effect


def resolved(auc: UnitEstimate) -> UnitEstimate:
    """An AUC whose error is one unit's whole weight at least.

    Where every unit agrees (AUC 1, or exactly ½), the spread over units is 0 and says nothing of
    the units that were not drawn. n units of one kind leave open, with 5 % probability, that a
    share of 3/n is of another (rule of three); leaking wholly, these move the AUC by 1.5/n, which
    is 1.6 standard errors of 1/n.
    """
    if auc.units < 2 or not np.isfinite(auc.error):
        return auc
    return auc._replace(error=max(auc.error, 1 / auc.units))


def smallest_leak(auc: UnitEstimate, level: float, power: float = POWER) -> float:
    """Smallest \\|AUC − ½\\| that a test at this level shows with this power.

    Args:
        auc: any AUC of the design; only its error and its number of units count.
        level: two-sided level; with Holm over m tests, the total level divided by m.
        power: in (level, 1).
    """
    return float(smallest_effect(auc.error, auc.units - 1, level, power))


def equivalence_power(auc: UnitEstimate, margin: float) -> float:
    """Probability that an AUC which is ½ is shown to lie within ½ ± margin.

    Its interval, of the half width t(0.95)·error, has to lie inside, and its deviation from ½ has
    the t-distribution times the error.

    Args:
        auc: any AUC of the design; only its error and its number of units count.
        margin: largest \\|AUC − ½\\| that does not matter.
    """
    freedom = auc.units - 1
    room = margin / auc.error - stats.t.ppf(1 - LEVEL, freedom)
    return max(0.0, float(2 * stats.t.cdf(room, freedom) - 1))


def null_error(units: int, rows: int, correlation: float) -> float:
    """Standard error of the AUC of a pool without a leak.

    In each unit, a half of the training rows and its complement, every forget row is in exactly
    one model: n values a row on either side. A row's AUC then has the variance (2n + 1) / (12 n²)
    of Mann and Whitney's statistic, and the mean over R rows, whose ranks correlate by c within a
    model, that times (1 + (R − 1) c) / R. That both sides come from the same halves makes it
    smaller: this is an upper bound.

    Args:
        units: pairs of models.
        rows: forget rows R.
        correlation: c in [0, 1].
    """
    variance = (2 * units + 1) / (12 * units**2)
    return float(np.sqrt(variance * (1 + (rows - 1) * correlation) / rows))


class DesignPower(NamedTuple):
    """What a design can see.

    Attributes:
        models: size of the pool.
        rows: forget rows.
        correlation: of the rows' ranks within a model.
        tests: how many tests the page corrects together.
        error: standard error of the AUC without a leak.
        smallest_effect: smallest \\|AUC − ½\\| seen with 80 % power; above ½: none is.
        equivalence_power: probability that an AUC of exactly ½ is shown to lie within the margin.
    """

    models: int
    rows: int
    correlation: float
    tests: int
    error: float
    smallest_effect: float
    equivalence_power: float


def power_table(
    models: Sequence[int],
    rows: Sequence[int],
    *,
    correlation: float,
    tests: int,
    margin: float,
    level: float,
) -> list[DesignPower]:
    """Design sizes by rows: the smallest leak each sees.

    Args:
        models: sizes of pools.
        rows: numbers of forget rows.
        correlation: of the rows' ranks within a model, in [0, 1].
        tests: how many tests a page corrects together.
        margin: of equivalence.
        level: of all tests of the page together.
    """
    table = []
    for size in models:
        for count in rows:
            error = null_error(size // 2, count, correlation)
            auc = resolved(UnitEstimate(0.5, error, size // 2))
            effect = smallest_leak(auc, level / tests)
            shown = equivalence_power(auc, margin)
            table.append(DesignPower(size, count, correlation, tests, error, effect, shown))
    return table
