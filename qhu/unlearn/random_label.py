"""Random labels (Graves et al., AAAI 2021; as the baseline of SalUn, Fan et al., ICLR 2024)."""

from itertools import chain, repeat

import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.registry import method
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``random_label``."""

    exclude_true: bool = False
    """never draw a row's true label (Graves et al.); false: draw from all classes (SalUn)"""
    resample: bool = True
    """draw new labels every epoch; false: once"""

    def lacks(self, at: Circumstances) -> str | None:
        """A budget that holds no whole epoch."""
        return super().lacks(at) or at.cut_epoch()


@method("random_label", cites=["graves2021amnesiac", "fan2024salun"])
def random_label(student: Learner, task: Task, options: Options) -> None:
    """Train on random labels for the forget rows, then on the retain rows, epoch by epoch.

    Each epoch descends on CE(Df, ỹ), ỹ uniform over the classes, and then on CE(Dr); whole epochs
    only.
    """
    forget = task.forget
    for epoch in student.epochs(repeat(student.steps_of(task.forget, task.retain))):
        if epoch == 0 or options.resample:
            labels = draw_labels(student, task.forget.y, task.classes, options.exclude_true)
            forget = Rows(task.forget.x, labels)
        for batch in chain(student.batches(forget), student.batches(task.retain)):
            student.descend(cross_entropy(student(batch.x), batch.y))


def draw_labels(student: Learner, labels: Tensor, classes: int, exclude_true: bool) -> Tensor:
    """Uniform random labels (..., n), over all classes or over all but the given ones."""
    lowest, count = int(exclude_true), labels.shape[-1:]
    drawn = student.draws(lambda order: torch.randint(lowest, classes, count, generator=order))
    return (labels + drawn) % classes if exclude_true else drawn
