"""Heads trained to their optimum by scikit-learn, with a row and without it."""

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from qhu.evidence.reconstruction import (
    LinearHead,
    deleted_gradient,
    deleted_shares,
    reconstruct,
)

N, M, CLASSES, DECAY = 80, 6, 3, 0.5


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.arange(N) % CLASSES
    return np.tanh(0.6 * rng.normal(size=(N, M)) + rng.normal(size=(CLASSES, M))[y]), y


def optimum(x, y):
    """Softmax regression with a penalty on weights and bias, which is an intercept of ones."""
    model = LogisticRegression(C=1 / DECAY, fit_intercept=False, tol=1e-12, max_iter=10_000)
    matrix = model.fit(np.column_stack([x, np.ones(len(x))]), y).coef_
    return LinearHead(matrix[:, :-1], matrix[:, -1])


def newton_removal(before, x, y, row):
    """The head of a certified removal: one Newton step of what is kept (Guo et al. 2020)."""
    kept = np.delete(np.arange(len(y)), row)
    p, augmented = before.probabilities(x), np.column_stack([x, np.ones(len(x))])
    hessian = DECAY * np.eye(CLASSES * (M + 1))
    for i in kept:
        shape = np.diag(p[i]) - np.outer(p[i], p[i])
        hessian += np.kron(shape, np.outer(augmented[i], augmented[i]))
    gradient = np.outer(p[row] - np.eye(CLASSES)[y[row]], augmented[row])
    step = np.linalg.solve(hessian, gradient.ravel()).reshape(CLASSES, -1)
    return LinearHead(before.weight + step[:, :-1], before.bias + step[:, -1])


@pytest.mark.parametrize("row", [0, 17, 52])
def test_a_row_is_read_off_two_optima(data, row):
    x, y = data
    kept = np.delete(np.arange(N), row)
    before, after = optimum(x, y), optimum(x[kept], y[kept])
    gradient = deleted_gradient(before, after, x[kept], DECAY)
    p = before.probabilities(x)[row]
    expected = np.outer(p - np.eye(CLASSES)[y[row]], [*x[row], 1])
    assert gradient == pytest.approx(expected, abs=1e-4)
    revealed = reconstruct(gradient, x, row)
    assert revealed.features == pytest.approx(x[row], abs=0.02)
    assert revealed.cosine > 0.999 and revealed.auc == 1
    assert revealed.label == y[row]


@pytest.mark.parametrize("row", [3, 40])
def test_certified_removal_by_a_newton_step_gives_the_row_away(data, row):
    x, y = data
    before = optimum(x, y)
    kept = np.delete(x, row, axis=0)
    gradient = deleted_gradient(before, newton_removal(before, x, y, row), kept, DECAY)
    revealed = reconstruct(gradient, x, row)
    assert revealed.cosine > 0.99 and revealed.auc == 1


def test_rows_of_the_same_distribution_can_stand_in(data):
    """Half of the rows, neither of them the deleted, in the place of all that are kept."""
    x, y = data
    ranks = []
    for row in range(20):
        kept = np.delete(np.arange(N), row)
        before, after = optimum(x, y), optimum(x[kept], y[kept])
        gradient = deleted_gradient(before, after, x[N // 2 :], DECAY, count=N - 1)
        ranks.append(reconstruct(gradient, x, row).auc)
    assert np.mean(ranks) > 0.85


def test_noise_gives_nothing_away(data):
    """Of heads that differ by noise every rank of the row is as probable as any other."""
    x, y = data
    rng, before = np.random.default_rng(1), optimum(x, y)
    revealed = []
    for _ in range(400):
        noise = rng.normal(size=(CLASSES, M + 1))
        after = LinearHead(before.weight + noise[:, :-1], before.bias + noise[:, -1])
        row = rng.integers(N)
        kept = np.delete(x, row, axis=0)
        revealed.append(reconstruct(deleted_gradient(before, after, kept, DECAY), x, row))
    assert kstest([each.auc for each in revealed], "uniform").pvalue > 1e-3
    assert np.mean([each.cosine for each in revealed]) == pytest.approx(0, abs=0.1)


def test_heads_that_are_equal_give_nothing_away(data):
    x, y = data
    head = optimum(x, y)
    revealed = reconstruct(deleted_gradient(head, head, x, DECAY), x, 4)
    assert (revealed.cosine, revealed.auc) == (0, 0.5)


@pytest.mark.parametrize(("count", "least"), [(1, 0.999), (4, 0.85)])
def test_several_deleted_rows_are_found_among_all(data, count, least):
    x, y = data
    before, areas = optimum(x, y), []
    for seed in range(6):
        gone = np.random.default_rng(seed).permutation(N)[:count]
        kept = np.delete(np.arange(N), gone)
        gradient = deleted_gradient(before, optimum(x[kept], y[kept]), x[kept], DECAY)
        shares = deleted_shares(gradient, before, x, y)
        areas.append(roc_auc_score(np.isin(np.arange(N), gone), shares))
    assert np.mean(areas) > least
