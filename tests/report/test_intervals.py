"""Intervals of single means: where they may lie, and how often they hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from qhu import registry
from qhu.report.intervals import mean_interval, prediction_interval

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=8)
STEPS = st.lists(st.integers(0, 10).map(lambda hits: hits / 10), min_size=1, max_size=8)


def test_without_ends_it_is_students():
    values = np.array([0.3, 0.7, 0.65, 0.2])
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert mean_interval(values) == pytest.approx((values.mean(), low, high, 4))


def test_with_two_ends_it_is_students_on_log_odds():
    """The slope of the log-odds at the mean m is 1 / (m (1 − m)); in units of the span."""
    values = np.array([0.9, 0.95, 1.0, 1.0, 0.97])
    m, t = values.mean(), stats.t.ppf(0.975, 4)
    reach = t * stats.sem(values) / (m * (1 - m))
    ends = [special.expit(special.logit(m) + side * reach) for side in (-1, 1)]
    assert mean_interval(values, (0, 1))[1:3] == pytest.approx(ends)
    assert mean_interval(3 * values - 1, (-1, 2))[1:3] == pytest.approx(3 * np.array(ends) - 1)


def test_with_one_end_it_is_students_on_logarithms():
    values = np.array([0.2, 0.5, 0.1, 0.3])
    factor = math.exp(stats.t.ppf(0.975, 3) * stats.sem(values) / values.mean())
    ends = values.mean() / factor, values.mean() * factor
    assert mean_interval(values, (0, None))[1:3] == pytest.approx(ends)
    low, high = mean_interval(-values, (None, 0))[1:3]
    assert (-high, -low) == pytest.approx(ends)


@given(st.one_of(SHARES, STEPS), st.sampled_from([(0, 1), (0, None), (None, 1), (-1, 1)]))
def test_it_holds_the_mean_and_nothing_impossible(values, span):
    mean, low, high, seeds = mean_interval(np.array(values), span)
    if seeds == 1:
        assert math.isnan(low) and math.isnan(high)
        return
    least, most = (-math.inf if span[0] is None else span[0], span[1] or math.inf)
    assert least <= low <= mean <= high <= most
    assert len(set(values)) > 1 or low == high == values[0] or high - low < 1e-15


@given(st.lists(st.integers(1, 99), min_size=2, max_size=8))
def test_the_interval_of_what_is_left_of_1_is_the_mirror_image(percents):
    values = np.array(percents) / 100
    mean, low, high, _ = mean_interval(values, (0, 1))
    mirrored = mean_interval(1 - values, (0, 1))
    assert mirrored[:3] == pytest.approx((1 - mean, 1 - high, 1 - low), abs=1e-12)


def test_rounding_past_an_end_is_no_error():
    values = np.array([1 + 1e-12, 1, 1 - 1e-3])
    mean, low, high, _ = mean_interval(values, (0, 1))
    assert low < mean < high <= values.max()
    assert mean_interval(np.array([1 + 1e-12] * 3), (0, 1))[:3] == (1 + 1e-12,) * 3


def held(draw, truth, span, seeds):
    """Of 400 samples, how many intervals hold the truth: within the span, and Student's plain."""
    rng, counts = np.random.default_rng(seeds), np.zeros(2)
    for _ in range(400):
        values = draw(rng, seeds)
        for which, ends in enumerate((span, (None, None))):
            _, low, high, _ = mean_interval(values, ends)
            counts[which] += low <= truth <= high
    return counts / 400


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    ("draw", "truth", "span"),
    [
        (lambda rng, n: rng.beta(9, 1, n), 0.9, (0, 1)),
        (lambda rng, n: rng.binomial(10, 0.5, n) / 10, 0.5, (0, 1)),
        (lambda rng, n: rng.exponential(1, n), 1.0, (0, None)),
        (lambda rng, n: rng.lognormal(-2, 0.8, n), math.exp(-2 + 0.32), (0, 27.6)),
    ],
)
def test_it_holds_the_truth_as_often_as_students(draw, truth, span, seeds):
    """Two standard errors of 400 samples are 2 %."""
    own, plain = held(draw, truth, span, seeds)
    assert own > plain - 0.02
    assert own > 0.88


def test_the_prediction_interval_ends_where_values_do():
    values = np.array([0.9, 1.0, 1.0, 0.95, 0.85])
    low, high = prediction_interval(values, (0, 1))
    assert (low, high) == (prediction_interval(values)[0], 1)
    assert prediction_interval(values)[1] > 1
    assert prediction_interval(np.ones(5), (0, 1)) == (1, 1)


def test_every_built_in_score_with_a_share_or_a_distance_declares_its_ends():
    """Its title says what it is: shares end at both sides, distances begin at 0."""
    reads = {
        name: read
        for metric in registry.metric.names()
        for name, read in registry.metric[metric].reads.items()
    }
    unbounded = {name for name, read in reads.items() if read.span == (None, None)}
    assert not unbounded
