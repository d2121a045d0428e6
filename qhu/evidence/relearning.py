"""Relearning attack: how fast a model learns again what it was to forget."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.evidence.auc import Rate, auc
from qhu.evidence.game import Floats, Integers
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.seeding import torch_stream
from qhu.selection import cross_entropy


@dataclass(frozen=True)
class Lesson:
    """How models are taught, the same for all that are compared.

    Attributes:
        steps: steps of plain gradient descent.
        lr: learning rate.
        batch_size: rows per step; None: all of them.
        seed: of the order of rows, which all models share.
    """

    steps: int = 50
    lr: float = 0.1
    batch_size: int | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Curve:
    """What m models know of the rows before the first step and after each of T.

    Attributes:
        loss: (T + 1, m) mean cross-entropy in nats.
        accuracy: (T + 1, m) share of rows predicted rightly.
    """

    loss: Floats
    accuracy: Floats

    def steps_to_loss(self, target: Floats | float) -> Floats:
        """(m,) steps until the loss is at most the target, (m,) or one; NaN: not within T."""
        return _first(self.loss <= target)

    def steps_to_accuracy(self, target: Floats | float) -> Floats:
        """(m,) steps until the accuracy is at least the target, likewise."""
        return _first(self.accuracy >= target)


def relearn(net: HybridNet, state: ModelState, rows: Rows, lesson: Lesson) -> Curve:
    """Teach models the rows again by plain SGD.

    In evaluation mode: no dropout, and batch statistics stay what they are, because a few rows have
    none worth learning. All of θ moves, whatever the scope of unlearning was.

    Args:
        net: the architecture and its backend.
        state: θ (m, d) and buffers of a stack; it is left alone.
        rows: x (m, n, ...), y (m, n): of each model the rows that it was to forget.
        lesson: how they are taught.
    """
    if not net.stacked:
        curves = [
            _taught(net, state.model(i), rows[torch.tensor(i)], lesson) for i in range(len(rows.y))
        ]
        return Curve(
            np.stack([curve.loss for curve in curves], axis=1),
            np.stack([curve.accuracy for curve in curves], axis=1),
        )
    return _taught(net, state, rows, lesson)


def faster(inside: Floats, outside: Floats, units: Integers, limit: int) -> Rate:
    """Probability that an unlearned model is back in fewer steps than an oracle, ties half.

    Args:
        inside: (N,) steps of unlearned models, NaN where they did not arrive: later than the limit.
        outside: (N,) steps of oracles, likewise.
        units: (N,) independent unit of every model.
        limit: steps after which teaching was stopped.
    """
    unlearned, oracles = (
        -np.nan_to_num(each, nan=limit + 1)[:, None] for each in (inside, outside)
    )
    return auc(unlearned, oracles, units)


def _taught(net: HybridNet, state: ModelState, rows: Rows, lesson: Lesson) -> Curve:
    net.eval()
    theta = state.theta.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([theta], lr=lesson.lr)
    losses, accuracies = [], []

    def note() -> None:
        logits = net.infer(ModelState(theta, state.buffers), rows.x)
        losses.append(cross_entropy(logits, rows.y).double().cpu().numpy())
        right = logits.argmax(dim=-1) == rows.y
        accuracies.append(right.double().mean(dim=-1).cpu().numpy())

    note()
    for picks in islice(_batches(len(rows), lesson), lesson.steps):
        batch = rows.pick(picks)
        loss = cross_entropy(net.logits(theta, batch.x, state.buffers), batch.y)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        note()
    return Curve(np.stack(losses), np.stack(accuracies))


def _batches(rows: int, lesson: Lesson) -> Iterator[Tensor]:
    """Row numbers of one step after the other, without end."""
    order = torch_stream(lesson.seed, "relearning")
    while True:
        yield from torch.randperm(rows, generator=order).split(lesson.batch_size or rows)


def _first(reached: np.ndarray) -> Floats:
    """(m,) first step at which (T + 1, m) is true, NaN where it never is."""
    return np.where(reached.any(axis=0), reached.argmax(axis=0), np.nan)
