import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from setups import make_setups

from qhu import registry
from qhu.report.ablation.trends import changes, contrasts, excess, sentences
from qhu.report.statistics import judged
from qhu.settings.sweep import Sweep

KL, ACCURACY = registry.metric["kl"].score("kl_forget"), registry.metric["acc"].score("acc_forget")
LABELS = ["1", "2", "3", "4"]


def alike(labels, ordered, **changes):
    """All contrasts of values that are the same but for what is given."""
    sweep = Sweep(question="?", vary={"model.layers": dict.fromkeys(labels)}, ordered=ordered)
    return contrasts(sweep, make_setups(labels, **changes))


def tidy(values, metric="kl_forget"):
    """Results of one score from method to (seeds, points) values."""
    rows = [
        ("d", "s", method, seed, "b", metric, value, 5, at)
        for method, table in values.items()
        for seed, line in enumerate(table)
        for at, value in zip(LABELS, line, strict=True)
    ]
    columns = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n", "at"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 1, (6, 4))


def test_the_slope_is_that_of_least_squares(noise):
    (one,) = changes({"lca": noise}, alike(LABELS, True)).to_dict("records")
    slopes = [np.polyfit(range(4), line, 1)[0] for line in noise]
    assert one["mean"] == pytest.approx(np.mean(slopes))
    low, high = stats.t.interval(0.95, 5, np.mean(slopes), stats.sem(slopes))
    assert (one["ci_low"], one["ci_high"], one["seeds"]) == pytest.approx((low, high, 6))
    assert one["p"] == pytest.approx(stats.ttest_1samp(slopes, 0).pvalue)


def test_without_an_order_every_value_is_compared_with_the_last(noise):
    found = changes({"lca": noise}, alike(["a", "b", "c", "d"], False))
    assert found["contrast"].tolist() == ["a − d", "b − d", "c − d"]
    differences = noise[:, :3] - noise[:, 3:]
    assert found["mean"].to_numpy() == pytest.approx(differences.mean(axis=0))


def test_only_values_with_as_many_classes_are_compared(noise):
    classes = {"classes": {"2": 2, "4": 10}}
    slopes = [np.polyfit([0, 2], line[[0, 2]], 1)[0] for line in noise]
    found = changes({"lca": noise}, alike(LABELS, True, **classes))
    assert found["contrast"].tolist() == ["per step among those with 3 classes"]
    assert found["mean"].tolist() == pytest.approx([np.mean(slopes)])
    assert alike(LABELS, False, **classes) == []
    named = [contrast.name for contrast in alike(LABELS, False, classes={"2": 2})]
    assert named == ["1 − 4", "3 − 4"]
    assert changes({"lca": noise}, []).empty


def test_other_rows_are_independent_samples(noise):
    """Against SciPy's Welch test; values of the same rows among them stay paired."""
    chosen = alike(LABELS, False, rows={"1": "other"})
    assert [contrast.paired for contrast in chosen] == [False, True, True]
    apart, paired, _ = changes({"lca": noise}, chosen).to_dict("records")
    test = stats.ttest_ind(noise[:, 0], noise[:, 3], equal_var=False)
    assert apart["p"] == pytest.approx(test.pvalue)
    interval = test.confidence_interval(0.95)
    assert (apart["ci_low"], apart["ci_high"]) == pytest.approx(tuple(interval))
    assert apart["mean"] == pytest.approx(noise[:, 0].mean() - noise[:, 3].mean())
    assert paired["p"] == pytest.approx(stats.ttest_rel(noise[:, 1], noise[:, 3]).pvalue)


def test_the_order_of_seeds_does_not_matter_to_independent_samples(noise):
    (chosen,) = alike(LABELS, True, rows={"1": "other"})
    shuffled = np.array([np.random.default_rng(k).permutation(noise[:, k]) for k in range(4)]).T
    ours, other = (changes({"lca": values}, [chosen]) for values in (noise, shuffled))
    for name in ("mean", "ci_low", "ci_high", "p"):
        assert ours[name].tolist() == pytest.approx(other[name].tolist())


@pytest.mark.parametrize(("seeds", "tested"), [(1, False), (4, False), (5, True)])
def test_few_independent_seeds_are_not_tested(noise, seeds, tested):
    found = changes({"lca": noise[:seeds]}, alike(LABELS, True, rows={"1": "other"}))
    assert found["p"].notna().tolist() == [tested]
    assert found["ci_low"].notna().tolist() == [seeds > 1]


def test_independent_values_without_spread_are_the_same_in_every_seed():
    constant = np.repeat([[0.0, 1.0, 2.0, 4.0]], 6, axis=0)
    (found,) = changes({"lca": constant}, alike(LABELS, True, rows={"1": "other"})).to_dict(
        "records"
    )
    assert found["same"] and np.isnan(found["p"])


def test_what_does_not_change_is_exactly_zero_and_no_claim():
    constant = np.repeat(np.random.default_rng(1).normal(size=(10, 1)), 4, axis=1)
    table = judged({"page": changes({"none": constant}, alike(LABELS, True))})["page"]
    assert table.loc[0, "mean"] == 0
    assert table.loc[0, "verdict"] == "same"


def test_differences_are_paired_by_seed_and_point(noise):
    base = np.random.default_rng(2).normal(0, 50, (6, 4))
    results = tidy({"retrain": 0 * base, "lca": base + noise, "none": base, "floor": base - 1})
    found = excess(results.sample(frac=1, random_state=3), KL, LABELS)
    assert list(found) == ["none", "lca"]
    assert found["lca"] == pytest.approx(noise + 1)
    assert found["none"] == pytest.approx(np.ones((6, 4)))


def test_accuracy_is_read_against_the_oracle(noise):
    results = tidy({"retrain": noise, "none": noise + 0.5, "floor": 0 * noise}, "acc_forget")
    found = excess(results, ACCURACY, LABELS)
    assert list(found) == ["none"]
    assert found["none"] == pytest.approx(np.full((6, 4), 0.5))


def test_a_seed_that_lacks_a_point_is_left_out(noise):
    results = tidy({"floor": 0 * noise, "none": noise})
    cut = results.drop(results[(results["seed"] == 2) & (results["at"] == "3")].index)
    assert excess(cut, KL, LABELS)["none"] == pytest.approx(np.delete(noise, 2, axis=0))


def said(values, ordered=True, labels=LABELS):
    found = judged({"page": changes(values, alike(labels, ordered))})["page"]
    return sentences(KL, "layers", labels, values, found)


def test_a_planted_trend_is_told_and_nothing_else(noise):
    line = np.arange(4.0)
    values = {"none": noise, "up": noise + 9 * line, "down": noise - 9 * line, "flat": -noise}
    first, second = said(values)
    assert first.startswith(
        "The untouched teacher's KL to the oracle (nats), forget rows, minus the floor's, is "
    )
    assert "per step it shows no difference" in first
    assert first.endswith("(6 seeds).")
    assert "up rises (+" in second
    assert "down falls (−" in second
    assert re.search(
        r"flat shows no difference \(smallest difference this could see: 0\.\d{3}\)\.$", second
    )


def test_values_without_order_are_told_one_by_one(noise):
    jump = noise + np.array([7.0, 0, 0, 0])
    first, second = said({"none": noise, "lca": jump}, ordered=False)
    assert all(f" at {label}" in first for label in LABELS)
    assert second.startswith("With 1 instead of 4 lca rises (+")
    assert "with 2 or 3 instead of 4 lca shows no difference" in second
    assert "with 1, 2 or 3 instead of 4 it shows no difference" in first


def test_a_long_axis_is_told_by_its_ends():
    labels = [str(number) for number in range(1, 9)]
    values = {"none": np.random.default_rng(4).normal(size=(5, 8))}
    (first,) = said(values, labels=labels)
    assert " at 1, " in first
    assert " at 8 (layers)" in first
    assert " at 4" not in first


def test_one_seed_supports_nothing(noise):
    assert said({"none": noise[:1], "lca": noise[:1]}) == [
        "One seed has no interval: these numbers support no conclusion."
    ]


def test_a_teacher_that_the_axis_does_not_reach_is_told_once(noise):
    constant = np.repeat(noise[:, :1], 4, axis=1)
    first, _ = said({"none": constant, "lca": noise}, ordered=False)
    assert first.endswith("whatever the layers (6 seeds).")
    assert " at " not in first


@pytest.mark.parametrize("seeds", [2, 3, 4])
def test_few_seeds_claim_nothing(noise, seeds):
    """However regular: at two seeds of discrete scores every slope may be the same by chance."""
    falling = np.repeat(np.array([[0.3, 0.2, 0.1, 0.0]]), seeds, axis=0)
    first, second = said({"none": noise[:seeds], "lca": falling, "cf_k": falling + noise[:seeds]})
    assert second == f"With {seeds} seeds no change is claimed; claims need 5 or more."
    assert "rises" not in first and "falls" not in first and "shows" not in first


def test_a_change_that_is_the_same_in_every_seed_is_told_and_not_claimed():
    falling = np.repeat(np.array([[0.3, 0.2, 0.1, 0.0]]), 6, axis=0)
    (only,) = said({"lca": falling})
    assert only == "Per step lca changes by the same in every seed (n = 6), −0.100."
