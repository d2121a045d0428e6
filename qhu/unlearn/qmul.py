"""Q-MUL (Tong et al., ICCV 2025, arXiv 2503.13917; Q for quantized networks)."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from qhu.registry import method
from qhu.training import Rows
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``qmul``."""

    similarity: Literal["probability", "logit"] = Field("probability")
    """outputs whose difference defines similar classes: the paper's or its authors' code's"""


@method("qmul", cites=["tong2025robust"])
def qmul(student: Learner, task: Task, options: Options) -> None:
    """Train the forget rows towards their most similar wrong class, balanced with the retain rows.

    Each epoch sets ỹ = argmin_{c≠y} |p_c − p_y| for every forget row, g_f and g_r to the mean norms
    of the batch gradients on (Df, ỹ) and Dr, w_f = g_r/(g_f + g_r) and w_r = g_f/(g_f + g_r). Each
    step descends on Σ_i w_i·CE_i / B over a batch of Dr ∪ (Df, ỹ).
    """
    x = torch.cat([task.retain.x, task.forget.x])
    is_forget = torch.arange(len(x), device=x.device) >= len(task.retain)
    for _ in student.epochs():
        similar = Rows(task.forget.x, similar_labels(student, task.forget, options.similarity))
        y = torch.cat([task.retain.y, similar.y])
        forget_weight, retain_weight = balance(
            gradient_norm(student, similar), gradient_norm(student, task.retain)
        )
        weights = torch.where(is_forget, forget_weight, retain_weight)
        for pick in student.picks(len(x)):
            losses = cross_entropy(student(x[pick]), y[pick], reduction="none")
            student.descend((weights[pick] * losses).mean())


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
    batches = [rows[pick] for pick in torch.arange(len(rows)).split(student.batch_size)]
    norms = [
        student.gradient(cross_entropy(student(batch.x, training=False), batch.y)).norm()
        for batch in batches
    ]
    return float(torch.stack(norms).mean())


def balance(forget_norm: float, retain_norm: float) -> tuple[float, float]:
    """Weights (w_f, w_r), sum 1, that give both parts gradients of equal size."""
    total = forget_norm + retain_norm
    return (retain_norm / total, forget_norm / total) if total else (0.5, 0.5)
