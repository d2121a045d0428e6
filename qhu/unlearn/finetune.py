"""Fine-tuning on the retain rows."""

from qhu.data.rows import Rows
from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.task import MethodOptions, Task


@method("finetune", cites=["golatkar2020eternal"])
def finetune(student: Learner, task: Task, options: MethodOptions) -> None:
    """Go on training on the retain rows alone and let the rest fade.

    Each step descends on CE(Dr). The baseline of Golatkar et al. (CVPR 2020) and others.
    """
    train(student, task.retain)


def train(student: Learner, rows: Rows) -> None:
    """Descend on the cross-entropy of the rows until the budget is spent."""
    for _ in student.epochs():
        for batch in student.batches(rows):
            student.descend(cross_entropy(student(batch.x), batch.y))
