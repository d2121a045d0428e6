"""The learner: a model that an unlearning method moves, inside a scope and a step budget."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Literal

import torch
from torch import Tensor, nn

from qhu.data.rows import Rows
from qhu.errors import QhuError, UserError
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.selection import Best
from qhu.training import History, training_mode

Pairing = Literal["cycle", "zip"]
UNBOUNDED = sys.maxsize
"""A step budget that nothing spends."""
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


@dataclass
class Learner:
    """A model whose θ is moved by an unlearning method, inside a scope and a budget.

    Attributes:
        net: the architecture and its backend.
        state: current θ (d,) and buffers.
        moving: mask (d,) of entries of θ that may change.
        steps_left: optimiser steps that remain of the budget.
        lr: learning rate.
        batch_size: rows per batch.
        order: generator of batch order and of any other randomness of the method.
        max_epochs: epochs of the budget; None: no bound but steps.
        patience: epochs to wait for a better one; None: the last epoch is kept.
        score: what an epoch is selected by, higher is better; needed with patience.
        history: one line per step taken.
        kept: steps behind the epoch that was gone back to; None: all.
        title: what errors call it.
    """

    net: HybridNet
    state: ModelState
    moving: Tensor
    steps_left: int
    lr: float
    batch_size: int
    order: torch.Generator
    max_epochs: int | None = None
    patience: int | None = None
    score: Callable[[ModelState], float] | None = None
    history: History = field(default_factory=list)
    kept: int | None = None
    title: str = "a method"

    def __post_init__(self) -> None:
        self.budget = self.steps_left
        self.state = self.state.clone()
        self.theta = self.state.theta.requires_grad_()
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
        self.follow(self.gradient(loss), loss=float(loss.detach()), **logged)

    def follow(self, gradient: Tensor, **logged: float) -> None:
        """One optimiser step against a gradient (d,) of a method's own making."""
        self.theta.grad = gradient
        self.optimizer.step()
        self._settle(**logged)

    def move(self, theta: Tensor, **logged: float) -> None:
        """One step of a method's own making: θ becomes ``theta`` inside the scope."""
        with torch.no_grad():
            self.theta.copy_(theta)
        self._settle(**logged)

    def load(self, state: ModelState, part: Tensor | None = None) -> None:
        """Replace what may move, θ and batch-norm statistics alike, without spending a step.

        Args:
            state: where the new values come from.
            part: mask (d,) of entries to replace; None: all that may move.
        """
        chosen = self.moving if part is None else self.moving & part
        kept = self._norms_outside(chosen)
        with torch.no_grad():
            self.theta.copy_(torch.where(chosen, state.theta, self.theta))
        for name, buffer in self.state.buffers.items():
            if name.rpartition(".")[0] not in kept:
                buffer.copy_(state.buffers[name])

    def freeze(self, keep_moving: Tensor) -> None:
        """Narrow the entries that may change to ``keep_moving`` (d,).

        A batch-norm layer without a moving entry keeps its statistics, too.
        """
        self.moving = self.moving & keep_moving
        self._frozen = self.theta.detach().clone()
        self._frozen_norms = self._norms_outside(self.moving)

    def epochs(self, lengths: Iterable[int] | None = None) -> Iterator[int]:
        """Epoch numbers 0, 1, … while the budget lasts; with patience, ends at the best epoch.

        Args:
            lengths: steps of each epoch, which begins only if the budget still holds all of them;
                None: the budget may end inside an epoch. A method that alternates gives them: cut
                behind its first pass, an epoch would leave a model that no epoch leaves.

        Raises:
            UserError: a budget that holds steps, but not the first epoch.
        """
        best, ends, going = Best(self.patience) if self.patience else None, list[int](), True
        for needed in lengths or repeat(1):
            if not ends and 0 < self.steps_left < needed:
                raise UserError(
                    f"{self.title} spends whole epochs: one takes {needed} steps and the budget "
                    f"has {self.steps_left}; raise steps or unlearning.batch_size"
                )
            if not going or self.steps_left < needed or len(ends) == self.max_epochs:
                break
            before = self.steps_left
            yield len(ends)
            if self.steps_left == before:
                raise QhuError(f"{self.title} went through an epoch without taking a step")
            if best and self.score:
                self.history[-1]["score"] = value = self.score(self.state)
                going = best.goes_on(len(ends), value, self.state)
            ends.append(len(self.history))
        if best and best.state:
            self.load(best.state)
            self.kept = ends[best.epoch]

    def batches(self, rows: Rows) -> Iterator[Rows]:
        """Shuffled batches of one pass over the rows; ends early when the budget is spent."""
        for pick in self.picks(len(rows)):
            yield rows[pick]

    def in_order(self, rows: Rows) -> Iterator[Rows]:
        """Batches of one pass in the order of the rows, for what only measures."""
        for pick in torch.arange(len(rows)).split(self.batch_size):
            yield rows[pick]

    def pairs(self, retain: Rows, forget: Rows, pairing: Pairing) -> Iterator[tuple[Rows, Rows]]:
        """A retain and a forget batch at a time, for one epoch.

        Args:
            retain: rows that an epoch passes over.
            forget: rows of the other batches.
            pairing: as in :class:`~qhu.unlearn.task.PairOptions`.
        """
        others = self.cycle(forget) if pairing == "cycle" else self.batches(forget)
        yield from zip(self.batches(retain), others, strict=False)

    def steps_of(self, *passes: Rows) -> int:
        """Steps that a pass over each of the given rows takes."""
        return sum(-(-len(rows) // self.batch_size) for rows in passes)

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

    def _norms_outside(self, mask: Tensor) -> list[str]:
        """Batch-norm layers without an entry in a mask (d,)."""
        inside = self.net.theta.split(mask)
        return [
            name
            for name, module in self.net.named_modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
            and not any(inside[f"{name}.{key}"].any() for key, _ in module.named_parameters())
        ]

    def _settle(self, **line: float) -> None:
        """Undo what an optimiser did outside the scope, and count the step."""
        if not self.steps_left:
            raise QhuError(f"{self.title} took more than its {self.budget} steps")
        with torch.no_grad():
            self.theta.copy_(torch.where(self.moving, self.theta, self._frozen))
        self.steps_left -= 1
        self.history.append({"step": self.budget - self.steps_left, **line})
