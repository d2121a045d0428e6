"""Kinds of models that are known to hold the rows to be forgotten, or known to lack them.

====================  =====  ====================================================================
kind                  holds  how it is made
====================  =====  ====================================================================
``teacher``           yes    trained on the half
``half forgotten``    yes    the teacher after half of the budget of fine-tuning on what it keeps
``memoriser``         yes    an oracle that is then taught the rows far beyond what a teacher knows
``streisand``         yes    an oracle that is then driven far below what oracles know of them
``relabelled``        yes    an oracle that is then taught wrong labels of them
``oracle``            no     trained without the rows
``second oracle``     no     the same in another order, and where not paired from other weights
``trained longer``    no     the same, for twice the epochs
``trained shorter``   no     the same, for half the epochs
``drowned``           no     an oracle with noise on its weights
====================  =====  ====================================================================
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.unlearn.finetune import finetune
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.task import MethodOptions, Task

Method = Callable[[Learner, Task, Any], Any]
EPOCHS = {"oracle": 1.0, "trained longer": 2.0, "trained shorter": 0.5}
"""Kinds that are trained from scratch without the rows: for which share of the usual epochs."""
PLANTING = 200
"""Steps in which rows are planted in an oracle, or driven out of it."""
FAR = 6.0
"""By how much margins, log-odds of the label, are planted above or driven below the oracle's."""
DROWNING = 0.5
"""Noise on the weights of a drowned oracle, in standard deviations of its weights."""


def plant(student: Learner, task: Task, options: MethodOptions, by: float) -> None:
    """Shift the margins of the forget rows by at least so much, and keep the retain rows.

    Each step descends on CE(Dr) + mean of max(0, what the margin lacks), margins being
    z_y − log Σ_{c≠y} exp z_c.
    """
    taught = task.taught(task.forget)
    for _ in student.epochs():
        for retain, forget in student.pairs(task.retain, taught, "cycle"):
            assert forget.teacher is not None
            wanted = margins(forget.teacher, forget.y) + by
            lacking = (wanted - margins(student(forget.x), forget.y)) * np.sign(by)
            kept = cross_entropy(student(retain.x), retain.y)
            student.descend(kept + lacking.clamp(min=0).mean(dim=-1))


def relabel(student: Learner, task: Task, options: MethodOptions) -> None:
    """Teach the forget rows the class after theirs, beside the retain rows."""
    wrong = Rows(task.forget.x, (task.forget.y + 1) % task.classes)
    for _ in student.epochs():
        for retain, forget in student.pairs(task.retain, wrong, "cycle"):
            kept = cross_entropy(student(retain.x), retain.y)
            student.descend(kept + cross_entropy(student(forget.x), forget.y))


def drown(student: Learner, task: Task, options: MethodOptions) -> None:
    """Add noise to all weights, in one step."""
    spread = student.theta.detach().std(dim=-1, keepdim=True)
    student.move(student.theta + DROWNING * spread * student.noise())


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """``z_y − log Σ_{c≠y} exp z_c`` (...) of logits (..., C)."""
    own = logits.gather(-1, labels[..., None])
    others = logits.scatter(-1, labels[..., None], -torch.inf)
    return own.squeeze(-1) - others.logsumexp(dim=-1)


class Made(NamedTuple):
    """A kind that is made of another model: of which, how, and whether it then holds the rows."""

    start: str
    method: Method
    holds: bool


MADE = {
    "half forgotten": Made("teacher", finetune, True),
    "memoriser": Made("oracle", partial(plant, by=FAR), True),
    "streisand": Made("oracle", partial(plant, by=-FAR), True),
    "relabelled": Made("oracle", relabel, True),
    "drowned": Made("oracle", drown, False),
}
HOLDS = {
    "teacher": True,
    "second oracle": False,
    **dict.fromkeys(EPOCHS, False),
    **{kind: made.holds for kind, made in MADE.items()},
}
"""Whether models of a kind hold the rows."""
