"""The smallest effect against the noncentral t-distribution, published tables and simulation."""

import numpy as np
import pytest
from scipy import stats

from qhu.report.power import smallest_effect


@pytest.mark.parametrize("freedom", [2, 4, 9, 63, 1023])
@pytest.mark.parametrize("level", [0.05, 0.001, 1e-4])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.99])
def test_an_effect_of_that_size_is_shown_with_that_power(freedom, level, power):
    noncentrality = smallest_effect(0.3, freedom, level, power) / 0.3
    threshold = stats.t.isf(level / 2, freedom)
    assert stats.nct.sf(threshold, freedom, noncentrality) == pytest.approx(power, abs=1e-4)


@pytest.mark.parametrize(("size", "n"), [(0.8, 15), (0.5, 34), (0.2, 199)])
def test_sample_sizes_of_the_usual_tables(size, n):
    """Paired t-test, two-sided 5 %, power 80 %: as many pairs as textbooks ask for."""
    assert smallest_effect(1 / np.sqrt(n), n - 1, 0.05) <= size
    assert smallest_effect(1 / np.sqrt(n - 1), n - 2, 0.05) > size


def test_ten_seeds_see_a_standard_deviation():
    assert smallest_effect(1 / np.sqrt(10), 9, 0.05) == pytest.approx(0.9960, abs=1e-4)


def test_in_simulated_studies():
    rng = np.random.default_rng(0)
    effect = float(smallest_effect(2 / np.sqrt(10), 9, 0.01))
    studies = rng.normal(effect, 2, (20_000, 10))
    assert (stats.ttest_1samp(studies, 0, axis=1).pvalue < 0.01).mean() == pytest.approx(
        0.8, abs=0.01
    )


def test_arguments_broadcast_and_the_unknown_stays_unknown():
    effects = smallest_effect([0.1, np.nan, 0.1, 0.0], [9, 9, 0, 9], 0.05)
    assert np.isnan(effects).tolist() == [False, True, True, False]
    assert effects[3] == 0
