"""Gradient ascent along directions in which no retained state moves."""

import torch
from pydantic import Field
from torch import Tensor

from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.quantum import StateOptions, information, placed, weights_of
from qhu.unlearn.task import Task


class Options(StateOptions):
    """Options of ``null_space_ascent``."""

    lr: float | None = Field(0.05, gt=0)
    """length of a step: the gradient's part in the null space is followed as it is"""
    threshold: float = Field(
        0.5, gt=0, json_schema_extra={"tune": {"low": 0.05, "high": 1.0, "log": True}}
    )
    """eigenvalues below this share of the mean one count as zero; a fidelity then falls by at most
    a quarter of that per squared step"""
    refresh: int = Field(10, ge=1, json_schema_extra={"tune": "a larger one only saves time"})
    """steps after which the null space is computed again"""


@method("null_space_ascent", cites=["meyer2021fisher"])
def null_space_ascent(student: Learner, task: Task, options: Options) -> dict[str, Tensor]:
    """Ascend on the forget rows where the states of the retain rows stay, to first order.

    Each step is θ ← θ + lr·P·∇CE(Df), with P the projector on the eigenvectors of the retain rows'
    quantum Fisher information whose eigenvalues are below the threshold. What is measured of a
    state that stays, stays: all outputs of the retain rows. Only the circuit's weights move.

    Returns:
        ``directions``, the dimension of the null space at first; where it is 0 nothing moves.
    """
    weights = weights_of(student)
    projector, dimension = null_space(information(student, task.retain), options.threshold)
    facts = {"directions": dimension}
    student.use("sgd")
    for _ in student.epochs():
        for forget in student.batches(task.forget):
            if student.steps_left < student.budget and not (
                (student.budget - student.steps_left) % options.refresh
            ):
                fisher = information(student, task.retain)
                projector, _ = null_space(fisher, options.threshold)
            loss = cross_entropy(student(forget.x), forget.y)
            gradient = student.gradient(loss)[..., weights, None]
            student.follow(-placed(student, (projector @ gradient).squeeze(-1)), loss=-loss)
    return facts


def null_space(fisher: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Projector (..., W, W) on the directions of small eigenvalues, and their number (...).

    Args:
        fisher: information (..., W, W).
        threshold: share of the mean eigenvalue below which one counts as zero.
    """
    values, vectors = torch.linalg.eigh(fisher)
    small = values < threshold * values.mean(dim=-1, keepdim=True)
    inside = vectors * small.unsqueeze(-2)
    return inside @ inside.mT, small.sum(dim=-1).to(fisher)
