"""Label-Complement Augmentation (Crivoi & Ionescu, arXiv 2512.19253)."""

import torch
from pydantic import Field

from qhu.data.rows import Rows
from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import complement_cross_entropy, cross_entropy
from qhu.unlearn.task import PairOptions, Task


class Options(PairOptions):
    """Options of ``lca``."""

    beta: float = Field(1.0, ge=0)
    """weight of the forget rows; 0 is fine-tuning"""
    copies: bool = Field(False, json_schema_extra={"tune": "both are the same loss on average"})
    """batches of single (row, wrong label) pairs instead of rows with all their wrong labels: the
    same loss on average, of fewer rows per step"""


@method("lca", cites=["crivoi2025quantum"])
def lca(student: Learner, task: Task, options: Options) -> None:
    """Train the forget rows towards all wrong classes alike, beside the retain rows.

    Each step descends on CE(Dr) + β·CE({(x, c): (x, y) in Df, c ≠ y}). The copies with every wrong
    label are one soft target, q_c = 1/(C−1) for c ≠ y: the same loss, C−1 times cheaper.
    """
    forget = wrong_copies(task.forget, task.classes) if options.copies else task.forget
    for _ in student.epochs():
        for retain, wrong in student.pairs(task.retain, forget, options.pairing):
            kept = cross_entropy(student(retain.x), retain.y)
            logits = student(wrong.x)
            loss = cross_entropy if options.copies else complement_cross_entropy
            student.descend(kept + options.beta * loss(logits, wrong.y))


def wrong_copies(rows: Rows, classes: int) -> Rows:
    """C−1 copies of every row, each with another wrong label, copies of a row side by side."""
    shifts = torch.arange(1, classes, device=rows.y.device)
    labels = (rows.y[..., None] + shifts) % classes
    copies = rows.x.repeat_interleave(classes - 1, dim=rows.y.ndim - 1)
    return Rows(copies, labels.flatten(-2))
