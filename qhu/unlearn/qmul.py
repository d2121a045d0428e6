"""Q-MUL (Tong et al., ICCV 2025, arXiv 2503.13917; Q for quantized networks)."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from qhu.data.rows import Rows
from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import PairOptions, Task


class Options(PairOptions):
    """Options of ``qmul``."""

    similarity: Literal["probability", "logit", "class"] = "probability"
    """outputs whose difference defines similar classes: the paper's or its authors' code's; or
    ``class``: one similar class per class, by the teacher's mean logits, as in arXiv 2512.19253"""
    away: bool = False
    """push the forget rows away from their similar class, as arXiv 2512.19253 does; ``pairing`` is
    for it alone"""


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
    labels = similar_classes(task)[task.forget.y] if by_class else task.forget.y
    for _ in student.epochs():
        if not by_class:
            labels = similar_labels(student, task.forget, options.similarity)
        epoch(student, task, Rows(task.forget.x, labels), options)


def pull(student: Learner, task: Task, similar: Rows, options: Options) -> None:
    """An epoch over retain and relabelled forget rows together, weighted to equal gradients."""
    x, y = torch.cat([task.retain.x, similar.x]), torch.cat([task.retain.y, similar.y])
    is_forget = torch.arange(len(x), device=x.device) >= len(task.retain)
    forget_weight, retain_weight = balance(
        gradient_norm(student, similar), gradient_norm(student, task.retain)
    )
    weights = torch.where(is_forget, forget_weight, retain_weight)
    for pick in student.picks(len(x)):
        losses = cross_entropy(student(x[pick]), y[pick], reduction="none")
        student.descend((weights[pick] * losses).mean())


def push_away(student: Learner, task: Task, similar: Rows, options: Options) -> None:
    """An epoch over pairs of batches, climbing the relabelled one's loss by an equal gradient."""
    for retain, forget in student.pairs(task.retain, similar, options.pairing):
        kept, left = (
            student.gradient(cross_entropy(student(rows.x), rows.y)) for rows in (retain, forget)
        )
        student.follow(kept - kept.norm() / left.norm().clamp(min=1e-12) * left)


def similar_classes(task: Task) -> Tensor:
    """Of every class the most similar other one (C,): cosine of mean teacher logits over Dr.

    A class without retain rows is alike to none, and gets the first other class.
    """
    logits, count = task.teacher_logits(task.retain.x), task.classes
    means = [logits[task.retain.y == c].sum(dim=0) for c in range(count)]
    unit = normalize(torch.stack(means), dim=1)
    return (unit @ unit.T).fill_diagonal_(-torch.inf).argmax(dim=1)


def similar_labels(student: Learner, rows: Rows, similarity: str) -> Tensor:
    """The wrong class (n,) whose output is closest to that of the true class."""
    with torch.no_grad():
        outputs = student(rows.x, training=False)
    if similarity == "probability":
        outputs = outputs.softmax(dim=1)
    true = rows.y[:, None]
    distance = (outputs - outputs.gather(1, true)).abs()
    return distance.scatter(1, true, torch.inf).argmin(dim=1)


def gradient_norm(student: Learner, rows: Rows) -> float:
    """Mean norm of the batch gradients of the cross-entropy, in the order of the rows."""
    norms = [
        student.gradient(cross_entropy(student(batch.x, training=False), batch.y)).norm()
        for batch in student.in_order(rows)
    ]
    return float(torch.stack(norms).mean())


def balance(forget_norm: float, retain_norm: float) -> tuple[float, float]:
    """Weights (w_f, w_r), sum 1, that give both parts gradients of equal size."""
    total = forget_norm + retain_norm
    return (retain_norm / total, forget_norm / total) if total else (0.5, 0.5)
