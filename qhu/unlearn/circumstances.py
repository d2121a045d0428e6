"""What a method finds where it is asked to unlearn, known before anything is trained."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Circumstances:
    """What a method finds; its options say by :meth:`~qhu.unlearn.task.MethodOptions.lacks` what of
    it does not do.

    Attributes:
        steps: optimiser steps of its budget; None: no bound but epochs.
        batch_size: rows per step.
        lr: its learning rate.
        layers: trainable layers in its scope.
        retain: training rows to keep.
        forget: training rows to forget, by class.
        val: validation rows, by class.
    """

    steps: int | None
    batch_size: int
    lr: float
    layers: int
    retain: int
    forget: Mapping[int, int]
    val: Mapping[int, int]

    def steps_of(self, *rows: int) -> int:
        """Steps that a pass over each of so many rows takes."""
        return sum(-(-count // self.batch_size) for count in rows)

    def cut_epoch(self) -> str | None:
        """Why no whole epoch over forget and retain rows fits; None: one does."""
        needed = self.steps_of(sum(self.forget.values()), self.retain)
        if self.steps is None or not 0 < self.steps < needed:
            return None
        return (
            f"it spends whole epochs: one takes {needed} steps and the budget has {self.steps}; "
            "raise steps or unlearning.batch_size"
        )
