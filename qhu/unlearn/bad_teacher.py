"""Unlearning with a bad teacher (Chundawat et al., AAAI 2023)."""

import math
from dataclasses import replace

import torch
from pydantic import Field

from qhu.data.rows import joined
from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import beyond_rounding, distillation
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``bad_teacher``."""

    lr: float | None = Field(3e-3, gt=0)
    """learning rate"""
    retain_share: float = Field(0.3, gt=0, le=1)
    """share of the retain rows that is taught beside the forget rows, drawn once"""
    temperature: float = Field(1.0, gt=0)
    """temperature T of the divergence"""


@method("bad_teacher", cites=["chundawat2023can"])
def bad_teacher(student: Learner, task: Task, options: Options) -> None:
    """Learn the forget rows from an untrained model, and some retain rows from the teacher.

    Each step descends on T²·KL(p_target ‖ p_student) over a batch of Df and a share of Dr. The
    target of a forget row is the output of the state that the teacher's training started from,
    which has seen no data; that of a retain row the teacher's own.
    """
    count = math.ceil(options.retain_share * len(task.retain))
    drawn = student.draws(lambda order: torch.randperm(len(task.retain), generator=order)[:count])
    untrained = replace(task.forget, teacher=task.net.infer(task.init, task.forget.x))
    rows = joined(untrained, task.taught(task.retain.pick(drawn)))
    for _ in student.epochs():
        for batch in student.batches(rows):
            assert batch.teacher is not None
            logits = beyond_rounding(student(batch.x), batch.teacher)
            student.descend(distillation(logits, batch.teacher, options.temperature))
