"""Q-MUL (Tong et al., ICCV 2025, arXiv 2503.13917; Q for quantized networks)."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from qhu.data.rows import Rows, joined
from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy, row_losses
from qhu.unlearn.task import PairOptions, Task


class Options(PairOptions):
    """Options of ``qmul``."""

    similarity: Literal["probability", "logit", "class"] = Field(
        "probability", json_schema_extra={"tune": "another value is another method"}
    )
    """outputs whose difference defines similar classes: the paper's or its authors' code's; or
    ``class``: one similar class per class, by the teacher's mean logits, as in arXiv 2512.19253"""
    away: bool = Field(False, json_schema_extra={"tune": "another value is another method"})
    """push the forget rows away from their similar class, as arXiv 2512.19253 does; ``pairing`` is
    for it alone"""

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        return {} if self.away else {"pairing": "it is for away alone"}


@method("qmul", cites=["tong2025robust"])
def qmul(student: Learner, task: Task, options: Options) -> None:
    """Train the forget rows towards their most similar wrong class, balanced with the retain rows.

    Each epoch sets ỹ = argmin_{c≠y} |p_c − p_y| for every forget row, g_f and g_r to the mean norms
    of the batch gradients on (Df, ỹ) and Dr, w_f = g_r/(g_f + g_r) and w_r = g_f/(g_f + g_r). Each
    step descends on Σ_i w_i·CE_i / B over a batch of Dr ∪ (Df, ỹ). With ``away``, each step
    descends on CE(Dr) − w·CE(Df, ỹ), w = ‖∇CE(Dr)‖/‖∇CE(Df, ỹ)‖ of its own two batches.
    """
    epoch = push_away if options.away else pull
    by_class = options.similarity == "class"
    labels = task.forget.y
    if by_class:
        labels = similar_classes(task).gather(-1, labels)
    for _ in student.epochs():
        if not by_class:
            labels = similar_labels(student, task.forget, options.similarity)
        epoch(student, task, Rows(task.forget.x, labels), options)


def pull(student: Learner, task: Task, similar: Rows, options: Options) -> None:
    """An epoch over retain and relabelled forget rows together, weighted to equal gradients."""
    both = joined(task.retain, similar)
    forget_weight, retain_weight = balance(
        gradient_norm(student, similar), gradient_norm(student, task.retain)
    )
    for pick in student.picks(len(both)):
        rows, is_forget = both.pick(pick), pick.to(both.y.device) >= len(task.retain)
        weights = torch.where(is_forget, forget_weight[..., None], retain_weight[..., None])
        student.descend((weights * row_losses(student(rows.x), rows.y)).mean(dim=-1))


def push_away(student: Learner, task: Task, similar: Rows, options: Options) -> None:
    """An epoch over pairs of batches, climbing the relabelled one's loss by an equal gradient."""
    for retain, forget in student.pairs(task.retain, similar, options.pairing):
        kept, left = (
            student.gradient(cross_entropy(student(rows.x), rows.y)) for rows in (retain, forget)
        )
        norms = (gradient.norm(dim=-1, keepdim=True) for gradient in (kept, left))
        student.follow(kept - next(norms) / next(norms).clamp(min=1e-12) * left)


def similar_classes(task: Task) -> Tensor:
    """Of every class the most similar other one (..., C): cosine of mean teacher logits over Dr.

    A class without retain rows is alike to none, and gets the first other class.
    """
    logits = task.teacher_logits(task.retain.x)
    members = one_hot(task.retain.y, task.classes).to(logits.dtype)
    unit = normalize(members.mT @ logits, dim=-1)
    alike = unit @ unit.mT
    return (alike - torch.diag_embed(alike.new_full(alike.shape[:-1], torch.inf))).argmax(dim=-1)


def similar_labels(student: Learner, rows: Rows, similarity: str) -> Tensor:
    """The wrong class (..., n) whose output is closest to that of the true class."""
    with torch.no_grad():
        outputs = student(rows.x, training=False)
    if similarity == "probability":
        outputs = outputs.softmax(dim=-1)
    true = rows.y[..., None]
    distance = (outputs - outputs.gather(-1, true)).abs()
    return distance.scatter(-1, true, torch.inf).argmin(dim=-1)


def gradient_norm(student: Learner, rows: Rows) -> Tensor:
    """Mean norm (...) of the batch gradients of the cross-entropy, in the order of the rows."""
    norms = [
        student.gradient(cross_entropy(student(batch.x, training=False), batch.y)).norm(dim=-1)
        for batch in student.in_order(rows)
    ]
    return torch.stack(norms).mean(dim=0)


def balance(forget_norm: Tensor, retain_norm: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (w_f, w_r), sum 1, that give both parts gradients of equal size."""
    total = forget_norm + retain_norm
    share = torch.where(total > 0, retain_norm / total, 0.5)
    return share, 1 - share
