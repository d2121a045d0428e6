"""SalUn, saliency-based unlearning (Fan et al., ICLR 2024)."""

import math

import torch
from pydantic import Field
from torch import Tensor

from qhu.registry import method
from qhu.unlearn import random_label
from qhu.unlearn.fisher import mean_gradient
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import Task


class Options(random_label.Options):
    """Options of ``salun``."""

    share: float = Field(0.5, gt=0, le=1)
    """share of the entries in the scope that may move; 1 is ``random_label``"""


@method("salun", cites=["fan2024salun"])
def salun(student: Learner, task: Task, options: Options) -> None:
    """Train on random labels for the forget rows, moving only what their loss depends on most.

    The entries of the largest |∇CE(Df)| at the teacher, over all layers together, move as in
    ``random_label``; all others stay equal bit by bit, whatever the optimiser remembers.
    """
    if not student.steps_left:
        return
    student.freeze(salient(student, task, options.share), layers=False)
    random_label.random_label(student, task, options)


def salient(student: Learner, task: Task, share: float) -> Tensor:
    """Mask (..., d) of that share of the moving entries whose gradient on Df is largest."""
    size = mean_gradient(student, task.forget).abs()
    size = torch.where(student.moving, size, -1.0)
    count = math.ceil(share * int(student.moving.sum()))
    return torch.zeros_like(size, dtype=torch.bool).scatter(
        -1, size.topk(count, dim=-1).indices, True
    )
