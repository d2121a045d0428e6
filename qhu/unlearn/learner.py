"""The learner: a model that an unlearning method moves, inside a scope and a step budget."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from qhu.errors import QhuError
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.training import History, Rows, training_mode

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


@dataclass
class Learner:
    """A model whose θ is moved by an unlearning method, inside a scope and a step budget.

    Attributes:
        net: the architecture and its backend.
        state: current θ (d,) and buffers.
        moving: mask (d,) of entries of θ that may change.
        steps_left: optimiser steps that remain of the budget.
        lr: learning rate.
        batch_size: rows per batch.
        order: generator of batch order and of any other randomness of the method.
        history: one line per step taken.
    """

    net: HybridNet
    state: ModelState
    moving: Tensor
    steps_left: int
    lr: float
    batch_size: int
    order: torch.Generator
    history: History = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budget = self.steps_left
        self.state = self.state.clone()
        self.theta = self.state.theta.requires_grad_()
        self._frozen = self.theta.detach().clone()
        self.moving = self.moving.to(self.theta.device)
        self.freeze(self.moving)
        self.use("adam")

    def use(self, optimizer: str, **options: Any) -> None:
        """Choose the optimiser, ``adam`` or ``sgd``, with its options; the state starts afresh."""
        self.optimizer = OPTIMIZERS[optimizer]([self.theta], lr=self.lr, **options)

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        """Logits (B, C) of the current model, differentiable in θ and x."""
        return self.logits(self.theta, x, training)

    def logits(self, theta: Tensor, x: Tensor, training: bool = False) -> Tensor:
        """Logits (B, C) of any θ (d,) under the current buffers.

        Args:
            theta: parameters.
            x: rows (B, ...).
            training: batch statistics and dropout as in training; buffers are then updated.
        """
        if not training:
            self.net.eval()
            return self.net.logits(theta, x, self.state.buffers, self.moving)
        with training_mode(self.net, x, self.order):
            for name in self._frozen_norms:
                self.net.get_submodule(name).eval()
            return self.net.logits(theta, x, self.state.buffers, self.moving)

    def noise(self) -> Tensor:
        """Standard normal numbers (d,), on every device the same."""
        return torch.randn(self.theta.shape, generator=self.order).to(self.theta.device)

    def gradient(self, loss: Tensor) -> Tensor:
        """∇θ of a scalar loss (d,), zero outside the scope."""
        (gradient,) = torch.autograd.grad(loss, self.theta, materialize_grads=True)
        return torch.where(self.moving, gradient, 0.0)

    def descend(self, loss: Tensor, **logged: float) -> None:
        """One optimiser step down the loss; ``logged`` values go to the history."""
        self.theta.grad = self.gradient(loss)
        self.optimizer.step()
        self._settle(loss=float(loss.detach()), **logged)

    def move(self, theta: Tensor, **logged: float) -> None:
        """One step of a method's own making: θ becomes ``theta`` inside the scope."""
        with torch.no_grad():
            self.theta.copy_(theta)
        self._settle(**logged)

    def load(self, state: ModelState) -> None:
        """Replace what may move, θ and batch-norm statistics alike, without spending a step."""
        with torch.no_grad():
            self.theta.copy_(torch.where(self.moving, state.theta, self._frozen))
        for name, buffer in self.state.buffers.items():
            if name.rpartition(".")[0] not in self._frozen_norms:
                buffer.copy_(state.buffers[name])

    def freeze(self, keep_moving: Tensor) -> None:
        """Narrow the entries that may change to ``keep_moving`` (d,).

        A batch-norm layer without a moving entry keeps its statistics, too.
        """
        self.moving = self.moving & keep_moving
        norms = {
            name: module
            for name, module in self.net.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
        }
        moved = self.net.theta.split(self.moving)
        self._frozen_norms = [
            name
            for name, module in norms.items()
            if not any(moved[f"{name}.{key}"].any() for key, _ in module.named_parameters())
        ]

    def epochs(self) -> Iterator[int]:
        """Epoch numbers 0, 1, … while steps remain."""
        epoch = 0
        while self.steps_left:
            before = self.steps_left
            yield epoch
            if self.steps_left == before:
                raise QhuError("a method went through an epoch without taking a step")
            epoch += 1

    def batches(self, rows: Rows) -> Iterator[Rows]:
        """Shuffled batches of one pass over the rows; ends early when the budget is spent."""
        for pick in self.picks(len(rows)):
            yield rows[pick]

    def picks(self, count: int) -> Iterator[Tensor]:
        """Row numbers of the batches of one pass over ``count`` rows, as :meth:`batches` does."""
        for pick in torch.randperm(count, generator=self.order).split(self.batch_size):
            if not self.steps_left:
                return
            yield pick

    def cycle(self, rows: Rows) -> Iterator[Rows]:
        """Shuffled batches for ever, pass after pass, until the budget is spent."""
        while self.steps_left:
            yield from self.batches(rows)

    def _settle(self, **line: float) -> None:
        """Undo what an optimiser did outside the scope, and count the step."""
        if not self.steps_left:
            raise QhuError(f"a method took more than its {self.budget} steps")
        with torch.no_grad():
            self.theta.copy_(torch.where(self.moving, self.theta, self._frozen))
        self.steps_left -= 1
        self.history.append({"step": self.budget - self.steps_left, **line})
