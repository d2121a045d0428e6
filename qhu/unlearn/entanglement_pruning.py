"""Pruning of circuit weights by entanglement and quantum Fisher information, and fine-tuning.

After DEW-P (arXiv 2608.17069): the score of a weight is the concurrence of its layer times its
diagonal quantum Fisher information; the lowest are pruned. Ours are the choices of what the
information is of (the retain rows), of the concurrence of more than two qubits (that of
:func:`qhu.engine.states.concurrence`, of the states behind the layer, averaged over those rows) and
of what a pruned weight becomes (angle 0, for good).
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from qhu.model.states import entanglement
from qhu.registry import method
from qhu.unlearn.finetune import train
from qhu.unlearn.learner import Learner
from qhu.unlearn.quantum import StateOptions, information, placed
from qhu.unlearn.task import Task


class Options(StateOptions):
    """Options of ``entanglement_pruning``."""

    lr: float | None = Field(0.02, gt=0)
    """learning rate of the fine-tuning"""
    share: float = Field(0.1, gt=0, le=1, json_schema_extra={"tune": {"low": 0.05, "high": 0.5}})
    """share of the circuit's weights that is pruned, at least one"""
    score: Literal["full", "fisher", "entanglement", "random"] = Field(
        "full", json_schema_extra={"tune": "the others are its controls"}
    )
    """what is lowest where it is pruned; ``full`` is ``fisher`` times ``entanglement``, and the
    other three are its controls"""


@method("entanglement_pruning", cites=["meyer2002global", "meyer2021fisher"])
def entanglement_pruning(
    student: Learner, task: Task, options: Options
) -> dict[str, Tensor] | None:
    """Set the circuit weights that retain rows' entanglement and states need least to 0; fine-tune.

    The weights of the lowest score become 0 in one step and stay; equal scores are parted at
    random. The rest of the budget descends on CE(Dr).

    Returns:
        ``pruned``, the number of weights, and ``concurrence``, of the states before.
    """
    fisher = information(student, task.retain).diagonal(dim1=-2, dim2=-1)
    tangled = entanglement(student.net, student.state, task.retain.x).to(fisher)
    scores = {
        "full": fisher * tangled,
        "fisher": fisher,
        "entanglement": tangled,
        "random": torch.zeros_like(fisher),
    }[options.score]
    if not student.steps_left:
        return None
    width = fisher.shape[-1]
    shuffled = student.draws(lambda order: torch.randperm(width, generator=order))
    ranks = scores.gather(-1, shuffled).argsort(dim=-1, stable=True)
    count = max(1, round(options.share * width))
    lowest = shuffled.gather(-1, ranks)[..., :count]
    pruned = placed(student, torch.zeros_like(fisher).scatter(-1, lowest, 1.0)).bool()
    student.move(torch.where(pruned, 0.0, student.theta.detach()))
    student.freeze(~pruned, layers=False)
    train(student, task.retain)
    return {"pruned": pruned.sum(dim=-1).to(fisher), "concurrence": tangled[..., -1]}
