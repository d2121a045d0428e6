"""SCRUB (Kurmanji et al., NeurIPS 2023)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, repeat

from pydantic import Field
from torch import Tensor

from qhu.data.rows import Rows
from qhu.registry import method
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import beyond_rounding, cross_entropy, distillation
from qhu.unlearn.task import PairOptions, Task


class Options(PairOptions):
    """Options of ``scrub`` and ``scrub_rewind``."""

    msteps: int = Field(5, ge=0)
    """epochs that begin with a max epoch on the forget rows; fewer where the budget holds no tail
    of min epochs behind so many"""
    alpha: float = Field(0.5, ge=0)
    """weight of staying close to the teacher on the retain rows"""
    gamma: float = Field(1.0, ge=0)
    """weight of the cross-entropy on the retain rows"""
    temperature: float = Field(4.0, gt=0)
    """temperature T of both divergences"""
    floor: float = Field(
        0.0,
        ge=0,
        lt=1,
        json_schema_extra={"tune": "it bounds the divergences of the released protocol"},
    )
    """probabilities below it count as it in both divergences, which bounds them; 0: no bound"""
    joint: float | None = Field(
        None, ge=0, json_schema_extra={"tune": "another value is another method"}
    )
    """weight of leaving the teacher on the forget rows in every step, in place of max epochs, as
    arXiv 2512.19253 has it; null: max and min epochs in turn. ``pairing`` is for it alone"""

    def lacks(self, at: Circumstances) -> str | None:
        """A budget that holds no whole epoch."""
        alone = replace(at, forget={})  # without max epochs, over the retain rows
        cut = (at if self.msteps else alone).cut_epoch() if self.joint is None else None
        return super().lacks(at) or cut

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        if self.joint is None:
            return {"pairing": "it is for joint alone"}
        return {"msteps": "with joint every step leaves the teacher on the forget rows"}


@method("scrub", cites=["kurmanji2023unbounded"])
def scrub(student: Learner, task: Task, options: Options) -> None:
    """Leave the teacher on the forget rows, stay with it on the retain rows, in turn.

    Each of the first ``msteps`` epochs begins with a max epoch, which descends on
    −T²·KL(p_teacher ‖ p_student)(Df); every epoch ends with a min epoch, which descends on
    γ·CE(Dr) + α·T²·KL(p_teacher ‖ p_student)(Dr). Epochs are whole, and of the max epochs there are
    as many as leave a tail of min epochs (:func:`max_epochs`). With ``joint``, every step descends
    on the second plus that weight times the first.
    """
    for _ in alternate(student, task, options):
        pass


def alternate(student: Learner, task: Task, options: Options) -> Iterator[int]:
    """Run max and min epochs, or joint ones, until the budget is spent; yield after each epoch."""
    all_retain, all_forget = task.taught(task.retain), task.taught(task.forget)

    def divergence(rows: Rows, logits: Tensor) -> Tensor:
        assert rows.teacher is not None
        if options.joint is None:  # the released protocol starts from nothing but rounding
            logits = beyond_rounding(logits, rows.teacher)
        return distillation(logits, rows.teacher, options.temperature, options.floor)

    def stay(rows: Rows) -> Tensor:
        logits = student(rows.x)
        near = options.alpha * divergence(rows, logits)
        return options.gamma * cross_entropy(logits, rows.y) + near

    if options.joint is not None:
        for epoch in student.epochs():
            for retain, forget in student.pairs(all_retain, all_forget, options.pairing):
                kept = stay(retain)
                student.descend(kept - options.joint * divergence(forget, student(forget.x)))
            yield epoch
        return
    both, alone = student.steps_of(all_forget, all_retain), student.steps_of(all_retain)
    leading = max_epochs(student, both, alone, options.msteps)
    for epoch in student.epochs(chain(repeat(both, leading), repeat(alone))):
        if epoch < leading:
            for forget in student.batches(all_forget):
                student.descend(-divergence(forget, student(forget.x)))
        for retain in student.batches(all_retain):
            student.descend(stay(retain))
        yield epoch


def max_epochs(student: Learner, both: int, alone: int, msteps: int) -> int:
    """How many epochs begin with a max epoch: up to ``msteps``, while the budget holds their tail.

    The tail is that of the authors' notebook, which has three max epochs in five: for every three,
    two epochs without. A budget too small for any tail has one epoch with a max epoch.

    Args:
        student: whose budget it is.
        both: steps of an epoch that begins with a max epoch.
        alone: steps of an epoch that does not.
        msteps: as in :class:`Options`.
    """

    def fits(leading: int) -> bool:
        tail = -(-2 * leading // 3)
        steps, bound = leading * both + tail * alone, student.max_epochs
        return steps <= student.steps_left and (bound is None or leading + tail <= bound)

    leading = min(msteps, 1)
    while leading < msteps and fits(leading + 1):
        leading += 1
    return leading
