"""What a trial is judged by, against values that follow from its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhu.tune.objective import (
    LEAST_FLOOR,
    LOST,
    Behaviour,
    Reference,
    TrialValue,
    judge,
    margins,
    over_scenarios,
)

LABELS = np.array([0, 1, 2, 0, 1, 1])


def logits(rng, labels=LABELS):
    return rng.normal(size=(len(labels), 3)) + 4 * (np.arange(3) == labels[:, None])


def moved(values, by, labels=LABELS):
    """Logits whose margins are higher by so many nats."""
    return values + by * (np.arange(3) == labels[:, None])


@pytest.fixture
def reference():
    """An oracle that is always right, and a floor whose margins lie 0.5 above its own."""
    rng = np.random.default_rng(0)
    oracle = Behaviour(logits(rng), 50 * np.eye(3)[LABELS])
    floor = Behaviour(moved(oracle.forget, 0.5), oracle.kept)
    return Reference(oracle, floor, LABELS, LABELS)


def model(reference, by=0.0, wrong=0):
    """The oracle with its margins moved, and so many validation rows wrong."""
    labels = np.where(np.arange(len(LABELS)) < wrong, (LABELS + 1) % 3, LABELS)
    return Behaviour(moved(reference.oracle.forget, by), 50.0 * np.eye(3)[labels])


def test_the_margin_is_the_log_odds_of_the_true_class():
    values = logits(np.random.default_rng(1))
    p = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
    p_true = p[np.arange(len(LABELS)), LABELS]
    assert margins(values, LABELS) == pytest.approx(np.log(p_true / (1 - p_true)))
    sure = np.array([[900.0, 0.0, 0.0]])  # a probability would be 1
    assert margins(sure, np.array([0])) == pytest.approx(900 - np.log(2))


def variation(reference, by):
    """Mean total variation between predictions of the oracle and of one moved by so many nats."""
    p, q = (
        np.exp(v) / np.exp(v).sum(axis=1, keepdims=True)
        for v in (moved(reference.oracle.forget, by), reference.oracle.forget)
    )
    return np.maximum(p - q, 0).sum(axis=1).mean()


@pytest.mark.parametrize(
    ("by", "unexplained"),
    [(0, 0), (0.5, 0), (-0.4, 0), (1, 0.5), (-1, 0.5), (2, 0.75), (-50, 0.99)],
)
def test_leakage_is_what_another_oracle_does_not_explain_on_either_side(reference, by, unexplained):
    value = judge([model(reference, by)], [reference])
    seen = max(0, variation(reference, by) - variation(reference, 0.5))
    assert value.leakage == pytest.approx((seen + unexplained) / 2, abs=1e-9)
    assert value == TrialValue.of(value.leakage, 0.0)


def test_nearly_forgotten_is_better_than_untouched_where_both_are_far(reference):
    """Of a class that the oracle never saw: by the margin alone, both would leak alike."""
    unsure = Reference(
        Behaviour(moved(reference.oracle.forget, -12), reference.oracle.kept),
        Behaviour(moved(reference.oracle.forget, -12.1), reference.oracle.kept),
        LABELS,
        LABELS,
    )
    untouched, over = (judge([model(reference, by)], [unsure]).leakage for by in (0, -24))
    assert untouched - over > 0.4
    assert over > 0.4


@pytest.mark.parametrize(("wrong", "lost"), [(0, 0), (1, 1 / 3), (3, 1)])
def test_guessing_loses_all_of_the_utility(reference, wrong, lost):
    """Three of the six validation rows are of one class: guessing is right on half of them."""
    assert judge([model(reference, wrong=wrong)], [reference]).utility_loss == pytest.approx(lost)


def test_better_than_the_oracle_is_no_loss_and_no_gain(reference):
    worse = Reference(model(reference, wrong=2), reference.floor, LABELS, LABELS)
    assert judge([model(reference)], [worse]).utility_loss == 0


def test_an_oracle_no_better_than_guessing_has_nothing_to_lose(reference):
    useless = Reference(model(reference, wrong=3), reference.floor, LABELS, LABELS)
    assert judge([model(reference, wrong=6)], [useless]).utility_loss == 0


def test_oracles_that_are_one_count_as_apart_by_a_tenth_of_a_nat(reference):
    same = Reference(reference.oracle, reference.oracle, LABELS, LABELS)
    for by, unexplained in ((LEAST_FLOOR, 0), (2 * LEAST_FLOOR, 0.5)):
        expected = (variation(reference, by) + unexplained) / 2
        assert judge([model(reference, by)], [same]).leakage == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_lost(reference, value):
    broken = Behaviour(np.full_like(reference.oracle.forget, value), reference.oracle.kept)
    assert judge([model(reference), broken], [reference] * 2) == LOST


@given(st.floats(0.5, 40), st.floats(0.5, 40))
def test_farther_is_never_better(first, second):
    rng = np.random.default_rng(0)
    oracle = Behaviour(logits(rng), 50 * np.eye(3)[LABELS])
    reference = Reference(oracle, Behaviour(moved(oracle.forget, 0.5), oracle.kept), LABELS, LABELS)
    near, far = sorted((first, second))
    values = [judge([model(reference, by)], [reference]).leakage for by in (near, far)]
    assert 0 <= values[0] <= values[1] + 1e-12 < 1


def test_scenarios_count_alike():
    value = over_scenarios([TrialValue.of(0.2, 0.1), TrialValue.of(0.6, 0.0)])
    assert (value.leakage, value.utility_loss) == pytest.approx((0.4, 0.05))
    assert value.objective == pytest.approx(0.45)
