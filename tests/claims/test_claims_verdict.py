"""Verdicts of planted effects: pure functions of the parts of a test."""

import numpy as np
import pytest
from scipy import stats

from qhu.claims.claim import Test, of_estimates, of_values
from qhu.claims.verdict import judge
from qhu.evidence.units import UnitEstimate
from qhu.report.statistics import LEVEL


def drawn(mean, n=20, spread=0.01, seed=0):
    values = np.random.default_rng(seed).normal(0, spread, n)
    return mean + values - values.mean()


def verdict(test):
    return judge([test])[0].verdict


@pytest.mark.parametrize(
    ("direction", "mean", "expected"),
    [
        ("above", 0.3, "supported"),
        ("above", -0.3, "contradicted"),
        ("below", -0.3, "supported"),
        ("below", 0.3, "contradicted"),
        ("either", 0.3, "supported"),
        ("either", -0.3, "supported"),
        ("either", 0.0, "contradicted"),  # shown to be smaller than the margin
        ("above", 0.0, "contradicted"),
        ("within", 0.0, "supported"),
        ("within", 0.3, "contradicted"),
        ("within", -0.3, "contradicted"),
    ],
)
def test_a_planted_effect(direction, mean, expected):
    test = Test("t", of_values({"a": drawn(mean)}), direction, margin=0.05)
    assert verdict(test) == expected


@pytest.mark.parametrize("direction", ["above", "below", "either", "within"])
def test_noise_cannot_tell_and_says_what_it_could_see(direction):
    test = Test("t", of_values({"a": drawn(0.02, n=6, spread=0.4)}), direction, margin=0.05)
    words = verdict(test)
    assert words.startswith("cannot tell (smallest effect this could see: ")
    assert float(words.removesuffix(")").split(": ")[1]) > 0.05


@pytest.mark.parametrize("direction", ["above", "either", "within"])
def test_few_seeds_cannot_tell_whatever_they_show(direction):
    test = Test("t", of_values({"a": drawn(9, n=4)}), direction, margin=0.05)
    assert verdict(test) == "cannot tell (smallest effect this could see: unknown)"


def test_without_a_margin_no_effect_is_never_contradicted():
    assert verdict(Test("t", of_values({"a": drawn(0)}), "above")).startswith("cannot tell")


@pytest.mark.parametrize(
    ("means", "needed", "expected"),
    [
        ((0.3, 0.3, 0.3), 0, "supported"),
        ((0.3, 0.3, -0.3), 0, "contradicted"),
        ((0.3, 0.3, -0.3), 2, "supported"),
        ((0.3, -0.3, -0.3), 2, "contradicted"),
        ((0.3, 0.3, 0.0), 0, "cannot tell"),
    ],
)
def test_as_many_parts_as_are_needed(means, needed, expected):
    values = {f"m{number}": drawn(mean) for number, mean in enumerate(means)}
    assert verdict(Test("t", of_values(values), "above", needed=needed)).startswith(expected)


def test_the_part_that_decides_is_the_least_of_those_needed():
    values = {"low": drawn(0.92), "high": drawn(0.98), "middle": drawn(0.95)}
    parts = of_values(values, 0.9)
    every = judge([Test("t", parts, "above", against=0.9)])[0]
    two = judge([Test("t", parts, "above", against=0.9, needed=2)])[0]
    assert every.estimate == pytest.approx(0.92)
    assert two.estimate == pytest.approx(0.95)
    assert two.low < 0.95 < two.high
    assert list(two.parts.index) == ["high", "middle", "low"]


def test_all_tests_of_a_page_are_corrected_together():
    """A p-value of a tenth of the level stands alone, and falls among twenty of its kind."""
    n = 30
    t = stats.t.isf(LEVEL / 20, n - 1)
    shape = drawn(0, n)
    values = shape + t * shape.std(ddof=1) / np.sqrt(n)
    tests = [Test("t", of_values({"a": values}), "above")] * 20
    assert judge(tests[:1])[0].verdict == "supported"
    assert judge(tests)[0].verdict.startswith("cannot tell")


@pytest.mark.parametrize("direction", ["above", "below", "either", "within"])
def test_every_interval_says_what_the_outcome_says(direction):
    """Claimed as it lies outside what it is tested against; equivalent as it lies in the margin."""
    random, margin = np.random.default_rng(7), 0.05
    values = {
        str(number): 0.5 + mean + spread * random.standard_normal(8)
        for number, (mean, spread) in enumerate(
            (mean, spread) for mean in (-0.3, -0.06, 0, 0.02, 0.3) for spread in (1e-3, 0.05, 0.3)
        )
    }
    test = Test("t", of_values(values, 0.5), direction, against=0.5, margin=margin)
    outcomes = set()
    for row in judge([test])[0].parts.to_dict("records"):
        low, high = row["ci_low"] - 0.5, row["ci_high"] - 0.5
        above, below, inside = low > 0, high < 0, -margin < low and high < margin
        outcomes.add(row["outcome"])
        if direction == "within":
            outside = low > margin or high < -margin
            assert row["outcome"] == (1 if inside else -1 if outside else 0)
        else:
            as_claimed = {"above": above, "below": below, "either": above or below}[direction]
            small = {"above": high < margin, "below": low > -margin}.get(direction, inside)
            assert (row["outcome"] == 1) <= as_claimed
            assert (row["outcome"] == -1) <= (small or above or below)
            assert (row["outcome"] == 0) <= (low <= 0 <= high)
    assert {-1, 0, 1} >= outcomes >= {0, 1}


def test_counts_need_no_test():
    parts = of_values({"a": np.array([-0.5]), "b": np.array([-0.1])})
    assert verdict(Test("t", parts, "below", exact=True)) == "supported"
    assert verdict(Test("t", parts, "above", exact=True)) == "contradicted"
    as_many = of_values({"a": np.array([0.0])})
    assert verdict(Test("t", as_many, "below", exact=True)) == "contradicted"


def test_estimates_with_errors_are_tested_as_values_are():
    values = drawn(0.3)
    estimate = UnitEstimate(values.mean(), values.std(ddof=1) / np.sqrt(20), 20)
    whole = judge([Test("t", of_values({"a": values}, 0.1), "above", against=0.1)])[0]
    short = judge([Test("t", of_estimates({"a": estimate}, 0.1), "above", against=0.1)])[0]
    assert short.verdict == whole.verdict == "supported"
    assert short[2:5] == pytest.approx(whole[2:5])


def test_nothing_to_test_is_a_mistake():
    with pytest.raises(ValueError, match="nothing to test: t"):
        Test("t", of_values({}), "above")


def test_a_page_of_true_nulls_seldom_says_anything():
    """Of 80 pages of 10 tests without an effect about 3 claim something; 12 is 5 sigma off."""
    random = np.random.default_rng(5)
    wrong = 0
    for _ in range(80):
        tests = [
            Test("t", of_values({"a": values}), direction)
            for values, direction in zip(
                random.normal(0, 1, (10, 8)), ["above", "below", "either"] * 4, strict=False
            )
        ]
        wrong += any(not judged.verdict.startswith("cannot tell") for judged in judge(tests))
    assert wrong <= 12
