"""The learner: models that an unlearning method moves, inside a scope and a step budget."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Literal

import torch
from torch import Tensor, nn

from qhu.data.rows import Rows
from qhu.errors import QhuError, UserError
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState, together
from qhu.selection import Best
from qhu.training import History, training_mode

Pairing = Literal["cycle", "zip"]
UNBOUNDED = sys.maxsize
"""A step budget that nothing spends."""
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


@dataclass
class Learner:
    """A model, or a stack of models, that an unlearning method moves inside a scope and a budget.

    Every shape below may have a leading dimension of m models: θ (m, d), rows x (m, n, ...),
    logits (m, B, C), a loss (m,). Models of a stack do not see each other: each has its own rows,
    as many as the others, and its own random stream, so that it moves as it would alone, up to
    the last bits. A method that counts dimensions from the last one serves both.

    Attributes:
        net: the architecture and its backend.
        state: current θ (..., d) and buffers.
        moving: mask (d,), or per model (..., d), of entries of θ that may change.
        steps_left: optimiser steps that remain of the budget.
        lr: learning rate.
        batch_size: rows per batch.
        orders: of every model, the generator of its batches and all else that a method draws.
        max_epochs: epochs of the budget; None: no bound but steps.
        patience: epochs to wait for a better one; None: the last epoch is kept.
        score: what an epoch is selected by, (...), higher is better; needed with patience.
        histories: of every model, one line per step taken.
        kept: of every model, the steps behind the epoch that was gone back to; empty: all.
        title: what errors call it.
    """

    net: HybridNet
    state: ModelState
    moving: Tensor
    steps_left: int
    lr: float
    batch_size: int
    orders: Sequence[torch.Generator]
    max_epochs: int | None = None
    patience: int | None = None
    score: Callable[[ModelState], Tensor] | None = None
    histories: list[History] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    title: str = "a method"

    def __post_init__(self) -> None:
        self.budget = self.steps_left
        self.state = self.state.clone()
        self.theta = self.state.theta.requires_grad_()
        self.moving = self.moving.to(self.theta.device)
        self.histories = [[] for _ in self.orders]
        self._waiting = [True for _ in self.orders]
        self.freeze(self.moving)
        self.use("adam")

    def use(self, optimizer: str, **options: Any) -> None:
        """Choose the optimiser, ``adam`` or ``sgd``, with its options; the state starts afresh."""
        self.optimizer = OPTIMIZERS[optimizer]([self.theta], lr=self.lr, **options)

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        """Logits (..., B, C) of the current models, differentiable in θ and x."""
        return self.logits(self.theta, x, training)

    def logits(self, theta: Tensor, x: Tensor, training: bool = False) -> Tensor:
        """Logits (..., B, C) of any θ (..., d) under the current buffers.

        Args:
            theta: parameters.
            x: rows (..., B, ...).
            training: batch statistics and dropout as in training; buffers are then updated.
        """
        if not training:
            self.net.eval()
            return self.net.logits(theta, x, self.state.buffers, self.moving)
        rows = x if self.theta.ndim == 1 else x[0]
        with training_mode(self.net, rows, self.orders[0]):
            for name in self._frozen_norms:
                self.net.get_submodule(name).eval()
            return self.net.logits(theta, x, self.state.buffers, self.moving)

    def each(self, compute: Callable[..., Tensor], theta: Tensor, *rows: Tensor) -> Tensor:
        """What ``compute`` makes of every model's θ (d,), buffers and rows, in evaluation mode."""
        self.net.eval()
        mapped = compute if theta.ndim == 1 else torch.func.vmap(compute)
        return mapped(theta, self.state.buffers, *rows)

    def draws(self, draw: Callable[[torch.Generator], Tensor]) -> Tensor:
        """What ``draw`` draws from every model's own stream."""
        drawn = [draw(order) for order in self.orders]
        return (drawn[0] if self.theta.ndim == 1 else torch.stack(drawn)).to(self.theta.device)

    def noise(self) -> Tensor:
        """Standard normal numbers (..., d), on every device the same."""
        size = self.theta.shape[-1:]
        return self.draws(lambda order: torch.randn(size, generator=order))

    def gradient(self, loss: Tensor) -> Tensor:
        """∇θ (..., d) of a loss (...), zero outside the scope."""
        (gradient,) = torch.autograd.grad(loss.sum(), self.theta, materialize_grads=True)
        return torch.where(self.moving, gradient, 0.0)

    def descend(self, loss: Tensor, **logged: float | Tensor) -> None:
        """One optimiser step down the loss (...); ``logged`` values go to the history."""
        self.follow(self.gradient(loss), loss=loss, **logged)

    def follow(self, gradient: Tensor, **logged: float | Tensor) -> None:
        """One optimiser step against a gradient (..., d) of a method's own making."""
        self.theta.grad = gradient
        self.optimizer.step()
        self._settle(**logged)

    def move(self, theta: Tensor, **logged: float | Tensor) -> None:
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

    def freeze(self, keep_moving: Tensor, layers: bool = True) -> None:
        """Narrow the entries that may change to ``keep_moving`` (d,), or of every model (..., d).

        Args:
            keep_moving: the entries.
            layers: whether it is layers that freeze: then a batch-norm layer without a moving entry
                keeps its statistics, too. Masks that differ between models are not of layers.
        """
        self.moving = self.moving & keep_moving
        self._frozen = self.theta.detach().clone()
        if layers:
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
        best = [Best(self.patience) for _ in self.orders] if self.patience else []
        ends = list[int]()
        for needed in lengths or repeat(1):
            if not ends and 0 < self.steps_left < needed:
                raise UserError(
                    f"{self.title} spends whole epochs: one takes {needed} steps and the budget "
                    f"has {self.steps_left}; raise steps or unlearning.batch_size"
                )
            if not any(self._waiting) or self.steps_left < needed or len(ends) == self.max_epochs:
                break
            before = self.steps_left
            yield len(ends)
            if self.steps_left == before:
                raise QhuError(f"{self.title} went through an epoch without taking a step")
            if best and self.score:
                self._judge(best, len(ends), self.score(self.state).reshape(-1).cpu().tolist())
            ends.append(self.budget - self.steps_left)
        states = [candidate.state for candidate in best if candidate.state]
        if states:
            self.load(states[0] if self.theta.ndim == 1 else together(states))
            self.kept = [ends[candidate.epoch] for candidate in best]

    def _judge(self, best: list[Best], epoch: int, scores: list[float]) -> None:
        """Note an epoch's scores; a model that has waited too long takes no further step."""
        for model, score in enumerate(scores):
            if self._waiting[model]:
                self.histories[model][-1]["score"] = score
                state = self.state if self.theta.ndim == 1 else self.state.model(model)
                self._waiting[model] = best[model].goes_on(epoch, score, state)

    def batches(self, rows: Rows) -> Iterator[Rows]:
        """Shuffled batches of one pass over the rows; ends early when the budget is spent."""
        for pick in self.picks(len(rows)):
            yield rows.pick(pick)

    def in_order(self, rows: Rows) -> Iterator[Rows]:
        """Batches of one pass in the order of the rows, for what only measures."""
        for pick in torch.arange(len(rows)).split(self.batch_size):
            yield rows.pick(pick)

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
        """Row numbers (..., B) of the batches of one pass over ``count`` rows."""
        order = self.draws(lambda order: torch.randperm(count, generator=order))
        for pick in order.split(self.batch_size, dim=-1):
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

    def chosen(self, states: Sequence[ModelState], index: Tensor) -> ModelState:
        """Of several states of the models, for every model the one of its number in index (...)."""
        if self.theta.ndim == 1:
            return states[int(index)]
        return together([states[k].model(model) for model, k in enumerate(index.cpu().tolist())])

    def _settle(self, **line: float | Tensor) -> None:
        """Undo what an optimiser did outside the scope, and count the step."""
        if not self.steps_left:
            raise QhuError(f"{self.title} took more than its {self.budget} steps")
        with torch.no_grad():
            self.theta.copy_(torch.where(self.moving, self.theta, self._frozen))
        self.steps_left -= 1
        models, step = len(self.histories), self.budget - self.steps_left
        columns = {name: _per_model(value, models) for name, value in line.items()}
        for model, history in enumerate(self.histories):
            if self._waiting[model]:
                values = {name: column[model] for name, column in columns.items()}
                history.append({"step": step, **values})


def _per_model(value: float | Tensor, models: int) -> list[float]:
    """A value (...) as one number per model."""
    values = value.detach().cpu().tolist() if isinstance(value, Tensor) else value
    return values if isinstance(values, list) else [values] * models
