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
CITES = {"optimiser Adam": ("kingma2015adam",)}


@dataclass(frozen=True)
class Rows:
    """Samples that belong together: x (n, ...) and labels y (n,); of m models (m, n, ...)."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: Tensor | tuple[Tensor, ...]) -> "Rows":
        return Rows(self.x[index], self.y[index])


@dataclass(frozen=True)
class FitJob:
    """One model to train.

    Attributes:
        train: rows.
        val: validation rows.
        init: initial state.
        order: generator of its own data order.
        lr: learning rate of its own, for candidates that are compared; None: the common one.
    """

    train: Rows
    val: Rows
    init: ModelState
    order: torch.Generator
    lr: float | None = None


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
    initial state, data order, learning rate and early stop, so results equal those of training one
    by one. Memory is that of all their rows and of a batch of each.

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
    rates = torch.tensor([job.lr or spec.lr for job in jobs]).to(stack.theta.device)
    optimizer = torch.optim.Adam([stack.theta], lr=1.0)
    for epoch in range(spec.epochs):
        orders = torch.stack([torch.randperm(len(j.train), generator=j.order) for j in jobs])
        summed = torch.zeros_like(rates)
        for picks in orders.split(spec.batch_size, dim=1):
            rows = stack.train[stack.models, picks]
            with training_mode(net, rows.x[0], jobs[0].order):
                losses = stack.losses(rows)
            optimizer.zero_grad()
            losses.sum().backward()
            before = stack.theta.detach().clone()
            optimizer.step()
            with torch.no_grad():  # a step of Adam is in proportion to its rate
                stack.theta.copy_(before.lerp(stack.theta, rates.reshape(*before.shape[:-1], 1)))
            summed += losses.detach() * picks.shape[1]
        stack.record(epoch, summed / orders.shape[1], spec.patience)
        if not any(stack.active):
            break
    per_epoch = -(-len(jobs[0].train) // spec.batch_size)
    ends = zip(stack.final(), stack.history, strict=True)
    return [FitResult(state, history, len(history) * per_epoch) for state, history in ends]


class _Stack:
    """Models trained together: θ (m, d), and per model its history, best state and whether it runs.

    A single model is kept without the leading dimension, for layers that cannot be stacked; rows
    have it in any case.
    """

    def __init__(self, net: HybridNet, jobs: list[FitJob]) -> None:
        self.net, self.single = net, len(jobs) == 1
        self.models = torch.arange(len(jobs))[:, None]
        self.train = _together([job.train for job in jobs])
        self.val = _together([job.val for job in jobs])
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

    def losses(self, rows: Rows) -> Tensor:
        """Mean cross-entropy (m,) of every model on its own rows x (m, b, ...), y (m, b)."""
        logits = self.net.logits(self.theta, rows.x[0] if self.single else rows.x, self.buffers)
        flat = F.cross_entropy(logits.flatten(0, -2), rows.y.flatten(), reduction="none")
        return flat.reshape(rows.y.shape).mean(dim=1)

    def record(self, epoch: int, train_loss: Tensor, patience: int | None) -> None:
        """Note the epoch's losses; with patience, keep the best and stop who waited too long."""
        losses = zip(train_loss.cpu().tolist(), self._validate().cpu().tolist(), strict=True)
        for i, (loss, val_loss) in enumerate(losses):
            if not self.active[i]:
                continue
            self.history[i].append({"epoch": epoch, "loss": loss, "val_loss": val_loss})
            if patience is not None and val_loss < self.best[i][1]:
                self.best[i] = (epoch, val_loss, self._state(i))
            self.active[i] = patience is None or epoch - self.best[i][0] < patience

    def final(self) -> list[ModelState]:
        """The best state of every model where patience asked for it, else the last."""
        return [best or self._state(i) for i, (_, _, best) in enumerate(self.best)]

    def _validate(self) -> Tensor:
        """Mean loss (m,) of every model on its validation rows."""
        self.net.eval()
        models, count = self.val.y.shape
        total = torch.zeros(models, device=self.theta.device)
        with torch.no_grad():
            for part in torch.arange(count).split(max(1, ROWS_AT_ONCE // models)):
                total += self.losses(self.val[self.models, part]) * len(part)
        return total / count

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return tensors[0].clone() if self.single else torch.stack(tensors)

    def _state(self, model: int) -> ModelState:
        whole = ModelState(self.theta, self.buffers)
        if not self.single:
            whole = ModelState(self.theta[model], {k: v[model] for k, v in self.buffers.items()})
        return whole.clone()


def _together(sets: list[Rows]) -> Rows:
    """Equally many rows of m models: x (m, n, ...) and y (m, n); those of one are not copied."""
    if len(sets) == 1:
        return Rows(sets[0].x[None], sets[0].y[None])
    return Rows(torch.stack([rows.x for rows in sets]), torch.stack([rows.y for rows in sets]))
