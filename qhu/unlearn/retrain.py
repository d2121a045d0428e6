"""Retraining from scratch: the oracle that every method is compared with."""

from collections.abc import Mapping

from qhu.registry import method
from qhu.settings.parts import Scope
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import TRAINING, MethodOptions, Task, unused


class Options(MethodOptions):
    """Options of ``retrain``."""

    scope: Scope | None = "all"
    """part of θ that is replaced; the oracle is whole, whatever the scope of other methods"""

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        return unused((*TRAINING, "steps"), "it trains as training says")


@method("retrain")
def retrain(student: Learner, task: Task, options: Options) -> None:
    """Train a fresh model on the retain rows: exact unlearning, the oracle.

    θ' = train(init, Dr), by the recipe of the teacher, outside the step budget.
    """
    student.load(task.retrain())
