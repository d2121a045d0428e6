import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from qhu.record.scores import Reading
from qhu.report.statistics import (
    LEVEL,
    MIN_SEEDS,
    equivalence_interval,
    estimates,
    holm,
    judged,
    mean_interval,
    no_lower,
    paired,
    prediction_interval,
    summarise,
    within,
)
from qhu.report.statistics import tested as t_tests
from qhu.report.statistics import tested_apart as welch_test
from qhu.report.statistics import tested_prediction as prediction_test

SCORES = {"m": Reading(title="m", against=None, span=(0, None)).score("m", "m", "", "")}


def table(values):
    """Results of one metric from method to values by seed."""
    rows = [
        ("d", "s", method, seed, "b", "m", value, 5)
        for method, column in values.items()
        for seed, value in enumerate(column)
    ]
    columns = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
    return pd.DataFrame(rows, columns=columns)


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


def test_summary_has_the_columns_of_the_contract_in_order_of_appearance():
    summary = summarise(table({"b": [1, 2], "a": [3.0]}), SCORES)
    assert summary.columns.tolist() == (
        ["dataset", "scenario", "method", "backend", "metric", "mean", "ci_low", "ci_high", "seeds"]
    )
    assert summary["method"].tolist() == ["b", "a"]
    assert summary["mean"].tolist() == [1.5, 3]
    assert summary["seeds"].tolist() == [2, 1]
    assert summarise(table({}), SCORES).columns.tolist() == summary.columns.tolist()


def test_estimates_put_the_honest_rows_first():
    methods = ("scrub", "floor", "lca", "none", "retrain")
    summary = summarise(table({m: [1, 2] for m in methods}), SCORES)
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


def rows(*values):
    return pd.DataFrame([*values])


def test_p_is_that_of_the_paired_t_test():
    values = np.random.default_rng(1).normal(0.3, 1, (2, 7))
    values[1, :2] = np.nan
    table = t_tests(rows(*values))
    assert table.loc[0, "p"] == pytest.approx(stats.ttest_1samp(values[0], 0).pvalue)
    assert table.loc[1, "p"] == pytest.approx(stats.ttest_1samp(values[1, 2:], 0).pvalue)
    assert table["seeds"].tolist() == [7, 5]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.floats(-1, 1))
def test_few_seeds_and_no_spread_are_no_evidence(values, value):
    few, same = t_tests(rows(values[:4])), t_tests(rows([value] * len(values)))
    assert few["p"].isna().all() and same["p"].isna().all()
    assert same["same"].tolist() == [len(values) > 1]
    (row,) = judged({"": same})[""].to_dict("records")
    assert row["verdict"] == ("same" if len(values) > 1 else "few seeds")
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()  # no test, no interval


def test_scores_that_move_in_steps_are_known_to_a_step_at_best():
    """Nine of ten seeds at one step: t with the variance of rounding, for any size of the step."""
    for step in (1.0, 1 / 30, 1e-3):
        values = step * np.array([1, 1, 1, 1, 1 + 1e-12, 1, 1, 1, 1, 0])
        spread = np.sqrt(0.1 + 1 / 12)
        p = 2 * stats.t.sf(0.9 / spread * np.sqrt(10), 9)
        assert t_tests(pd.DataFrame([values])).loc[0, "p"] == pytest.approx(p)


@given(st.lists(st.integers(-2, 2), min_size=5, max_size=15).filter(lambda v: len(set(v)) > 1))
def test_steps_never_make_a_test_bolder(values):
    p = t_tests(pd.DataFrame([values]) / 30).loc[0, "p"]
    assert p >= stats.ttest_1samp(values, 0).pvalue - 1e-12


def test_rounding_is_no_spread():
    tenths = np.array([0.3 - 0.2, 0.4 - 0.3, 0.9 - 0.8, 0.1, 1.0 - 0.9])
    assert np.ptp(tenths) > 0
    assert t_tests(rows(tenths))["same"].all()
    almost = 0.5 + 1e-6 * np.arange(5)
    assert not t_tests(rows(almost))["same"].any()
    assert t_tests(rows(almost), resolution=1e-5)["same"].all()


def test_all_t_tests_a_page_are_corrected_together():
    rng = np.random.default_rng(3)
    family = {key: t_tests(rows(*rng.normal(1, 1, (n, 6)))) for key, n in (("a", 2), ("b", 5))}
    found = judged(family)
    expected = holm(np.concatenate([family["a"]["p"], family["b"]["p"]]))
    assert [*found["a"]["p_holm"], *found["b"]["p_holm"]] == expected.tolist()
    assert judged({}) == {}
    assert judged({"none": t_tests(rows())})["none"].empty


def test_verdicts():
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.1, 6)
    values = [1 + noise, noise - 1, noise - noise.mean() + 0.01, np.full(6, 0.5), noise + 1]
    values[-1][: 7 - MIN_SEEDS] = np.nan
    found = judged({"page": t_tests(rows(*values))})["page"]
    assert found["verdict"].tolist() == ["above", "below", "not shown", "same", "few seeds"]


def excludes(row):
    return bool(row["ci_low"] > 0 or row["ci_high"] < 0)


DIFFERENCES = st.one_of(
    st.lists(st.integers(-3, 6).map(lambda steps: steps / 10), min_size=1, max_size=9),
    st.lists(st.floats(-0.02, 0.1), min_size=5, max_size=9),
    st.tuples(st.floats(-1, 1), st.integers(1, 9)).map(lambda same: [same[0]] * same[1]),
)


@given(st.lists(st.lists(DIFFERENCES, min_size=1, max_size=6), min_size=1, max_size=3))
def test_an_interval_excludes_0_exactly_where_something_is_claimed(family):
    """Whatever else the page tests: ties, few seeds and differences without spread."""
    tables = {
        number: t_tests(pd.DataFrame([pd.Series(values) for values in rows]), reach=1.0)
        for number, rows in enumerate(family)
    }
    for table in judged(tables).values():
        for row in table.to_dict("records"):
            assert excludes(row) == (row["verdict"] in ("above", "below"))
            assert excludes(row) == bool(row["p_holm"] < LEVEL)
            if row["verdict"] in ("same", "few seeds"):
                assert np.isnan([row["ci_low"], row["ci_high"]]).all()
            else:
                assert -1 <= row["ci_low"] <= row["mean"] <= row["ci_high"] <= 1


def test_the_interval_of_a_judged_difference_has_the_level_of_holms_step():
    """By hand: the smallest of three p-values is held against a third of the level, and so on."""
    rng = np.random.default_rng(8)
    values = rng.normal(0, 1, (3, 8)) + np.array([[9.0], [0.0], [0.1]])
    found = judged({"": t_tests(rows(*values))})[""]
    assert found["verdict"].tolist() == ["above", "not shown", "not shown"]
    for row, sample, level in zip(
        found.to_dict("records"), values, (LEVEL / 3, LEVEL / 2, LEVEL / 2), strict=True
    ):
        ends = stats.t.interval(1 - level, 7, sample.mean(), stats.sem(sample))
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(ends)


@given(st.lists(st.integers(0, 4).map(lambda hits: hits / 10), min_size=5, max_size=9))
def test_a_margin_holds_the_90_percent_interval_of_what_lies_within_it(values):
    """Against SciPy's interval with the error of the test."""
    (row,) = judged({"": t_tests(pd.DataFrame([values]) - 0.2)})[""].to_dict("records")
    low, high = equivalence_interval(row)
    if row["verdict"] == "same":
        assert np.isnan([low, high]).all() and not within(row, 0.5)
        return
    expected = stats.t.interval(0.9, len(values) - 1, row["mean"], row["error"])
    assert (low, high) == pytest.approx(expected)
    for margin in (0.05, 0.1, 0.2):
        assert within(row, margin) == (-margin < low and high < margin)
        assert no_lower(row, margin) == (-margin < low)


def test_the_smallest_effect_is_claimed_in_80_percent_of_studies():
    """Ten seeds, five tests of a page: at that size, among four effects of nothing."""
    rng, claimed, seeds = np.random.default_rng(5), [], 10
    noise = stats.t.isf(LEVEL / 5 / 2, seeds - 1)
    noncentrality = optimize.brentq(lambda d: stats.nct.sf(noise, 9, d) - 0.8, 0, 20)
    size = noncentrality / np.sqrt(seeds)
    for _ in range(300):
        values = rng.normal(size=(5, seeds))
        values[0] += size
        found = judged({"page": t_tests(rows(*values))})["page"]
        claimed.append(found.loc[0, "verdict"] == "above")
        expected = size * values.std(axis=1, ddof=1)
        assert found["smallest"].to_numpy() == pytest.approx(expected, rel=1e-4)
    assert np.mean(claimed) == pytest.approx(0.8, abs=0.08)


def test_what_is_not_tested_has_no_smallest_effect():
    found = judged({"": t_tests(rows([1.0] * 6, [1.0, 2, 3, 4, np.nan, np.nan]))})[""]
    assert found["smallest"].isna().all()


def test_samples_that_are_not_paired_and_single_values_have_theirs():
    """Welch's error with its degrees of freedom; one more value varies by √(1 + n) errors."""
    values = np.random.default_rng(6).normal(size=(8, 2))
    apart = judged({"": welch_test(values, np.array([1.0, -1.0]))})[""]
    welch = stats.ttest_ind(*values.T, equal_var=False)
    threshold = stats.t.isf(LEVEL / 2, welch.df)
    error = abs(values[:, 0].mean() - values[:, 1].mean()) / abs(welch.statistic)
    effect = float(apart["smallest"].iloc[0])
    assert stats.nct.sf(threshold, welch.df, effect / error) == pytest.approx(0.8, abs=1e-4)
    single = judged({"": pd.DataFrame([prediction_test(values[:, 0], 0.5)])})[""]
    of_mean = judged({"": t_tests(rows(values[:, 0]))})[""]
    ratio = single["smallest"] / of_mean["smallest"]
    assert float(ratio.iloc[0]) == pytest.approx(3.0)


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
