"""SCRUB+R: SCRUB with a rewind (Kurmanji et al., NeurIPS 2023)."""

import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.model.theta import ModelState
from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.scrub import Options, alternate
from qhu.unlearn.task import Task


@method("scrub_rewind", cites=["kurmanji2023unbounded"])
def scrub_rewind(student: Learner, task: Task, options: Options) -> dict[str, float] | None:
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
    reference = float(_wrong(student, student.state, task.val) @ unseen)
    errors = [float(_wrong(student, state, task.forget).mean()) for state in checkpoints]
    best = closest(errors, reference)
    student.load(checkpoints[best])
    return {"epoch": best, "forget_error": errors[best], "reference_error": reference}


def closest(errors: list[float], reference: float) -> int:
    """Index of the error closest to the reference, the last one of several."""
    return min(range(len(errors)), key=lambda i: (abs(errors[i] - reference), -i))


def validation_weights(task: Task) -> Tensor:
    """Weights (n,) of the validation rows, sum 1, under which classes are as frequent as in Df.

    Raises:
        UserError: no validation row has a forgotten class.
    """
    wanted = torch.bincount(task.forget.y, minlength=task.classes).float()
    there = torch.bincount(task.val.y, minlength=task.classes)
    weights = (wanted / there.clamp(min=1))[task.val.y]
    if not weights.any():
        raise UserError(
            "scrub_rewind needs validation rows of the forgotten classes: raise data.val"
        )
    return weights / weights.sum()


def _wrong(student: Learner, state: ModelState, rows: Rows) -> Tensor:
    """1 where a checkpoint errs, else 0 (n,)."""
    return (student.net.infer(state, rows.x).argmax(dim=1) != rows.y).float()
