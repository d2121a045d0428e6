"""Gradient ascent held back by an elastic penalty (EWC: Kirkpatrick et al., PNAS 2017)."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from qhu.registry import method
from qhu.unlearn.fisher import fisher_diagonal, squared_gradients
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``ewc_ascent``."""

    lr: float | None = Field(3e-3, gt=0)
    """learning rate"""
    penalty: float = Field(100.0, ge=0)
    """λ, the weight of the penalty; 0 is gradient ascent"""
    fisher: Literal["retain", "forget"] = Field(
        "retain", json_schema_extra={"tune": "another value is another method"}
    )
    """F: Fisher information of the retain rows; or, as arXiv 2512.19253 has it, the mean squared
    batch gradient of the forget rows' own loss"""

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        return {} if self.penalty else {"fisher": "penalty is 0"}


@method("ewc_ascent", cites=["kirkpatrick2017overcoming"])
def ewc_ascent(student: Learner, task: Task, options: Options) -> None:
    """Ascend on the forget rows, but hold on to what the retain rows depend on.

    Each step descends on −CE(Df) + (λ/2)·Σ_i F_i·(θ_i − θ0_i)², with θ0 the teacher and F the
    diagonal Fisher information of the retain rows at θ0.
    """
    if options.fisher == "retain":
        fisher = fisher_diagonal(student, task.retain)
    else:
        fisher = squared_gradients(student, task.forget)
    for _ in student.epochs():
        for forget in student.batches(task.forget):
            drift = (fisher * (student.theta - task.teacher.theta).square()).sum(dim=-1)
            ascent = -cross_entropy(student(forget.x), forget.y)
            student.descend(ascent + options.penalty / 2 * drift)
