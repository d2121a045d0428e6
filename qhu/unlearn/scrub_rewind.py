"""SCRUB+R: SCRUB with a rewind (Kurmanji et al., NeurIPS 2023)."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.model.theta import ModelState
from qhu.registry import method
from qhu.unlearn import scrub
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.learner import Learner
from qhu.unlearn.scrub import alternate
from qhu.unlearn.task import Task


class Options(scrub.Options):
    """Options of ``scrub_rewind``, those of ``scrub``."""

    def lacks(self, at: Circumstances) -> str | None:
        """Validation rows of the forgotten classes, too."""
        if not at.forget.keys() & {label for label, count in at.val.items() if count}:
            return "it needs validation rows of the forgotten classes: raise data.val"
        return super().lacks(at)

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        return {**super().idle(), "patience": "it selects an epoch by itself"}


@method("scrub_rewind", cites=["kurmanji2023unbounded"])
def scrub_rewind(student: Learner, task: Task, options: Options) -> dict[str, Tensor] | None:
    """SCRUB, then return to the epoch whose forget error is that of data never seen.

    The reference is the final model's error on validation rows distributed over the classes like
    Df. The checkpoint returned is the one whose error on Df is closest to it; of equally close
    ones the latest, which has been repaired on Dr for longest.

    Raises:
        UserError: no validation row has a forgotten class.
    """
    unseen = validation_weights(task)
    student.patience = None  # it selects an epoch by itself
    checkpoints = [student.state.clone() for _ in alternate(student, task, options)]
    if not checkpoints:
        return None
    reference = (_wrong(student, student.state, task.val) * unseen).sum(dim=-1)
    errors = torch.stack([_wrong(student, at, task.forget).mean(dim=-1) for at in checkpoints])
    best = closest(errors, reference)
    student.load(student.chosen(checkpoints, best))
    return {
        "epoch": best,
        "forget_error": errors.gather(0, best[None])[0],
        "reference_error": reference,
    }


def closest(errors: Tensor, reference: Tensor) -> Tensor:
    """Of errors (E, ...) the index of the one closest to the reference, the last of several."""
    latest_first = (errors - reference).abs().flip(0)
    return len(errors) - 1 - latest_first.argmin(dim=0)


def validation_weights(task: Task) -> Tensor:
    """Weights (..., n) of the validation rows, sum 1, under which classes are as frequent as in Df.

    Raises:
        UserError: no validation row has a forgotten class.
    """
    wanted, there = (one_hot(rows.y, task.classes).sum(dim=-2) for rows in (task.forget, task.val))
    weights = (wanted / there.clamp(min=1)).gather(-1, task.val.y)
    if not weights.any(dim=-1).all():
        raise UserError(
            "scrub_rewind needs validation rows of the forgotten classes: raise data.val"
        )
    return weights / weights.sum(dim=-1, keepdim=True)


def _wrong(student: Learner, state: ModelState, rows: Rows) -> Tensor:
    """1 where a checkpoint errs, else 0 (..., n)."""
    return (student.net.infer(state, rows.x).argmax(dim=-1) != rows.y).float()
