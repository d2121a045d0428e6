"""No unlearning: the control that every method has to beat."""

from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions, Task


@method("none")
def none(student: Learner, task: Task, options: MethodOptions) -> None:
    """Leave the teacher as it is: what a method that does nothing would score."""
