"""KLoM, F, tug-of-war and AIN against scipy, closed forms and the definitions written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qhu.evidence.distances.anamnesis import anamnesis
from qhu.evidence.distances.forgetting_quality import epsilon, forgetting_quality, points
from qhu.evidence.distances.klom import divergence, klom
from qhu.evidence.distances.tug_of_war import tug_of_war

SAMPLES = st.lists(st.integers(-40, 40).map(lambda n: n / 4), min_size=1, max_size=12)


def once(distance, inside, outside):
    """A distance of two samples in which every value counts once."""
    inside, outside = np.array(inside, float), np.array(outside, float)
    return distance(inside, outside, np.ones((1, len(inside))), np.ones((1, len(outside))))[0]


def pairs_of_models(rng, units, rows, shift=0.0):
    """Margins (N, R) of unlearned models and oracles, those of half the rows, and the units."""
    requested = rng.random((2 * units, rows)) < 0.5
    margins = rng.normal(size=(2, 2 * units, rows)) + np.array([shift, 0])[:, None, None]
    return *np.where(requested, margins, np.nan), np.repeat(np.arange(units), 2)


@given(SAMPLES, SAMPLES)
def test_klom_is_the_entropy_of_histograms(inside, outside):
    both = (min(inside + outside), max(inside + outside))
    edges = np.linspace(both[0], both[1] if both[1] > both[0] else both[0] + 20, 21)
    p, q = (np.histogram(sample, edges)[0] / len(sample) for sample in (inside, outside))
    expected = stats.entropy(p) * -1 - (p * np.log(np.maximum(q, 1e-5))).sum()
    value = once(divergence, inside, outside)
    # a value on an edge may fall to either side by rounding: those are compared as one bin apart
    on_edge = np.isin(np.round(edges, 9), np.round(inside + outside, 9))[1:-1].any()
    assert on_edge or value == pytest.approx(expected, abs=1e-9)


def test_klom_of_shifted_normals():
    rng = np.random.default_rng(0)
    value = once(divergence, rng.normal(0.5, 1, 200_000), rng.normal(0, 1, 200_000))
    assert value == pytest.approx(0.125, abs=0.01)


def test_klom_clips_what_is_huge_and_stays_finite():
    assert once(divergence, [1e30] * 3, [-1e30] * 3) == pytest.approx(np.log(1e5))
    assert once(divergence, [200.0], [100.0]) == 0


def test_the_floor_of_klom_is_what_unlearning_without_a_trace_has():
    """And chance alone makes more of it with fewer models."""
    rng, medians = np.random.default_rng(1), {}
    for units in (16, 64, 1024):
        median = klom(*pairs_of_models(rng, units, 20))["klom_median"]
        assert abs(median.value.value - median.floor.value) < 4 * median.floor.error
        medians[units] = median.floor.value
    assert medians[16] > 2 * medians[64] > 4 * medians[1024]


def test_klom_sees_a_shift_above_its_floor():
    percentiles = klom(*pairs_of_models(np.random.default_rng(2), 256, 20, shift=-2))
    assert list(percentiles) == ["klom_median", "klom_p95"]
    median, extreme = percentiles.values()
    low, _ = median.value.interval()
    assert low > median.floor.interval()[1]
    assert extreme.value.value > median.value.value
    assert median.value.units == 256


def test_a_row_without_models_is_left_out():
    unlearned, oracle, units = pairs_of_models(np.random.default_rng(3), 32, 4)
    unlearned[:, 2] = np.nan
    kept = [0, 1, 3]
    assert klom(unlearned, oracle, units) == klom(unlearned[:, kept], oracle[:, kept], units)
    unlearned[:] = np.nan
    assert np.isnan(klom(unlearned, oracle, units)["klom_median"].value.value)


def test_three_units_have_no_halves_to_compare():
    median = klom(*pairs_of_models(np.random.default_rng(3), 3, 4))["klom_median"]
    assert np.isnan([*median.value[:2], *median.floor[:2]]).all()


def test_epsilon_of_the_reference():
    """FPR = FNR = .1 at the only threshold there is."""
    inside, outside = [1] * 90 + [0] * 10, [0] * 90 + [1] * 10
    assert once(epsilon, inside, outside) == pytest.approx(2.18605, abs=1e-5)


def naive_epsilon(inside, outside):
    """The definition, threshold by threshold, rules on the margin only."""
    largest = 0.0
    values = np.unique([*inside, *outside])
    for threshold in [values[0] - 1, *values]:
        above = np.mean(np.array(inside) > threshold), np.mean(np.array(outside) > threshold)
        for fpr, fnr in ((above[1], 1 - above[0]), (1 - above[1], above[0])):
            fpr, fnr = (0.0 if rate < 1e-12 else rate for rate in (fpr, fnr))
            if fpr == fnr == 0:
                return np.inf
            if fpr and fnr:
                bounds = [(0.99 - fpr) / fnr, (0.99 - fnr) / fpr]
                largest = max([largest, *(np.log(bound) for bound in bounds if bound > 0)])
    return largest


def log_likelihood_ratio(values, inside, outside):
    laws = [stats.norm(np.mean(sample), np.std(sample)) for sample in (inside, outside)]
    return np.round(laws[0].logpdf(values) - laws[1].logpdf(values), 6)


@given(SAMPLES, SAMPLES)
def test_epsilon_is_that_of_the_best_rule(inside, outside):
    value = once(epsilon, inside, outside)
    ranges = sorted([np.ptp(inside), np.ptp(outside)])
    if ranges[0] < 0.01 * ranges[1]:
        assert value == np.inf
        return
    expected = naive_epsilon(inside, outside)
    if ranges[0] > 0:
        ratios = [log_likelihood_ratio(sample, inside, outside) for sample in (inside, outside)]
        expected = max(expected, naive_epsilon(*ratios))
    assert value == pytest.approx(expected)


@given(SAMPLES, SAMPLES)
def test_weights_count_models(inside, outside):
    weights, others = np.arange(len(inside)) % 3 + 1.0, np.arange(len(outside)) % 2 + 1.0
    for distance in (divergence, epsilon):
        weighted = distance(np.array(inside), np.array(outside), weights[None], others[None])[0]
        repeated = [np.repeat(s, w.astype(int)) for s, w in ((inside, weights), (outside, others))]
        if distance is divergence or np.ptp(inside) == 0 or np.ptp(outside) == 0:
            assert weighted == pytest.approx(once(distance, *repeated))


@pytest.mark.parametrize(
    ("value", "earned"),
    [(0, 1), (0.49, 1), (0.5, 0.5), (2.18605, 2 / 32), (6.4, 2 / 2**13), (6.5, 0), (np.inf, 0)],
)
def test_points_halve_with_every_bin(value, earned):
    assert points(np.array([value]))[0] == earned


def test_forgetting_quality():
    rng = np.random.default_rng(5)
    unlearned, oracle, units = pairs_of_models(rng, 256, 6)
    equal = np.full(512, 0.9)
    same = forgetting_quality(unlearned, oracle, (equal, equal), (equal, equal), units)
    assert abs(same.value.value - same.floor.value) < 4 * same.floor.error
    worse = forgetting_quality(unlearned, oracle, (equal / 2, equal), (equal, equal), units)
    assert worse.value.value == pytest.approx(same.value.value / 2)
    assert worse.floor == same.floor
    apart = forgetting_quality(unlearned + 9, oracle, (equal, equal), (equal, equal), units)
    assert apart.value.value < 1e-3


def test_tug_of_war_and_its_factors():
    accuracies = {
        "forget": (np.array([1.0, 0.5]), np.array([0.5, 0.5])),
        "retain": (np.array([0.9, 0.9]), np.array([1.0, 1.0])),
        "test": (np.array([0.8, 0.8]), np.array([0.8, 1.0])),
    }
    scores = tug_of_war(accuracies, np.array([0, 1]))
    assert {name: score.value for name, score in scores.items()} == pytest.approx(
        {"tow": (0.45 + 0.72) / 2, "tow_forget": 0.75, "tow_retain": 0.9, "tow_test": 0.9}
    )
    accuracies["forget"][0][0] = np.nan
    assert tug_of_war(accuracies, np.array([0, 1]))["tow"].value == pytest.approx(0.72)


def test_anamnesis_index():
    rng = np.random.default_rng(6)
    units, oracle = np.repeat(np.arange(100), 2), rng.poisson(20, 200).astype(float)
    slower = anamnesis(2 * oracle, oracle, 1000, units)
    assert slower.ain.value == pytest.approx(2)
    assert slower.ain.error == pytest.approx(0, abs=1e-12)
    equal = anamnesis(rng.permutation(oracle), oracle, 1000, units)
    assert equal.ain.interval()[0] < 1 < equal.ain.interval()[1]
    assert equal[1:] == (0, 0, 0)


def test_who_does_not_arrive_counts_with_the_limit():
    oracle = np.array([10.0, 10.0, np.nan, 0.0])
    index = anamnesis(np.array([5.0, 60.0, 20.0, np.nan]), oracle, 50, np.arange(4))
    assert index.ain.value == pytest.approx((5 + 50 + 20 + 50) / (10 + 10 + 50 + 0))
    assert index[1:] == (0.5, 0.25, 0.25)


def test_the_index_is_undefined_where_no_oracle_needs_a_step():
    index = anamnesis(np.array([3.0, 4.0]), np.zeros(2), 50, np.arange(2))
    assert np.isnan(index.ain.value)
    assert index.oracles_at_once == 1
