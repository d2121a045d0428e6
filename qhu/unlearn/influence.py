"""Influence unlearning (Koh and Liang, ICML 2017; the baseline IU of Jia et al., NeurIPS 2023)."""

import torch
from pydantic import Field

from qhu.registry import method
from qhu.unlearn.fisher import fisher_matrix, mean_gradient
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``influence``."""

    alpha: float = Field(1.0, gt=0)
    """α, the size of the step; 1 is a whole Newton step"""
    damping: float = Field(0.01, gt=0)
    """δ, added to the curvature: directions that the retain rows hardly bend move by less"""


@method("influence", cites=["koh2017understanding", "jia2023model"])
def influence(student: Learner, task: Task, options: Options) -> None:
    """Move θ by what the forget rows pulled it, one Newton step; no training.

    θ' = θ + α·(H + δ·Id)⁻¹·v with v = (n_f/n)·(∇CE(Df) − ∇CE(Dr)) and H the Gauss–Newton matrix of
    CE(Dr), d × d numbers. At a minimum of CE(D), v is −∇CE(Dr). One step of the budget.
    """
    if not student.steps_left:
        return
    share = len(task.forget) / (len(task.forget) + len(task.retain))
    pull = mean_gradient(student, task.forget) - mean_gradient(student, task.retain)
    curvature = fisher_matrix(student, task.retain)
    curvature.diagonal(dim1=-2, dim2=-1).add_(options.damping)
    step = torch.linalg.solve(curvature, share * pull)
    student.move(student.theta + options.alpha * step)
