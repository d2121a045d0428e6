"""Diagonal Fisher information of the model's own predictions, and what is taken for it."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from qhu.data.rows import Rows
from qhu.unlearn.learner import Learner

CHUNK = 32
"""Rows whose gradients are held in memory at once."""


def fisher_diagonal(student: Learner, rows: Rows) -> Tensor:
    """F_i = E_x Σ_y p(y; x)·(∂_i log p(y; x))² of the current model (d,), zero outside the scope.

    Per sample and over the model's own labels, in evaluation mode: squared gradients of a batch
    mean, or of the given labels, are other quantities (Kunstner et al., NeurIPS 2019).

    Args:
        student: the model.
        rows: samples that the expectation runs over; their labels are not used.
    """
    theta = student.theta.detach()
    per_row = torch.func.vmap(lambda x: _row_batched(student, theta, x))
    total = torch.zeros_like(theta)
    for x in rows.x.split(CHUNK):
        if student.net.plain:
            total += per_row(x).sum(dim=0)
        else:
            total += sum(_row_by_row(student, theta, row) for row in x)
    return torch.where(student.moving, total / len(rows), 0.0)


def squared_gradients(student: Learner, rows: Rows) -> Tensor:
    """Mean over batches of (∂_i CE)² of the batch's mean loss at the given labels (d,).

    In evaluation mode. No Fisher information: gradients of different rows cancel before they are
    squared.
    """
    gradients = [
        student.gradient(cross_entropy(student(batch.x, training=False), batch.y))
        for batch in student.in_order(rows)
    ]
    return torch.stack(gradients).square().mean(dim=0)


def _row_batched(student: Learner, theta: Tensor, x: Tensor) -> Tensor:
    """One row's Σ_y p(y)·(∂ log p(y))² (d,) where layers are plain tensor operations."""

    def log_p(at: Tensor) -> tuple[Tensor, Tensor]:
        values = student.logits(at, x[None])[0].log_softmax(dim=0)
        return values, values

    jacobian, values = torch.func.jacrev(log_p, has_aux=True)(theta)
    return values.exp() @ jacobian.square()


def _row_by_row(student: Learner, theta: Tensor, x: Tensor) -> Tensor:
    """The same by first-order gradients only, which every backend offers."""
    theta = theta.clone().requires_grad_()
    values = student.logits(theta, x[None])[0].log_softmax(dim=0)
    total = torch.zeros_like(theta)
    for value in values:
        (gradient,) = torch.autograd.grad(value, theta, retain_graph=True, materialize_grads=True)
        total += value.detach().exp() * gradient.square()
    return total
