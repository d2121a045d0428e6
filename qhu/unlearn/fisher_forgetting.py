"""Fisher forgetting (Golatkar et al., CVPR 2020)."""

from typing import Literal

from pydantic import Field

from qhu.registry import method
from qhu.unlearn.fisher import fisher_diagonal
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import OneStepOptions, Task

EXPONENT = {"paper": 0.25, "notebook": 0.5}


class Options(OneStepOptions):
    """Options of ``fisher_forgetting``."""

    form: Literal["paper", "notebook"] = Field(
        "paper", json_schema_extra={"tune": "another value is another method"}
    )
    """standard deviation of the noise: (noise/F)^¼ in the paper, (noise/F)^½ in its notebook"""
    noise: float = Field(1e-6, gt=0)
    """λσ² of the paper, or α of its notebook (there 1e-6 … 3e-6)"""
    largest: float = Field(1e3, gt=0)
    """bound on 1/F, as in the notebook: entries that no retain row depends on get finite noise"""


@method("fisher_forgetting", cites=["golatkar2020eternal"])
def fisher_forgetting(student: Learner, task: Task, options: Options) -> None:
    """Add noise to θ, most where the retain rows do not depend on it; no training.

    θ'_i = θ_i + (λσ²/F_i)^¼·n_i with n ~ N(0, Id) and F the diagonal Fisher information of the
    retain rows. One step of the budget.
    """
    if not student.steps_left:
        return
    inverse = fisher_diagonal(student, task.retain).reciprocal().clamp(max=options.largest)
    spread = (options.noise * inverse) ** EXPONENT[options.form]
    student.move(student.theta + spread * student.noise())
