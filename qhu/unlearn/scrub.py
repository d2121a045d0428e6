"""SCRUB (Kurmanji et al., NeurIPS 2023)."""

from collections import deque
from collections.abc import Iterator

from pydantic import Field
from torch.nn.functional import cross_entropy

from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import distillation
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``scrub`` and ``scrub_rewind``."""

    msteps: int = Field(5, ge=0)
    """epochs that begin with a max epoch on the forget rows"""
    alpha: float = Field(0.5, ge=0)
    """weight of staying close to the teacher on the retain rows"""
    gamma: float = Field(1.0, ge=0)
    """weight of the cross-entropy on the retain rows"""
    temperature: float = Field(4.0, gt=0)
    """temperature T of both divergences"""


@method("scrub", cites=["kurmanji2023unbounded"])
def scrub(student: Learner, task: Task, options: Options) -> None:
    """Leave the teacher on the forget rows, stay with it on the retain rows, in turn.

    Each of the first ``msteps`` epochs begins with a max epoch, which descends on
    −T²·KL(p_teacher ‖ p_student)(Df); every epoch ends with a min epoch, which descends on
    γ·CE(Dr) + α·T²·KL(p_teacher ‖ p_student)(Dr).
    """
    deque(alternate(student, task, options), maxlen=0)


def alternate(student: Learner, task: Task, options: Options) -> Iterator[int]:
    """Run max and min epochs until the budget is spent; yield after each epoch."""
    temperature = options.temperature
    for epoch in student.epochs():
        if epoch < options.msteps:
            for forget in student.batches(task.forget):
                teacher = task.teacher_logits(forget.x)
                student.descend(-distillation(student(forget.x), teacher, temperature))
        for retain in student.batches(task.retain):
            teacher, logits = task.teacher_logits(retain.x), student(retain.x)
            student.descend(
                options.gamma * cross_entropy(logits, retain.y)
                + options.alpha * distillation(logits, teacher, temperature)
            )
        yield epoch
