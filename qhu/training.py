"""The one training loop: models fitted from scratch, many at once."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from qhu.model.hybrid import ROWS_AT_ONCE, HybridNet
from qhu.model.theta import ModelState
from qhu.settings import TrainSpec

History = list[dict[str, Any]]


@dataclass(frozen=True)
class Rows:
    """Samples that belong together: x (n, ...) and labels y (n,)."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: Tensor) -> "Rows":
        return Rows(self.x[index], self.y[index])


@dataclass(frozen=True)
class FitJob:
    """One model to train: rows, validation rows, initial state and its own data order."""

    train: Rows
    val: Rows
    init: ModelState
    order: torch.Generator


@dataclass(frozen=True)
class FitResult:
    """A trained state, its losses per epoch and the number of optimiser steps behind it."""

    state: ModelState
    history: History
    steps: int


def fit(
    net: HybridNet,
    jobs: Sequence[FitJob],
    spec: TrainSpec,
    finished: Callable[[int, FitResult], None] = lambda index, result: None,
) -> list[FitResult]:
    """Train models of one architecture, many at once where the network allows it.

    Jobs of equal size run as one stack with a leading model dimension over θ: each keeps its own
    initial state, data order and early stop, so results equal those of training one by one.

    Args:
        net: the architecture and its backend.
        jobs: what to train.
        spec: epochs, batch size, learning rate, patience.
        finished: called with the index and result of every job as it finishes.
    """
    groups: dict[Any, list[int]] = defaultdict(list)
    for index, job in enumerate(jobs):
        groups[(len(job.train), len(job.val)) if net.stackable else index].append(index)
    results: dict[int, FitResult] = {}
    for group in groups.values():
        fitted = _fit_stack(net, [jobs[i] for i in group], spec)
        for index, result in zip(group, fitted, strict=True):
            results[index] = result
            finished(index, result)
    return [results[i] for i in range(len(jobs))]


@contextmanager
def training_mode(net: HybridNet, x: Tensor, stream: torch.Generator) -> Iterator[None]:
    """Train mode for one batch x (B, ...), its dropout drawn from the model's own stream.

    So a model does not depend on what else ran in the process. A single row has no batch
    statistics: the batch is then evaluated with the running ones.
    """
    net.train(len(x) > 1)
    if not net.draws:
        yield
        return
    with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=stream)))
        yield


def _fit_stack(net: HybridNet, jobs: list[FitJob], spec: TrainSpec) -> list[FitResult]:
    """Train equally sized jobs together; the loss is a sum over models, so gradients are apart."""
    stack = _Stack(net, jobs)
    optimizer = torch.optim.Adam([stack.theta], lr=spec.lr)
    for epoch in range(spec.epochs):
        orders = torch.stack([torch.randperm(len(j.train), generator=j.order) for j in jobs])
        summed = torch.zeros(len(jobs), device=stack.theta.device)
        for picks in orders.split(spec.batch_size, dim=1):
            chosen = [job.train[pick] for job, pick in zip(jobs, picks, strict=True)]
            with training_mode(net, chosen[0].x, jobs[0].order):
                losses = stack.losses(chosen)
            optimizer.zero_grad()
            losses.sum().backward()
            optimizer.step()
            summed += losses.detach() * picks.shape[1]
        stack.record(epoch, summed / orders.shape[1], spec.patience)
        if not any(stack.active):
            break
    per_epoch = -(-len(jobs[0].train) // spec.batch_size)
    ends = zip(stack.final(), stack.history, strict=True)
    return [FitResult(state, history, len(history) * per_epoch) for state, history in ends]


class _Stack:
    """Models trained together: θ (m, d), and per model its history, best state and whether it runs.

    A single model is kept without the leading dimension, for layers that cannot be stacked.
    """

    def __init__(self, net: HybridNet, jobs: list[FitJob]) -> None:
        self.net, self.single, self.val = net, len(jobs) == 1, [job.val for job in jobs]
        self.theta = self._join([job.init.theta for job in jobs]).requires_grad_()
        names = jobs[0].init.buffers
        self.buffers = {
            name: self._join([job.init.buffers[name] for job in jobs]) for name in names
        }
        self.history: list[History] = [[] for _ in jobs]
        self.best: list[tuple[int, float, ModelState | None]] = [
            (0, float("inf"), None) for _ in jobs
        ]
        self.active = [True for _ in jobs]

    def losses(self, sets: list[Rows]) -> Tensor:
        """Mean cross-entropy (m,) of every model on its own rows."""
        x, y = self._join([rows.x for rows in sets]), self._join([rows.y for rows in sets])
        logits = self.net.logits(self.theta, x, self.buffers)
        flat = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none")
        return flat.reshape(len(sets), -1).mean(dim=1)

    def record(self, epoch: int, train_loss: Tensor, patience: int | None) -> None:
        """Note the epoch's losses; with patience, keep the best and stop who waited too long."""
        val_loss = self._validate()
        for i, state in enumerate(self._states()):
            if not self.active[i]:
                continue
            loss = float(val_loss[i])
            line = {"epoch": epoch, "loss": float(train_loss[i]), "val_loss": loss}
            self.history[i].append(line)
            if patience is not None and loss < self.best[i][1]:
                self.best[i] = (epoch, loss, state.clone())
            self.active[i] = patience is None or epoch - self.best[i][0] < patience

    def final(self) -> list[ModelState]:
        """The best state of every model where patience asked for it, else the last."""
        last = (state.clone() for state in self._states())
        return [best or state for state, (_, _, best) in zip(last, self.best, strict=True)]

    def _validate(self) -> Tensor:
        """Mean loss (m,) of every model on its validation rows."""
        self.net.eval()
        rows = torch.arange(len(self.val[0]))
        losses = torch.zeros(len(self.val), device=self.theta.device)
        with torch.no_grad():
            for part in rows.split(max(1, ROWS_AT_ONCE // len(self.val))):
                losses += self.losses([val[part] for val in self.val]) * (len(part) / len(rows))
        return losses

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return tensors[0].clone() if self.single else torch.stack(tensors)

    def _states(self) -> list[ModelState]:
        if self.single:
            return [ModelState(self.theta, self.buffers)]
        buffers = [{k: v[i] for k, v in self.buffers.items()} for i in range(len(self.theta))]
        return [ModelState(t, b) for t, b in zip(self.theta, buffers, strict=True)]
