"""Which epoch of a training or an unlearning is kept."""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from qhu.model.theta import ModelState


@dataclass
class Best:
    """The best epoch so far, of equally good ones the first.

    Attributes:
        patience: epochs to wait for a better one.
        epoch: number of the best epoch.
        score: its score, higher is better.
        state: the model after it; None before the first.
    """

    patience: int
    epoch: int = 0
    score: float = -math.inf
    state: ModelState | None = None

    def goes_on(self, epoch: int, score: float, state: ModelState) -> bool:
        """Note an epoch; whether to train another one."""
        if score > self.score:
            self.epoch, self.score, self.state = epoch, score, state.clone()
        return epoch - self.epoch < self.patience


def measure_epoch(logits: Tensor, y: Tensor, select: str) -> tuple[Tensor, Tensor]:
    """What an epoch is selected by, and its score, which is higher for a better epoch.

    Args:
        logits: (..., B, C).
        y: labels (..., B).
        select: as in :class:`~qhu.settings.parts.Selection`.
    """
    if select == "test_accuracy":
        accuracy = (logits.argmax(dim=-1) == y).float().mean(dim=-1)
        return accuracy, accuracy
    loss = cross_entropy(logits, y)
    return loss, -loss


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy (...) of every model of logits (..., B, C) and labels (..., B)."""
    return row_losses(logits, y).mean(dim=-1)


def row_losses(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy (..., B) of every row."""
    flat = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none")
    return flat.reshape(y.shape)
