"""Diagonal Fisher information of the model's own predictions, and what is taken for it."""

from functools import partial

import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy

CHUNK = 32
"""Rows whose gradients are held in memory at once."""


def fisher_diagonal(student: Learner, rows: Rows) -> Tensor:
    """F_i = E_x Σ_y p(y; x)·(∂_i log p(y; x))² of the current model (..., d), 0 outside the scope.

    Per sample and over the model's own labels, in evaluation mode: squared gradients of a batch
    mean, or of the given labels, are other quantities (Kunstner et al., NeurIPS 2019).

    Args:
        student: the model.
        rows: samples that the expectation runs over; their labels are not used.
    """
    theta = student.theta.detach()
    total = torch.zeros_like(theta)
    for x in rows.x.split(CHUNK, dim=rows.y.ndim - 1):
        if student.net.plain:
            total += student.each(partial(_rows_batched, student), theta, x)
        else:
            total += sum(_row_by_row(student, theta, row) for row in x)
    return torch.where(student.moving, total / len(rows), 0.0)


def squared_gradients(student: Learner, rows: Rows) -> Tensor:
    """Mean over batches of (∂_i CE)² of the batch's mean loss at the given labels (..., d).

    In evaluation mode. No Fisher information: gradients of different rows cancel before they are
    squared.
    """
    gradients = [
        student.gradient(cross_entropy(student(batch.x, training=False), batch.y))
        for batch in student.in_order(rows)
    ]
    return torch.stack(gradients).square().mean(dim=0)


def _rows_batched(student: Learner, theta: Tensor, buffers: dict[str, Tensor], x: Tensor) -> Tensor:
    """Sum over a model's rows of Σ_y p(y)·(∂ log p(y))² (d,), by plain tensor operations."""

    def of_row(row: Tensor) -> Tensor:
        def log_p(at: Tensor) -> tuple[Tensor, Tensor]:
            values = student.net.logits(at, row[None], buffers)[0].log_softmax(dim=0)
            return values, values

        jacobian, values = torch.func.jacrev(log_p, has_aux=True)(theta)
        return values.exp() @ jacobian.square()

    return torch.func.vmap(of_row)(x).sum(dim=0)


def _row_by_row(student: Learner, theta: Tensor, x: Tensor) -> Tensor:
    """The same by first-order gradients only, which every backend offers."""
    theta = theta.clone().requires_grad_()
    values = student.logits(theta, x[None])[0].log_softmax(dim=0)
    total = torch.zeros_like(theta)
    for value in values:
        (gradient,) = torch.autograd.grad(value, theta, retain_graph=True, materialize_grads=True)
        total += value.detach().exp() * gradient.square()
    return total
