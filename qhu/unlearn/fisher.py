"""Fisher information of a model on some rows, what is taken for it, and mean gradients."""

from collections.abc import Iterator
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy

CHUNK = 32
"""Rows whose gradients are held in memory at once."""
Labels = Literal["own", "given"]
"""``own``: expectation over the labels that the model predicts; ``given``: those of the rows."""


def fisher_diagonal(student: Learner, rows: Rows, labels: Labels = "own") -> Tensor:
    """F_i = E_x Σ_y p(y; x)·(∂_i log p(y; x))² of the current model (..., d), 0 outside the scope.

    Per sample, in evaluation mode: squared gradients of a batch mean are another quantity. With
    the given labels, E_(x,y) (∂_i log p(y; x))², it is no Fisher information but what some methods
    call so (Kunstner et al., NeurIPS 2019).

    Args:
        student: the model.
        rows: samples that the expectation runs over.
        labels: which labels the gradients are taken at.
    """
    total = torch.zeros_like(student.theta.detach())
    for scores in row_scores(student, rows, labels):
        total += scores.square().sum(dim=-2)
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


def mean_gradient(student: Learner, rows: Rows) -> Tensor:
    """∇CE (..., d) of the mean loss over all rows, in evaluation mode, 0 outside the scope."""
    total = torch.zeros_like(student.theta.detach())
    for batch in student.in_order(rows):
        loss = cross_entropy(student(batch.x, training=False), batch.y)
        total += len(batch) / len(rows) * student.gradient(loss)
    return total


def row_scores(student: Learner, rows: Rows, labels: Labels) -> Iterator[Tensor]:
    """√p(y; x)·∇log p(y; x) of every row x and label y (..., K, d), some rows at a time.

    In evaluation mode and not cut to the scope. At the given labels the weight is 1 and there is
    one label a row.
    """
    theta, dim = student.theta.detach(), rows.y.ndim - 1
    for x, y in zip(rows.x.split(CHUNK, dim), rows.y.split(CHUNK, dim), strict=True):
        given = y if labels == "given" else None
        if student.net.plain:
            inputs = (x,) if given is None else (x, given)
            yield student.each(partial(_rows_batched, student), theta, *inputs)
        else:
            each = [None] * len(x) if given is None else given
            yield torch.cat([_of_row(student, theta, *row) for row in zip(x, each, strict=True)])


def _rows_batched(
    student: Learner, theta: Tensor, buffers: dict[str, Tensor], x: Tensor, *given: Tensor
) -> Tensor:
    """Scores (K, d) of a model's rows, by plain tensor operations."""

    def of_row(row: Tensor, *label: Tensor) -> Tensor:
        def log_p(at: Tensor) -> tuple[Tensor, Tensor]:
            values = student.net.logits(at, row[None], buffers)[0].log_softmax(dim=0)
            if label:
                values = values.gather(0, label[0][None])
            return values, values

        jacobian, values = torch.func.jacrev(log_p, has_aux=True)(theta)
        return jacobian if label else (values / 2).exp()[:, None] * jacobian

    return torch.func.vmap(of_row)(x, *given).flatten(0, 1)


def _of_row(student: Learner, theta: Tensor, x: Tensor, label: Tensor | None) -> Tensor:
    """Scores (K, d) of a row, by first-order gradients only, which every backend offers."""
    theta = theta.clone().requires_grad_()
    values = student.logits(theta, x[None])[0].log_softmax(dim=0)
    gradients = [
        torch.autograd.grad(value, theta, retain_graph=True, materialize_grads=True)[0]
        for value in (values if label is None else values[label][None])
    ]
    weights = (values / 2).exp().detach() if label is None else values.new_ones(1)
    return weights[:, None] * torch.stack(gradients)
