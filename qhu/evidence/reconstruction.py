"""Reconstruction of a deleted row from a linear head before and after (Bertran et al. 2405.20272).

The head before is an optimum with the row, the head after one without it. The gradient of what is
kept is then 0 after, and minus that of the deleted row before: what it changed by between the two
is the gradient of the deleted row, ``(p − e_y) ⊗ (x, 1)``, a matrix of rank one whose right factor
is the row. The labels of what is kept cancel in that difference; its features must be known, or
be stood in for by others of the same distribution.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import lsq_linear
from scipy.special import softmax

from qhu.evidence.game import Floats, Integers


class LinearHead(NamedTuple):
    """A layer from features to logits.

    Attributes:
        weight: (C, M).
        bias: (C,).
    """

    weight: Floats
    bias: Floats

    def probabilities(self, features: Floats) -> Floats:
        """(n, C) softmax of the logits of (n, M) features."""
        return softmax(features @ self.weight.T + self.bias, axis=1)

    @property
    def matrix(self) -> Floats:
        """(C, M + 1): weight and bias side by side."""
        return np.column_stack([self.weight, self.bias])


class Reconstruction(NamedTuple):
    """What the two heads say of the deleted row.

    Attributes:
        features: (M,) of the candidate; not finite where the heads say nothing of its length.
        label: its class.
        cosine: between candidate and true features, both less the mean of all rows, in [−1, 1].
        auc: probability that the true row is more like the candidate than another row, ties half:
            1 where it ranks first, ½ on average by chance.
    """

    features: Floats
    label: int
    cosine: float
    auc: float


def deleted_gradient(
    before: LinearHead,
    after: LinearHead,
    features: Floats,
    decay: float = 0.0,
    count: int | None = None,
) -> Floats:
    """(C, M + 1) change of the gradient of what is kept, between the two heads.

    Exact where both are optima of ``Σ cross-entropy + decay/2 · ‖(W, b)‖²``; for other models the
    first-order guess of an attacker who takes them for that.

    Args:
        before: head that was trained with the row.
        after: head that was trained without it, or unlearned it.
        features: (n, M) of the rows kept, or of others of the same distribution.
        decay: coefficient of the penalty.
        count: number of rows kept, where ``features`` are others; None: n.
    """
    scale = 1.0 if count is None else count / len(features)
    change = after.probabilities(features) - before.probabilities(features)
    augmented = np.column_stack([features, np.ones(len(features))])
    return scale * change.T @ augmented + decay * (after.matrix - before.matrix)


def reconstruct(gradient: Floats, rows: Floats, deleted: int) -> Reconstruction:
    """The row that a gradient belongs to, compared with all rows of the training set.

    Args:
        gradient: (C, M + 1), as :func:`deleted_gradient` has it; of one deleted row.
        rows: (n, M) features of all training rows by the model before.
        deleted: number of the true row among them.
    """
    left, sizes, right = np.linalg.svd(gradient, full_matrices=False)
    sign = 1 if right[0, -1] >= 0 else -1  # the row's last entry is 1
    direction, weights = sign * sizes[0] * right[0], sign * left[:, 0]
    center = rows.mean(axis=0)
    candidate = direction[:-1] - direction[-1] * center
    likeness = _cosines(rows - center, candidate)
    others = np.delete(likeness, deleted)
    wins = (others < likeness[deleted]) + 0.5 * (others == likeness[deleted])
    with np.errstate(divide="ignore", invalid="ignore"):
        features = direction[:-1] / direction[-1]
    return Reconstruction(
        features, int(weights.argmin()), float(likeness[deleted]), float(wins.mean())
    )


def deleted_shares(gradient: Floats, before: LinearHead, rows: Floats, labels: Integers) -> Floats:
    """(n,) share in [0, 1] with which each row is among several that were deleted.

    The gradient is then the sum of theirs; the shares are those with which the gradients of all
    rows add up to it best (bounded least squares).

    Args:
        gradient: (C, M + 1), as :func:`deleted_gradient` has it.
        before: head that was trained with the rows.
        rows: (n, M) features of all training rows by the model before.
        labels: (n,) their classes.
    """
    residuals = before.probabilities(rows) - np.eye(len(before.bias))[labels]
    augmented = np.column_stack([rows, np.ones(len(rows))])
    gradients = residuals[:, :, None] * augmented[:, None, :]
    shares: Floats = lsq_linear(gradients.reshape(len(rows), -1).T, gradient.ravel(), (0, 1)).x
    return shares


def _cosines(rows: Floats, direction: Floats) -> Floats:
    """Of every row with a direction; 0 where one has no length."""
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(direction)
    return np.divide(rows @ direction, lengths, out=np.zeros(len(rows)), where=lengths > 0)
