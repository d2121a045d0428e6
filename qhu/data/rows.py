"""Samples and labels that go through a network together."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Samples that belong together: x (n, ...) and labels y (n,); of m models (m, n, ...).

    ``teacher`` holds a frozen teacher's logits (n, C) where somebody needs them again and again.
    """

    x: Tensor
    y: Tensor
    teacher: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: Tensor | tuple[Tensor, ...]) -> "Rows":
        teacher = None if self.teacher is None else self.teacher[index]
        return Rows(self.x[index], self.y[index], teacher)
