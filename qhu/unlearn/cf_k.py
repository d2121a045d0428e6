"""CF-k, catastrophic forgetting of the last k layers (Goel et al., arXiv 2201.06640)."""

from typing import Literal

from pydantic import Field

from qhu.registry import method
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.finetune import train
from qhu.unlearn.gradient_ascent import ascend
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``cf_k``."""

    k: int = Field(1, ge=1)
    """number of layers, counted over those in the scope"""
    move: Literal["last", "rest"] = Field(
        "last", json_schema_extra={"tune": "another value is another method"}
    )
    """``last``: only the last k layers move; ``rest``: the first k stay and all others move"""
    ascend: bool = Field(False, json_schema_extra={"tune": "another value is another method"})
    """climb the loss of the forget rows instead of fine-tuning on the retain rows"""

    def lacks(self, at: Circumstances) -> str | None:
        """Layers behind the first k."""
        if self.move == "rest" and self.k >= at.layers:
            return f"k {self.k} leaves none of the {at.layers} layers in its scope to move: lower k"
        return super().lacks(at)


@method("cf_k", cites=["goel2022adversarial"])
def cf_k(student: Learner, task: Task, options: Options) -> None:
    """Fine-tune only the last k layers on the retain rows.

    Layers are counted over front, circuit and head; all but the last k are frozen. Each step
    descends on CE(Dr). With ``move: rest`` and ``ascend`` it is what arXiv 2512.19253 calls CF-k:
    gradient ascent on Df behind a frozen input side.
    """
    theta = student.net.theta
    if options.move == "last":
        student.freeze(theta.last_layers(options.k, student.moving))
    else:
        student.freeze(~theta.first_layers(options.k, student.moving))
    if options.ascend:
        ascend(student, task.forget)
    else:
        train(student, task.retain)
