"""Samples and labels that go through a network together."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Samples that belong together: x (n, ...) and labels y (n,); of m models (m, n, ...).

    Its length is n, the rows of one model. ``teacher`` holds a frozen teacher's logits (n, C) where
    somebody needs them again and again.
    """

    x: Tensor
    y: Tensor
    teacher: Tensor | None = None

    def __len__(self) -> int:
        return self.y.shape[-1]

    def __getitem__(self, index: Tensor | tuple[Tensor, ...]) -> "Rows":
        teacher = None if self.teacher is None else self.teacher[index]
        return Rows(self.x[index], self.y[index], teacher)

    def pick(self, numbers: Tensor) -> "Rows":
        """Rows by their numbers (b,); of m models the same, or of each its own (m, b)."""
        if self.y.ndim == 1:
            return self[numbers]
        return self[torch.arange(len(self.y))[:, None], numbers]


def joined(first: Rows, second: Rows) -> Rows:
    """Rows of the first, then of the second; with teacher logits if both have them."""
    dim = first.y.ndim - 1
    x, y = torch.cat([first.x, second.x], dim), torch.cat([first.y, second.y], dim)
    if first.teacher is None or second.teacher is None:
        return Rows(x, y)
    return Rows(x, y, torch.cat([first.teacher, second.teacher], dim))


def stacked(sets: Sequence[Rows]) -> Rows:
    """Equally many rows of m models: x (m, n, ...) and y (m, n)."""
    return Rows(torch.stack([rows.x for rows in sets]), torch.stack([rows.y for rows in sets]))
