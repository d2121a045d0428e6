"""No unlearning: the control that every method has to beat."""

from collections.abc import Mapping

from qhu.registry import method
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions, Task, unused


class Options(MethodOptions):
    """Options of ``none``: those of all methods, none of which it uses."""

    def lacks(self, at: Circumstances) -> str | None:
        """Nothing: it moves nothing."""
        return None

    def idle(self) -> Mapping[str, str]:
        """All of them."""
        return unused(tuple(MethodOptions.model_fields), "it does nothing")


@method("none")
def none(student: Learner, task: Task, options: Options) -> None:
    """Leave the teacher as it is: what a method that does nothing would score."""
