import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qhu.report.statistics import (
    estimates,
    holm,
    mean_interval,
    paired,
    prediction_interval,
    sign_flip,
    simultaneous,
    smallest_p,
    summarise,
)

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=2, max_size=8)


def table(values):
    """Results of one metric from method to values by seed."""
    rows = [
        ("d", "s", method, seed, "b", "m", value, 5)
        for method, column in values.items()
        for seed, value in enumerate(column)
    ]
    columns = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
    return pd.DataFrame(rows, columns=columns)


def test_interval_against_scipy():
    values = np.array([0.3, 0.7, 0.65, 0.2])
    low, high = stats.t.interval(0.95, 3, loc=values.mean(), scale=stats.sem(values))
    assert mean_interval(values) == pytest.approx((values.mean(), low, high, 4))


def test_the_prediction_interval_holds_one_more_value():
    rng = np.random.default_rng(5)
    inside = [
        low <= one <= high
        for values, one in zip(rng.normal(size=(4000, 5)), rng.normal(size=4000), strict=True)
        for low, high in [prediction_interval(values)]
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.011)


def test_a_single_seed_has_no_interval():
    mean, low, high, seeds = mean_interval(np.array([0.4]))
    assert (mean, seeds) == (0.4, 1)
    assert np.isnan([low, high]).all()


def test_intervals_that_hold_together_are_those_of_a_smaller_level():
    values = np.array([0.3, 0.7, 0.65, 0.2])
    low, high = stats.t.interval(1 - 0.05 / 4, 3, loc=values.mean(), scale=stats.sem(values))
    value = mean_interval(values)
    assert simultaneous(value, 4) == pytest.approx((values.mean(), low, high, 4))
    assert simultaneous(value, 1) == pytest.approx(value)
    assert np.isnan(simultaneous(mean_interval(values[:1]), 4).low)


def test_summary_has_the_columns_of_the_contract_in_order_of_appearance():
    summary = summarise(table({"b": [1, 2], "a": [3.0]}))
    assert summary.columns.tolist() == (
        ["dataset", "scenario", "method", "backend", "metric", "mean", "ci_low", "ci_high", "seeds"]
    )
    assert summary["method"].tolist() == ["b", "a"]
    assert summary["mean"].tolist() == [1.5, 3]
    assert summary["seeds"].tolist() == [2, 1]
    assert summarise(table({})).columns.tolist() == summary.columns.tolist()


def test_estimates_put_the_honest_rows_first():
    summary = summarise(table({m: [1, 2] for m in ("scrub", "floor", "lca", "none", "retrain")}))
    assert list(estimates(summary, "m")) == ["none", "retrain", "floor", "scrub", "lca"]
    assert estimates(summary, "other") == {}


def test_paired_differences_are_of_the_same_seed():
    results = table({"retrain": [0.1, 0.9, 0.5], "scrub": [0.2, 1.0, 0.6], "none": [0.5]})
    found = paired(results, "m", "retrain").set_index("method")
    assert found.loc["scrub", "mean"] == pytest.approx(0.1)
    assert found.loc["scrub", "ci_high"] == pytest.approx(0.1)  # no spread within the pairs
    assert found.loc["none", "seeds"] == 1
    assert np.isnan(found.loc["none", "p"])
    assert "retrain" not in found.index


def test_paired_without_the_reference_is_empty():
    assert paired(table({"scrub": [1, 2]}), "m", "retrain").empty


def test_the_oracle_is_not_tested_against_the_floor():
    found = paired(table({"retrain": [0, 0], "floor": [1, 2], "lca": [1, 3]}), "m", "floor")
    assert found["method"].tolist() == ["lca"]


def test_sign_flip_by_hand():
    # of 2³ sign patterns, +++ and −−− reach the mean of three positive differences
    assert sign_flip(np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / 8)
    # |±1 ± 2 − 3| ≥ 0 always
    assert sign_flip(np.array([1.0, 2.0, -3.0])) == 1


@given(DIFFERENCES)
def test_sign_flip_is_symmetric_and_bounded(values):
    differences = np.array(values)
    p = sign_flip(differences)
    assert 2.0 ** (1 - len(values)) - 1e-12 <= p <= 1
    assert sign_flip(-differences) == pytest.approx(p)


def test_sign_flips_of_many_rows_are_those_of_each_and_missing_seeds_do_not_count():
    rows = np.random.default_rng(4).normal(0.5, 1, (5, 7))
    rows[1, 4:] = rows[2, 1:] = np.nan
    p = sign_flip(rows)
    assert p[0] == pytest.approx(sign_flip(rows[0]))
    assert p[1] == pytest.approx(sign_flip(rows[1, :4]))
    assert np.isnan(p[2])


def test_sign_flip_of_many_seeds_is_repeatable_and_close_to_the_t_test():
    differences = np.random.default_rng(1).normal(0.3, 1, 40)
    p = sign_flip(differences)
    assert p == sign_flip(differences)
    assert p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.02)


def test_no_difference_at_all_is_no_evidence():
    assert sign_flip(np.zeros(10)) == 1


def test_holm_by_hand():
    corrected = holm([0.01, 0.04, 0.03, np.nan])
    assert corrected[:3] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(corrected[3])


@given(st.lists(st.floats(0, 1), max_size=10))
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(p):
    corrected = holm(p)
    assert (corrected >= np.array(p) - 1e-15).all()
    assert (corrected <= np.minimum(1, len(p) * np.array(p)) + 1e-15).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()


def test_smallest_p_that_seeds_can_give():
    assert smallest_p(10, 15) == pytest.approx(15 * 2 / 1024)
    assert smallest_p(3, 15) == 1
