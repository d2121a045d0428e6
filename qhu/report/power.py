"""The smallest effect that a design sees: what "no difference shown" leaves open."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import nctdtrinc
from scipy.stats import t as student

POWER = 0.8
"""Share of repeated studies that would show an effect of the size that is printed."""


def smallest_effect(
    error: ArrayLike, freedom: ArrayLike, level: ArrayLike, power: float = POWER
) -> NDArray[np.float64]:
    """The size of effect that a two-sided t-test shows with the given power.

    The t-statistic of an effect E follows the noncentral t-distribution of noncentrality
    E / error; E solves ``P(t > t(1 − level/2)) = power``. It comes from the spread and the size of
    the sample alone, not from the effect that was observed.

    Args:
        error: standard error of the estimate, in the unit of the effect; 0 or more.
        freedom: degrees of freedom of that error, n − 1 for the mean of n values.
        level: two-sided level of the test in (0, 1); of m tests that Holm corrects together, the
            level of the hardest step, the total divided by m.
        power: in (level, 1).

    Returns:
        The effect, in the shape of the arguments together; NaN where one of them is NaN or there
        is no degree of freedom.
    """
    error, freedom, level = np.broadcast_arrays(*map(np.asarray, (error, freedom, level)))
    freedom = np.where(freedom > 0, freedom, np.nan).astype(np.float64)
    beyond = student.isf(level / 2, freedom)
    return np.asarray(error * nctdtrinc(freedom, 1 - power, beyond), np.float64)
