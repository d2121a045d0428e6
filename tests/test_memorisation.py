"""Halves of the training rows, and memorisation against truths that need no halves."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from qhu.errors import UserError
from qhu.memorisation import halves, memorisation

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=40).map(np.array)


@given(LABELS, st.integers(1, 8), st.integers(0, 2**32))
def test_halves_are_complementary_balanced_and_stratified(labels, pairs, seed):
    members = halves(labels, 2 * pairs, np.random.default_rng(seed))
    assert members.shape == (2 * pairs, len(labels)) and members.dtype == bool
    assert (members[::2] ^ members[1::2]).all()
    assert (members.sum(axis=0) == pairs).all()
    sizes = members.sum(axis=1)
    assert set(sizes) <= {len(labels) // 2, -(-len(labels) // 2)}
    for label in np.unique(labels):
        rows = labels == label
        assert set(members[:, rows].sum(axis=1)) <= {rows.sum() // 2, -(-rows.sum() // 2)}


@given(LABELS)
def test_odd_rows_go_to_either_half_of_a_pair_in_turn(labels):
    members = halves(labels, 4, np.random.default_rng(0))
    for label in np.unique(labels):
        rows = labels == label
        firsts = members[::2, rows].sum(axis=1)
        assert firsts.sum() == rows.sum(), "a class with an odd row gives it to each half once"


def test_halves_are_random_and_the_same_from_the_same_stream():
    labels = np.arange(40) % 3
    first, again, other = (halves(labels, 64, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and len(np.unique(first, axis=0)) == 64
    together = np.corrcoef(first[::2].T.astype(float))
    assert np.abs(together[~np.eye(40, dtype=bool)]).mean() < 0.3, "no two rows go together"


@pytest.mark.parametrize("count", [0, 1, 3, -2])
def test_an_odd_number_of_halves_is_refused(count):
    with pytest.raises(UserError, match="even number of models"):
        halves(np.zeros(4, dtype=int), count, np.random.default_rng(0))


def test_one_row_has_no_halves():
    with pytest.raises(UserError, match="2 rows or more"):
        halves(np.zeros(1, dtype=int), 2, np.random.default_rng(0))


@given(LABELS, st.integers(1, 8))
def test_closed_forms(labels, pairs):
    members = halves(labels, 2 * pairs, np.random.default_rng(3))
    for correct, expected in (
        (members, 1.0),  # right if and only if it was trained on
        (~members, -1.0),
        (np.ones_like(members), 0.0),
        (np.zeros_like(members), 0.0),
        (np.where(members, 0.75, 0.5), 0.25),
    ):
        value, error = memorisation(correct, members)
        np.testing.assert_allclose(value, expected, atol=1e-15)
        assert np.isnan(error).all() if pairs == 1 else np.allclose(error, 0)


@given(st.integers(2, 9), st.integers(0, 2**32))
def test_it_is_the_difference_of_two_means_and_its_error_that_over_pairs(pairs, seed):
    drawn = np.random.default_rng(seed)
    members, p = halves(np.arange(12) % 3, 2 * pairs, drawn), drawn.random((2 * pairs, 12))
    value, error = memorisation(p, members)
    for row in range(12):
        inside, outside = p[members[:, row], row], p[~members[:, row], row]
        assert value[row] == pytest.approx(inside.mean() - outside.mean())
        assert error[row] == pytest.approx(np.std(inside - outside, ddof=1) / np.sqrt(pairs))


def test_the_error_is_as_large_as_estimates_scatter():
    rng, truth = np.random.default_rng(0), 0.3
    estimates, errors = [], []
    for _ in range(400):
        members = halves(np.zeros(2, dtype=int), 40, rng)
        right = rng.random(members.shape) < np.where(members, 0.5 + truth, 0.5)
        value, error = memorisation(right, members)
        estimates.append(value[0])
        errors.append(error[0])
    assert np.mean(estimates) == pytest.approx(truth, abs=0.03)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.1)


def right(x, y, rows):
    """What one nearest neighbour, fitted on some rows, is right about."""
    return KNeighborsClassifier(1).fit(x[rows], y[rows]).predict(x) == y


def test_it_agrees_with_training_again_without_each_row():
    """Two groups apart, one row of each with the other's label: only memory gets those right."""
    rng, everything = np.random.default_rng(5), np.arange(30)
    y = everything % 2
    x = rng.normal(size=(30, 2)) + 16 * y[:, None]
    wrong = np.isin(everything, [3, 10])
    y = np.where(wrong, 1 - y, y)
    left_out = np.array(
        [right(x, y, everything)[i] - 1.0 * right(x, y, everything != i)[i] for i in everything]
    )
    members = halves(y, 200, rng)
    value, _ = memorisation(np.stack([right(x, y, half) for half in members]), members)
    assert (value[wrong] > 0.95).all() and (left_out[wrong] == 1).all()
    assert value[left_out == 0].max() < 0.4
    assert np.corrcoef(value, left_out)[0, 1] > 0.8


def test_it_agrees_with_every_half_there_is():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(8, 1)), np.arange(8) % 2
    every = [
        np.isin(np.arange(8), [*zeros, *ones])
        for zeros in combinations(np.flatnonzero(y == 0), 2)
        for ones in combinations(np.flatnonzero(y == 1), 2)
    ]
    correct = np.stack([right(x, y, half) for half in every])
    inside = np.stack(every)
    exact = [correct[inside[:, i], i].mean() - correct[~inside[:, i], i].mean() for i in range(8)]
    members = halves(y, 600, rng)
    value, error = memorisation(np.stack([right(x, y, half) for half in members]), members)
    assert (np.abs(value - exact) < 4 * error + 1e-12).all()


@pytest.mark.parametrize(
    "members", [np.ones((2, 3), dtype=bool), np.ones((3, 3), dtype=bool), np.eye(3, dtype=bool)[:0]]
)
def test_what_is_no_pairs_of_halves_is_refused(members):
    with pytest.raises(ValueError, match="complementary pairs"):
        memorisation(np.ones(members.shape), members)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="differ in shape"):
        memorisation(np.ones((2, 3)), np.ones((2, 4), dtype=bool))
