import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qhu import registry
from qhu.report.ablation.trends import changes, contrasts, excess, sentences

KL, ACCURACY = registry.metric["kl"].score("kl_forget"), registry.metric["acc"].score("acc_forget")
LABELS = ["1", "2", "3", "4"]


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
    (one,) = changes({"lca": noise}, contrasts(LABELS, True))
    slopes = [np.polyfit(range(4), line, 1)[0] for line in noise]
    assert one.estimate.mean == pytest.approx(np.mean(slopes))
    low, high = stats.t.interval(0.95, 5, np.mean(slopes), stats.sem(slopes))
    assert one.estimate[1:] == pytest.approx((low, high, 6))


def test_without_an_order_every_value_is_compared_with_the_last(noise):
    found = changes({"lca": noise}, contrasts(["a", "b", "c", "d"], False))
    assert [one.contrast.name for one in found] == ["a − d", "b − d", "c − d"]
    differences = noise[:, :3] - noise[:, 3:]
    assert [one.estimate.mean for one in found] == pytest.approx(differences.mean(axis=0))


def test_intervals_hold_for_the_whole_table_at_once(noise):
    found = changes({"a": noise, "b": -noise}, contrasts(LABELS, False))
    difference = noise[:, 0] - noise[:, 3]
    level = 1 - 0.05 / 6
    low, high = stats.t.interval(level, 5, difference.mean(), stats.sem(difference))
    assert found[0].estimate[1:3] == pytest.approx((low, high))


def test_what_does_not_change_is_exactly_zero():
    constant = np.repeat(np.random.default_rng(1).normal(size=(10, 1)), 4, axis=1)
    (one,) = changes({"none": constant}, contrasts(LABELS, True))
    assert one.estimate[:3] == (0, 0, 0)
    assert one.sign == 0


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
    found = changes(values, contrasts(labels, ordered))
    return sentences(KL, "layers", labels, values, found)


def test_a_planted_trend_is_told_and_nothing_else(noise):
    line = np.arange(4.0)
    values = {"none": noise, "up": noise + 9 * line, "down": noise - 9 * line, "flat": -noise}
    first, second = said(values)
    assert first.startswith(
        "The untouched teacher's KL to the oracle (nats), forget rows, minus the floor's, is "
    )
    assert "per step it shows no difference beyond the interval" in first
    assert first.endswith("(6 seeds).")
    assert "up rises (+" in second
    assert "down falls (−" in second
    assert second.endswith("flat shows no difference beyond the interval.")


def test_values_without_order_are_told_one_by_one(noise):
    jump = noise + np.array([7.0, 0, 0, 0])
    first, second = said({"none": noise, "lca": jump}, ordered=False)
    assert all(f" at {label}" in first for label in LABELS)
    assert second.startswith("With 1 instead of 4 lca rises (+")
    assert "with 2 instead of 4 lca shows no difference beyond the interval" in second


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
