"""Gradient ascent on the forget rows (Graves et al., AAAI 2021; Thudi et al., EuroS&P 2022)."""

from pydantic import Field

from qhu.data.rows import Rows
from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``gradient_ascent``."""

    lr: float | None = Field(1e-3, gt=0)
    """learning rate; small, because nothing but the budget bounds the loss"""


@method("gradient_ascent", cites=["graves2021amnesiac", "thudi2022unrolling"])
def gradient_ascent(student: Learner, task: Task, options: Options) -> None:
    """Ascend on the loss of the forget rows; nothing protects the retain rows.

    Each step descends on −CE(Df).
    """
    ascend(student, task.forget)


def ascend(student: Learner, rows: Rows) -> None:
    """Climb the cross-entropy of the rows until the budget is spent."""
    for _ in student.epochs():
        for batch in student.batches(rows):
            student.descend(-cross_entropy(student(batch.x), batch.y))
