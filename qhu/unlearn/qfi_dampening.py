"""Selective synaptic dampening (Foster et al., AAAI 2024) by quantum Fisher information."""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from qhu.registry import method
from qhu.unlearn.finetune import train
from qhu.unlearn.learner import Learner
from qhu.unlearn.quantum import StateOptions, information, placed, weights_of
from qhu.unlearn.task import TRAINING, Task, unused

ROUNDING = 1e-5
"""What two sums of the same values may differ by."""


class Options(StateOptions):
    """Options of ``qfi_dampening``."""

    lr: float | None = Field(0.02, gt=0)
    """learning rate of the fine-tuning"""
    alpha: float = Field(1.0, gt=0, json_schema_extra={"tune": {"low": 0.8, "high": 1.2}})
    """α: a weight is chosen where F of the forget rows exceeds α times F of all training rows"""
    strength: float = Field(0.1, gt=0)
    """λ: a chosen weight keeps the share min(λ·F_D/F_f, 1) of its distance; 1 is the paper's"""
    finetune: bool = True
    """fine-tune on the retain rows for the rest of the budget; false: no training, as the paper"""
    towards: Literal["init", "identity"] = "init"
    """where chosen weights shrink to: where training began, or angle 0"""

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        return {} if self.finetune else unused(TRAINING, "finetune is false")


@method("qfi_dampening", cites=["foster2024fast", "meyer2021fisher"])
def qfi_dampening(student: Learner, task: Task, options: Options) -> dict[str, Tensor] | None:
    """Shrink circuit weights that the forget rows' states depend on more than others' do.

    With F the diagonal of the quantum Fisher information, of the forget rows and of all training
    rows: where F_f,i > α·F_D,i, θ_i ← r_i + min(λ·F_D,i/F_f,i, 1)·(θ_i − r_i). That is
    one step; the others descend on CE(Dr).

    Returns:
        ``dampened``, the number of weights chosen, and ``kept``, the mean share of their distance.
    """
    weights = weights_of(student)
    retained, forgotten = (
        information(student, rows).diagonal(dim1=-2, dim2=-1) for rows in (task.retain, task.forget)
    )
    if not student.steps_left:
        return None
    share = len(task.forget) / (len(task.forget) + len(task.retain))
    whole = torch.lerp(retained, forgotten, share)
    chosen = forgotten > options.alpha * whole * (1 + ROUNDING)
    kept = torch.where(chosen, options.strength * whole / forgotten, 1.0).clamp(max=1.0)
    theta = student.theta.detach()
    away = theta[..., weights] - task.init.theta[..., weights]
    if options.towards == "identity":  # a turn of 4π is none, of controlled rotations neither
        away = torch.remainder(theta[..., weights] + 2 * math.pi, 4 * math.pi) - 2 * math.pi
    student.move(theta + placed(student, (kept - 1) * away))
    if options.finetune:
        train(student, task.retain)
    count = chosen.sum(dim=-1)
    mean = torch.where(chosen, kept, 0.0).sum(dim=-1) / count.clamp(min=1)
    return {"dampened": count.to(mean), "kept": torch.where(count > 0, mean, 1.0)}
