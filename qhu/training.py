"""The one training loop: models fitted from scratch, many at once."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.selection import Best, cross_entropy, measure_epoch
from qhu.settings.parts import TrainSpec

History = list[dict[str, Any]]
CITES = {"optimiser Adam": ("kingma2015adam",)}


@dataclass(frozen=True)
class FitJob:
    """One model to train.

    Attributes:
        train: rows.
        val: rows to judge it by.
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
    """A trained state, its losses per epoch, and what it took.

    Attributes:
        state: of the best epoch, or the last.
        history: losses per epoch.
        steps: of the optimiser.
        seconds: an equal share of the time that its stack took.
    """

    state: ModelState
    history: History
    steps: int
    seconds: float


def fit(
    net: HybridNet,
    jobs: Sequence[FitJob],
    spec: TrainSpec,
    finished: Callable[[int, FitResult], None] = lambda index, result: None,
) -> list[FitResult]:
    """Train models of one architecture, many at once where that is possible and faster.

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
        groups[(len(job.train), len(job.val)) if net.stacked else index].append(index)
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
    # On a CPU torch.manual_seed notes for later devices who asked: a twentieth of a step.
    seed = torch.manual_seed if x.is_cuda else torch.default_generator.manual_seed
    with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
        seed(int(torch.randint(2**62, (1,), generator=stream)))
        yield


def _fit_stack(net: HybridNet, jobs: list[FitJob], spec: TrainSpec) -> list[FitResult]:
    """Train equally sized jobs together; the loss is a sum over models, so gradients are apart."""
    begun = time.perf_counter()
    stack = _Stack(net, jobs, spec)
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
                rate = rates.reshape(*before.shape[:-1], 1) * _share(spec, epoch)
                stack.theta.copy_(before.lerp(stack.theta, rate))
            summed += losses.detach() * picks.shape[1]
        stack.record(epoch, summed / orders.shape[1])
        if not any(stack.active):
            break
    per_epoch = -(-len(jobs[0].train) // spec.batch_size)
    ends = zip(stack.final(), stack.history, strict=True)
    share = (time.perf_counter() - begun) / len(jobs)
    return [FitResult(state, history, len(history) * per_epoch, share) for state, history in ends]


def _share(spec: TrainSpec, epoch: int) -> float:
    """Part of the learning rate that an epoch trains with."""
    if spec.schedule == "constant":
        return 1.0
    return (1 + math.cos(math.pi * epoch / spec.epochs)) / 2


class _Stack:
    """Models trained together: θ (m, d), and per model its history, best epoch and whether it runs.

    A single model is kept without the leading dimension, for layers that cannot be stacked; rows
    have it in any case.
    """

    def __init__(self, net: HybridNet, jobs: list[FitJob], spec: TrainSpec) -> None:
        self.net, self.single, self.select = net, len(jobs) == 1, spec.select
        self.models = torch.arange(len(jobs))[:, None]
        self.train = _together([job.train for job in jobs])
        self.val = _together([job.val for job in jobs])
        self.theta = self._join([job.init.theta for job in jobs]).requires_grad_()
        names = jobs[0].init.buffers
        self.buffers = {
            name: self._join([job.init.buffers[name] for job in jobs]) for name in names
        }
        self.history: list[History] = [[] for _ in jobs]
        self.best = [Best(spec.patience) for _ in jobs] if spec.patience else None
        self.active = [True for _ in jobs]

    def losses(self, rows: Rows) -> Tensor:
        """Mean cross-entropy (m,) of every model on its own rows x (m, b, ...), y (m, b)."""
        logits = self.net.logits(self.theta, self._shaped(rows.x), self.buffers)
        return cross_entropy(logits, self._shaped(rows.y)).reshape(-1)

    def record(self, epoch: int, train_loss: Tensor) -> None:
        """Note the epoch; with patience, keep the best and stop who waited too long."""
        lines = [{"epoch": epoch, "loss": loss} for loss in train_loss.cpu().tolist()]
        scores = [0.0 for _ in lines]
        if self.val.y.numel():
            whole = ModelState(self.theta, self.buffers)
            logits = self.net.infer(whole, self._shaped(self.val.x))
            measures = measure_epoch(logits, self._shaped(self.val.y), self.select)
            measured, scores = (each.reshape(-1).cpu().tolist() for each in measures)
            for line, value in zip(lines, measured, strict=True):
                line[self.select] = value
        for i, line in enumerate(lines):
            if self.active[i]:
                self.history[i].append(line)
                if self.best:
                    self.active[i] = self.best[i].goes_on(epoch, scores[i], self._state(i))

    def final(self) -> list[ModelState]:
        """The best state of every model where patience asked for it, else the last."""
        best = (
            [candidate.state for candidate in self.best]
            if self.best
            else [None for _ in self.history]
        )
        return [kept or self._state(i).clone() for i, kept in enumerate(best)]

    def _join(self, tensors: list[Tensor]) -> Tensor:
        return tensors[0].clone() if self.single else torch.stack(tensors)

    def _shaped(self, rows: Tensor) -> Tensor:
        return rows[0] if self.single else rows

    def _state(self, model: int) -> ModelState:
        if self.single:
            return ModelState(self.theta, self.buffers)
        return ModelState(self.theta[model], {k: v[model] for k, v in self.buffers.items()})


def _together(sets: list[Rows]) -> Rows:
    """Equally many rows of m models: x (m, n, ...) and y (m, n); those of one are not copied."""
    if len(sets) == 1:
        return Rows(sets[0].x[None], sets[0].y[None])
    return Rows(torch.stack([rows.x for rows in sets]), torch.stack([rows.y for rows in sets]))
