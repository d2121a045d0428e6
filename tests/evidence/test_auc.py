"""Areas and rates against scikit-learn, closed forms and simulated coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t
from sklearn.metrics import roc_auc_score, roc_curve

from qhu.evidence.auc import auc, clopper_pearson, true_positive_rate

PLACES = st.lists(st.integers(0, 4), min_size=6, max_size=6)


def normals(rng, units, rows, d, shared, blocks=1):
    """Scores of two worlds, d apart; a share of the variance belongs to the unit."""
    common = np.sqrt(shared) * rng.normal(size=(units, 1))
    inside, outside = (
        common + np.sqrt(1 - shared) * rng.normal(size=(units, rows)) for _ in range(2)
    )
    return inside + d, outside, np.arange(units), np.arange(units) * blocks // units


def in_rows(inside, outside):
    """Scores as (N, 1) with NaN for the models of the other world."""
    nan = np.full(len(inside), np.nan), np.full(len(outside), np.nan)
    columns = np.concatenate([inside, nan[1]]), np.concatenate([nan[0], outside])
    return tuple(column[:, None] for column in columns)


def delong(inside, outside):
    """Standard error by the definition: structural components from all comparisons."""
    wins = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    return np.sqrt(wins.mean(1).var(ddof=1) / len(inside) + wins.mean(0).var(ddof=1) / len(outside))


@given(PLACES, PLACES)
def test_the_area_is_that_of_scikit_learn_ties_included(inside, outside):
    scores = in_rows(np.array(inside, float), np.array(outside, float))
    truth = np.repeat([1, 0], [len(inside), len(outside)])
    expected = roc_auc_score(truth, inside + outside)
    assert auc(*scores, np.arange(12)).value == pytest.approx(expected)


def test_independent_pairs_have_the_standard_error_of_delong():
    rng = np.random.default_rng(3)
    inside, outside = rng.normal(1, 1, 40), rng.normal(0, 1, 30).round(1)
    rate = auc(*in_rows(inside, outside), np.arange(70))
    assert rate.se == pytest.approx(delong(inside, outside), rel=0.01)
    assert (rate.n, rate.df) == (40, 69)


def test_a_row_that_is_copied_adds_no_certainty():
    rng = np.random.default_rng(4)
    inside, outside, units, _ = normals(rng, 50, 1, 0.5, 0.3)
    once = auc(inside, outside, units)
    copied = auc(np.repeat(inside, 5, axis=1), np.repeat(outside, 5, axis=1), units)
    assert copied.value == pytest.approx(once.value)
    assert copied.se == pytest.approx(once.se)
    assert copied.n == 5 * once.n


def test_what_both_worlds_of_a_unit_share_counts():
    """A common effect cancels in the comparison: as other units the worlds look noisier."""
    inside, outside, units, _ = normals(np.random.default_rng(5), 400, 3, 0.0, 0.9)
    nan = np.full_like(inside, np.nan)
    apart = auc(np.vstack([inside, nan]), np.vstack([nan, outside]), np.arange(800))
    together = auc(inside, outside, units)
    assert together.value == apart.value
    assert together.se < 0.5 * apart.se


def test_only_pairs_of_one_block_are_compared():
    inside, outside = np.array([[1.0], [11.0]]), np.array([[0.0], [10.0]])
    inside, outside = np.repeat(inside, 3, axis=0), np.repeat(outside, 3, axis=0)
    blocks = np.repeat([0, 1], 3)
    assert auc(inside, outside, np.arange(6), blocks).value == 1
    assert auc(inside, outside, np.arange(6)).value == 0.75
    outside[blocks == 1] = np.nan  # nothing to compare with: the block does not count
    assert auc(inside, outside, np.arange(6), blocks).n == 3


def test_perfect_separation_is_not_perfectly_certain():
    inside, outside = np.ones((20, 4)), np.zeros((20, 4))
    units = np.arange(20) // 2
    rate = auc(inside, outside, units)
    assert (rate.value, rate.high) == (1, 1)
    assert rate.low == pytest.approx(0.025 ** (1 / 10))
    assert rate.value - t.ppf(0.975, rate.df) * rate.se == pytest.approx(rate.low)
    assert auc(outside, inside, units)[:3] == pytest.approx((0, 0, 1 - rate.low))


def test_constant_scores_tell_nothing():
    rate = auc(np.zeros((8, 2)), np.zeros((8, 2)), np.arange(8))
    assert rate.value == 0.5 and rate.se == 0


@pytest.mark.parametrize("world", [0, 1])
def test_without_pairs_there_is_no_number_but_a_reason(world):
    scores = [np.zeros((4, 2)), np.zeros((4, 2))]
    scores[world][:] = np.nan
    for rate in (auc(*scores, np.arange(4)), true_positive_rate(*scores, np.arange(4), 0.1)):
        assert np.isnan(rate.value) and rate.note


@pytest.mark.parametrize(
    ("repeats", "units"), [(300, 40), pytest.param(3000, 100, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("d", [0.0, 0.5, 2.0])
def test_intervals_of_areas_hold_the_truth(repeats, units, d):
    """Rows of a unit share half of their variance, in both worlds; in closed form Φ(d/√2)."""
    rng = np.random.default_rng(11)
    shared, rows = 0.5, 4
    rates = [auc(*normals(rng, units, rows, d, shared, blocks=4)) for _ in range(repeats)]
    # Pairs of one unit have the common part in both worlds, and their difference less variance.
    same = norm.cdf(d / np.sqrt(2 * (1 - shared)))
    truth = norm.cdf(d / np.sqrt(2)) * (1 - 4 / units) + same * 4 / units
    covered = sum(rate.low <= truth <= rate.high for rate in rates)
    assert binomtest(covered, repeats, 0.95).pvalue > 1e-3
    assert np.mean([rate.value for rate in rates]) == pytest.approx(truth, abs=0.01)


@given(st.integers(0, 30), st.integers(1, 30))
def test_clopper_pearson_is_that_of_scipy(successes, failures):
    trials = successes + failures
    expected = binomtest(successes, trials).proportion_ci(0.9, method="exact")
    assert clopper_pearson(successes, trials, 0.9) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("fpr", [0.01, 0.1])
def test_the_rate_is_that_of_scikit_learn_s_curve(fpr):
    rng = np.random.default_rng(6)
    inside, outside = rng.normal(1, 1, 500), rng.normal(0, 1, 400)
    rate = true_positive_rate(*in_rows(inside, outside), np.arange(900), fpr)
    truth = np.repeat([1, 0], [500, 400])
    false, true, _ = roc_curve(truth, np.concatenate([inside, outside]), drop_intermediate=False)
    passed = int(401 * fpr) - 1  # of 400: by a fresh one more of 401
    assert rate.value == pytest.approx(true[false <= passed / 400 + 1e-12].max())
    assert rate.low < rate.value < rate.high


def test_a_rate_that_needs_more_non_members_is_refused():
    rng = np.random.default_rng(7)
    scores = rng.normal(size=(100, 9)), rng.normal(size=(100, 9))
    rate = true_positive_rate(*scores, np.arange(100), 0.001)
    assert np.isnan(rate.value)
    assert rate.note == "too few non-members (900 for a rate of 0.001): not estimable"
    assert true_positive_rate(*scores, np.arange(100), 0.01).value < 0.05


def test_no_success_in_few_models_leaves_much_open():
    inside, outside = np.zeros((10, 50)), np.ones((10, 50))
    rate = true_positive_rate(inside, outside, np.arange(10), 0.01)
    assert (rate.value, rate.low) == (0, 0)
    assert rate.high == pytest.approx(1 - 0.025 ** (1 / 10))


@pytest.mark.parametrize("fpr", [0.01, 0.2])
def test_of_worlds_that_do_not_differ_the_rate_is_that_of_false_positives(fpr):
    rng = np.random.default_rng(8)
    worlds = (normals(rng, 40, 3, 0, 0.0) for _ in range(1000))
    values = [true_positive_rate(*world[:3], fpr).value for world in worlds]
    passed = int(121 * fpr) / 121  # of 121 pairs as good as each other
    assert np.mean(values) == pytest.approx(passed, rel=0.1)
    assert passed <= fpr


def test_copied_rows_are_no_more_pairs():
    rng = np.random.default_rng(9)
    inside, outside, units, _ = normals(rng, 400, 1, 1, 0.0)
    once = true_positive_rate(inside, outside, units, 0.05)
    copied = true_positive_rate(
        np.repeat(inside, 9, axis=1), np.repeat(outside, 9, axis=1), units, 0.05
    )
    width, other = once.high - once.low, copied.high - copied.low
    assert other == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize(
    ("repeats", "units"), [(300, 150), pytest.param(2000, 400, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("d", [0.0, 1.5])
@pytest.mark.parametrize("fpr", [0.01, 0.1])
def test_intervals_of_rates_hold_the_truth(repeats, units, d, fpr):
    """In closed form Φ(d + Φ⁻¹(fpr)); the interval may be wider than it says, not narrower."""
    rng = np.random.default_rng(12)
    truth = norm.cdf(d + norm.ppf(fpr))
    covered = 0
    for _ in range(repeats):
        inside, outside, owners, _ = normals(rng, units, 4, d, 0.5)
        rate = true_positive_rate(inside, outside, owners, fpr)
        covered += rate.low <= truth <= rate.high
    assert binomtest(covered, repeats, 0.95, alternative="less").pvalue > 1e-3
