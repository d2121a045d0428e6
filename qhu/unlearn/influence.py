"""Influence unlearning (Koh and Liang, ICML 2017; the baseline IU of Jia et al., NeurIPS 2023)."""

import torch
from pydantic import Field
from torch import Tensor

from qhu.data.rows import Rows
from qhu.registry import method
from qhu.unlearn.fisher import mean_gradient, row_scores
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import OneStepOptions, Task


class Options(OneStepOptions):
    """Options of ``influence``."""

    alpha: float = Field(1.0, gt=0)
    """α, the size of the step; 1 is a whole Newton step"""
    damping: float = Field(0.01, gt=0)
    """δ, added to the curvature: directions that the retain rows hardly bend move by less"""
    rows: int = Field(256, ge=1, json_schema_extra={"tune": "it bounds the work"})
    """retain rows, at most, that the curvature is the mean over, drawn at random"""


@method("influence", cites=["koh2017understanding", "jia2023model"])
def influence(student: Learner, task: Task, options: Options) -> None:
    """Move θ by what the forget rows pulled it, one Newton step; no training.

    θ' = θ + α·(H + δ·Id)⁻¹·v with v = (n_f/n)·(∇CE(Df) − ∇CE(Dr)) and H the Gauss–Newton matrix of
    CE(Dr). At a minimum of CE(D), v is −∇CE(Dr). One step of the budget.
    """
    if not student.steps_left:
        return
    share = len(task.forget) / (len(task.forget) + len(task.retain))
    pull = mean_gradient(student, task.forget) - mean_gradient(student, task.retain)
    drawn = student.draws(
        lambda order: torch.randperm(len(task.retain), generator=order)[: options.rows]
    )
    step = newton(student, task.retain.pick(drawn), share * pull, options.damping)
    student.move(student.theta + options.alpha * step)


def newton(student: Learner, rows: Rows, vector: Tensor, damping: float) -> Tensor:
    """(H + δ·Id)⁻¹·v (..., d) by the exact solution in the space of row scores.

    H = E_x Σ_y p(y; x)·∇log p(y; x)·∇log p(y; x)ᵀ = AᵀA/n, the Gauss–Newton matrix of the
    cross-entropy: with the row scores A, by Woodbury's identity,
    δ·(H + δ·Id)⁻¹·v = v − Aᵀ·(A·Aᵀ + n·δ·Id)⁻¹·A·v.

    Args:
        student: the model.
        rows: rows that H is the mean over.
        vector: v (..., d), 0 outside the scope.
        damping: δ.
    """
    scores = torch.cat(list(row_scores(student, rows, "own")), dim=-2)
    scores = torch.where(student.moving[..., None, :], scores, 0.0)
    inner = scores @ scores.mT
    inner.diagonal(dim1=-2, dim2=-1).add_(len(rows) * damping)
    weights = torch.linalg.solve(inner, scores @ vector[..., None])
    return (vector - (scores.mT @ weights).squeeze(-1)) / damping
