"""Errors over units against scipy, closed forms and simulation."""

import numpy as np
import pytest
from scipy import stats

from qhu.evidence.units import RESAMPLES, UnitEstimate, mean_over_units, resampled


def test_units_of_one_model_are_a_t_test():
    values = np.random.default_rng(0).normal(0.3, 1, 12)
    estimate, reference = mean_over_units(values, np.arange(12)), stats.ttest_1samp(values, 0)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.interval() == pytest.approx(tuple(reference.confidence_interval(0.95)))
    assert estimate.p_value(0) == pytest.approx(reference.pvalue)


def test_a_unit_is_one_observation_whatever_it_repeats():
    """Copies of models are no new evidence."""
    values = np.random.default_rng(1).normal(size=(10, 3))
    units = np.arange(10)
    repeated = mean_over_units(np.repeat(values, 5, axis=0), np.repeat(units, 5))
    assert repeated == pytest.approx(mean_over_units(values, units))


def test_its_interval_holds_the_truth_where_units_depend_and_differ_in_size():
    rng, held = np.random.default_rng(2), []
    for _ in range(400):
        level = np.repeat(rng.normal(size=40), 2)[:, None]
        values = 1 + level + rng.normal(size=(80, 6))
        values[rng.random((80, 6)) < 0.5] = np.nan
        low, high = mean_over_units(values, np.repeat(np.arange(40), 2)).interval()
        held.append(low < 1 < high)
    assert 0.92 < np.mean(held) < 0.98


def test_models_without_values_do_not_count():
    values = np.array([1.0, 2.0, np.nan, np.nan, 4.0])
    assert mean_over_units(values, np.array([0, 0, 1, 1, 2])).units == 2
    assert mean_over_units(values[2:4], np.array([0, 0])).units == 0
    single = mean_over_units(values[:2], np.array([7, 7]))
    assert single.value == 1.5
    assert np.isnan([single.error, *single.interval(), single.p_value(0)]).all()


def test_values_in_steps_are_known_to_a_step_at_best():
    equal = mean_over_units(np.zeros(12), np.arange(12), step=1 / 30)
    assert equal.error == pytest.approx(1 / 30 / np.sqrt(12) / np.sqrt(12))
    assert mean_over_units(np.zeros(12), np.arange(12)).error == 0


def test_a_value_without_spread_has_no_p_value():
    assert np.isnan(UnitEstimate(0.7, 0.0, 10).p_value(0.5))


def test_the_bootstrap_has_the_error_of_the_formula():
    rng = np.random.default_rng(3)
    units = np.repeat(np.arange(300), 2)
    values = np.repeat(rng.normal(size=300), 2) + rng.normal(size=600)

    def mean(weights):
        return weights @ values / weights.sum(axis=1)

    value, error = resampled(mean, units, seed=0)
    exact = mean_over_units(values, units)
    assert value == pytest.approx(exact.value)
    assert error == pytest.approx(exact.error, rel=3 / np.sqrt(2 * RESAMPLES))
    assert resampled(mean, units, seed=0)[1] == error


def test_one_unit_cannot_be_drawn_anew():
    value, error = resampled(lambda weights: weights.sum(axis=1), np.zeros(4, int), seed=0)
    assert value == 4
    assert np.isnan(error)
