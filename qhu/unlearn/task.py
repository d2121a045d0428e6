"""What an unlearning method sees: never the test rows, never the oracle."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import Field
from torch import Tensor

from qhu.data.rows import Rows
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.registry import Options
from qhu.settings.parts import Scope
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.learner import Pairing


class MethodOptions(Options):
    """Options that every method has."""

    lr: float | None = Field(None, gt=0)
    """learning rate; null: that of ``unlearning``"""
    steps: int | None = Field(
        None, ge=0, json_schema_extra={"tune": "all methods have the same budget"}
    )
    """optimiser steps; null: the budget of ``unlearning``"""
    epochs: int | None = Field(
        None, ge=1, json_schema_extra={"tune": "all methods have the same budget"}
    )
    """epochs; null: those of ``unlearning``"""
    patience: int | None = Field(
        None, ge=1, json_schema_extra={"tune": "all methods have the same budget"}
    )
    """epochs to wait for a better one, if ``unlearning`` waits; null: as many as there"""
    scope: Scope | None = Field(
        None, json_schema_extra={"tune": "it is part of the question, the same for all methods"}
    )
    """part of θ that may move; null: that of ``unlearning``"""

    def lacks(self, at: Circumstances) -> str | None:
        """What keeps the method from working there and how to mend it; None: nothing."""
        return (
            None if at.layers else "no layer of the network is in its scope: choose another scope"
        )

    def idle(self) -> Mapping[str, str]:
        """Options without effect beside the others, each with the reason."""
        return {}


def unused(names: Sequence[str], reason: str) -> dict[str, str]:
    """Options without effect for one reason."""
    return dict.fromkeys(names, reason)


TRAINING = ("lr", "epochs", "patience")
"""Options that say how a method takes optimiser steps."""


class OneStepOptions(MethodOptions):
    """Options of methods that move θ once, without an optimiser."""

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`; a step is all that it takes of any budget."""
        return unused((*TRAINING, *(["steps"] if self.steps else [])), "it takes one step, its own")


class PairOptions(MethodOptions):
    """Options of methods whose steps see a retain and a forget batch."""

    pairing: Pairing = Field(
        "cycle", json_schema_extra={"tune": "it says what an epoch is, in which budgets count"}
    )
    """``cycle``: an epoch passes over the retain rows and begins the forget rows again as needed;
    ``zip``: it ends with the shorter of both"""


@dataclass(frozen=True)
class Task:
    """What is to be forgotten, from which model; or of a stack of models, of each its own.

    Of a stack rows and states have a leading dimension.

    Attributes:
        net: the architecture and its backend.
        retain: training rows to keep.
        forget: training rows to forget.
        val: validation rows of all classes, for any selection a method makes; those of a class
            without retain rows judge what is to be forgotten.
        classes: number of classes C.
        teacher: the trained model, on retain ∪ forget.
        init: the state that the teacher's training started from.
        span: smallest and largest value that a feature takes in the training rows.
        retrain: train from scratch on the retain rows, with the experiment's own recipe.
    """

    net: HybridNet
    retain: Rows
    forget: Rows
    val: Rows
    classes: int
    teacher: ModelState
    init: ModelState
    span: tuple[float, float]
    retrain: Callable[[], ModelState]

    def teacher_logits(self, x: Tensor) -> Tensor:
        """Logits (..., B, C) of the frozen teacher in evaluation mode, without gradient."""
        return self.net.infer(self.teacher, x)

    def taught(self, rows: Rows) -> Rows:
        """Rows with the teacher's logits, computed once."""
        return replace(rows, teacher=self.teacher_logits(rows.x))
