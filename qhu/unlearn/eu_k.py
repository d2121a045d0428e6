"""EU-k, exact unlearning of the last k layers (Goel et al., arXiv 2201.06640)."""

from pydantic import Field

from qhu.registry import method
from qhu.unlearn.finetune import train
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``eu_k``."""

    k: int = Field(1, ge=1)
    """trainable layers that are retrained, counted from the output over those in the scope"""
    frozen: bool = Field(True, json_schema_extra={"tune": "another value is another method"})
    """the other layers stay as they are; false: they go on training, as in arXiv 2512.19253"""


@method("eu_k", cites=["goel2022adversarial"])
def eu_k(student: Learner, task: Task, options: Options) -> None:
    """Reset the last k layers to where training began and retrain only them on the retain rows.

    Layers are counted over front, circuit and head; all but the last k are frozen, and so still
    hold what they learnt from the forget rows. Each step descends on CE(Dr).
    """
    if not student.steps_left:  # a reset is the first part of a retraining, and none by itself
        return
    last = student.net.theta.last_layers(options.k, student.moving)
    student.load(task.init, last)
    if options.frozen:
        student.freeze(last)
    train(student, task.retain)
