"""Label-Complement Augmentation (Crivoi & Ionescu, arXiv 2512.19253)."""

from pydantic import Field
from torch.nn.functional import cross_entropy

from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import complement_cross_entropy
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``lca``."""

    beta: float = Field(1.0, ge=0)
    """weight of the forget rows; 0 is fine-tuning"""


@method("lca", cites=["crivoi2025quantum"])
def lca(student: Learner, task: Task, options: Options) -> None:
    """Train the forget rows towards all wrong classes alike, beside the retain rows.

    Each step descends on CE(Dr) + β·CE({(x, c): (x, y) in Df, c ≠ y}). The copies with every wrong
    label are one soft target, q_c = 1/(C−1) for c ≠ y: the same loss, C−1 times cheaper.
    """
    for _ in student.epochs():
        for retain, forget in zip(
            student.batches(task.retain), student.cycle(task.forget), strict=False
        ):
            kept = cross_entropy(student(retain.x), retain.y)
            complement = complement_cross_entropy(student(forget.x), forget.y)
            student.descend(kept + options.beta * complement)
