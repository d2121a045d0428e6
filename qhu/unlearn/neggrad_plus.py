"""NegGrad+ (Kurmanji et al., NeurIPS 2023)."""

from pydantic import Field

from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.task import PairOptions, Task


class Options(PairOptions):
    """Options of ``neggrad_plus``."""

    alpha: float = Field(0.95, ge=0, le=1)
    """weight of the retain loss; 1 is fine-tuning"""


@method("neggrad_plus", cites=["kurmanji2023unbounded"])
def neggrad_plus(student: Learner, task: Task, options: Options) -> None:
    """Descend on the retain rows and ascend on the forget rows, in every step.

    Each step descends on α·CE(Dr) − (1−α)·CE(Df).
    """
    for _ in student.epochs():
        for retain, forget in student.pairs(task.retain, task.forget, options.pairing):
            kept = cross_entropy(student(retain.x), retain.y)
            forgotten = cross_entropy(student(forget.x), forget.y)
            student.descend(options.alpha * kept - (1 - options.alpha) * forgotten)
