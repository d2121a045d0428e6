"""Natural-gradient ascent: steps measured by how far they move the states of the retain rows."""

import math
from itertools import islice

import torch
from pydantic import Field

from qhu.errors import UserError
from qhu.registry import method
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.finetune import train
from qhu.unlearn.learner import UNBOUNDED, Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.quantum import StateOptions, information, placed, weights_of
from qhu.unlearn.task import Task


class Options(StateOptions):
    """Options of ``natural_gradient``."""

    lr: float | None = Field(0.02, gt=0)
    """learning rate of the fine-tuning"""
    ascent: float = Field(0.5, gt=0, le=1, json_schema_extra={"tune": {"low": 0.1, "high": 1.0}})
    """share of the step budget for ascent; the rest fine-tunes on the retain rows"""
    rate: float = Field(0.02, gt=0)
    """η, learning rate of the ascent"""
    damping: float = Field(0.02, gt=0)
    """λ, added to the eigenvalues of F; a large one gives plain ascent with rate η/λ"""

    def lacks(self, at: Circumstances) -> str | None:
        """A step budget."""
        if at.steps is None:
            return "the ascent is a share of the step budget: give it steps"
        return super().lacks(at)


@method("natural_gradient", cites=["stokes2020quantum", "meyer2021fisher"])
def natural_gradient(student: Learner, task: Task, options: Options) -> None:
    """Ascend on the forget rows where the retain rows' states move least, then fine-tune.

    Each step of the ascent is θ ← θ + η·(F + λ·Id)⁻¹·∇CE(Df) on the circuit's weights, with F the
    quantum Fisher information of a batch of retain rows at θ: of all steps of one length in the
    metric F + λ·Id it gains most. The rest of the budget descends on CE(Dr), in the whole scope.

    Raises:
        UserError: no step budget that the ascent could be a share of.
    """
    weights = weights_of(student)
    if student.budget == UNBOUNDED:
        raise UserError("the ascent is a share of the step budget: give natural_gradient steps")
    count = math.ceil(options.ascent * student.steps_left)
    pairs = zip(student.cycle(task.retain), student.cycle(task.forget), strict=False)
    for retain, forget in islice(pairs, count):
        loss = cross_entropy(student(forget.x), forget.y)
        gradient = student.gradient(loss)[..., weights, None]
        fisher = information(student, retain)
        metric = fisher + options.damping * torch.eye(fisher.shape[-1]).to(fisher)
        step = options.rate * torch.linalg.solve(metric, gradient).squeeze(-1)
        student.move(student.theta + placed(student, step), loss=-loss)
    train(student, task.retain)
