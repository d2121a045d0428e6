"""TOST against scipy's one-sided t-tests, its interval, and its error rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qhu.evidence.equivalence import LEVEL, equivalence
from qhu.evidence.units import UnitEstimate, mean_over_units

VALUES = st.floats(-1, 1)
ERRORS = st.floats(1e-4, 1)


def test_both_tests_are_those_of_scipy():
    values = np.random.default_rng(0).normal(0.01, 0.1, 30)
    shown = equivalence(mean_over_units(values, np.arange(30)), 0.0, 0.05)
    below = stats.ttest_1samp(values, -0.05, alternative="greater").pvalue
    above = stats.ttest_1samp(values, 0.05, alternative="less").pvalue
    assert (shown.not_below, shown.not_above) == pytest.approx((below, above))


@given(value=VALUES, error=ERRORS, units=st.integers(2, 3000), margin=st.floats(0.01, 0.5))
def test_it_is_shown_where_the_ninety_percent_interval_lies_inside(value, error, units, margin):
    shown = equivalence(UnitEstimate(value, error, units), 0.1, margin)
    inside = shown.low > 0.1 - margin and shown.high < 0.1 + margin
    assert shown.is_shown == inside
    assert shown.is_excluded == (shown.low > 0.1 + margin or shown.high < 0.1 - margin)
    assert shown.is_not_lower == (shown.low > 0.1 - margin)


@given(value=VALUES, error=ERRORS, units=st.integers(2, 3000))
def test_a_wider_margin_shows_no_less(value, error, units):
    estimate = UnitEstimate(value, error, units)
    narrow, wide = (equivalence(estimate, 0.0, margin) for margin in (0.05, 0.1))
    assert wide.is_shown >= narrow.is_shown


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("units", [5, 30])
def test_at_the_margin_it_is_shown_in_five_percent(side, units):
    rng = np.random.default_rng(units)
    samples = rng.normal(side * 0.05, 0.04, (4000, units))
    number = np.arange(units)
    shown = [equivalence(mean_over_units(s, number), 0.0, 0.05).is_shown for s in samples]
    assert np.mean(shown) < LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / 4000)


@pytest.mark.parametrize(("error", "units"), [(np.nan, 10), (0.0, 10), (0.01, 1)])
def test_an_unknown_error_shows_nothing(error, units):
    shown = equivalence(UnitEstimate(0.0, error, units), 0.0, 0.05)
    assert not (shown.is_shown or shown.is_excluded or shown.is_not_lower)


def test_a_margin_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        equivalence(UnitEstimate(0.0, 0.1, 10), 0.0, 0.0)
