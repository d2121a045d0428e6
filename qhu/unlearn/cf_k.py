"""CF-k, catastrophic forgetting of the last k layers (Goel et al., arXiv 2201.06640)."""

from pydantic import Field

from qhu.registry import method
from qhu.unlearn.finetune import train
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``cf_k``."""

    k: int = Field(1, ge=1)
    """trainable layers that move, counted from the output over those in the scope"""


@method("cf_k", cites=["goel2022adversarial"])
def cf_k(student: Learner, task: Task, options: Options) -> None:
    """Fine-tune only the last k layers on the retain rows.

    Layers are counted over front, circuit and head; all but the last k are frozen. Each step
    descends on CE(Dr).
    """
    student.freeze(student.net.theta.last_layers(options.k, student.moving))
    train(student, task.retain)
