"""Selective synaptic dampening (SSD: Foster, Schoepf and Brintrup, AAAI 2024)."""

import math
from typing import Literal

import torch
from pydantic import Field

from qhu.data.rows import joined
from qhu.registry import method
from qhu.unlearn.fisher import fisher_diagonal
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import OneStepOptions, Task


class Options(OneStepOptions):
    """Options of ``ssd``."""

    alpha: float | None = Field(
        None, gt=0, json_schema_extra={"tune": {"low": 0.5, "high": 20.0, "log": True}}
    )
    """α: an entry is dampened if F_f > α·F_D; null: √(n/n_f), which is the paper's 10 where one row
    of a hundred is to be forgotten. F_f/F_D never exceeds n/n_f"""
    dampening: float = Field(1.0, gt=0)
    """λ: a dampened entry keeps the share min(λ·F_D/F_f, 1)"""
    towards: Literal["zero", "init"] = "zero"
    """where a dampened entry goes: 0, as in the paper, which for an angle is no rotation; or the
    value that its training started from"""


@method("ssd", cites=["foster2024fast"])
def ssd(student: Learner, task: Task, options: Options) -> dict[str, torch.Tensor] | None:
    """Dampen the entries of θ that the forget rows depend on more than all rows do; no training.

    Where F_f,i > α·F_D,i: θ_i ← min(λ·F_D,i/F_f,i, 1)·θ_i, with F the mean squared gradient of a
    single row's loss at its label, over the forget rows (F_f) and all training rows (F_D). One step
    of the budget.

    Returns:
        The share of the entries in the scope that were dampened.
    """
    if not student.steps_left:
        return None
    both = joined(task.retain, task.forget)
    overall, forget = (fisher_diagonal(student, rows, "given") for rows in (both, task.forget))
    alpha = options.alpha or math.sqrt(len(both) / len(task.forget))
    chosen = forget > alpha * overall
    kept = (options.dampening * overall / forget).clamp(max=1.0)
    target = task.init.theta if options.towards == "init" else torch.zeros_like(task.init.theta)
    student.move(torch.where(chosen, target + kept * (student.theta - target), student.theta))
    return {"dampened": (chosen & student.moving).sum(dim=-1) / student.moving.sum(dim=-1)}
