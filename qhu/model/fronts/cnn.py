"""The convolutional front of arXiv 2512.19253."""

import math

import torch
from torch import Tensor, nn

from qhu.errors import UserError
from qhu.registry import Options, front


@front("cnn", cites=["crivoi2025quantum"])
def cnn(shape: tuple[int, ...], outputs: int, options: Options) -> nn.Sequential:
    """Two convolutions and a linear layer, for images; angles in (−π, π).

    Raises:
        UserError: the samples are no images, or too small.
    """
    if len(shape) != 2 or min(shape) < 4:
        raise UserError(f"model.front cnn takes images of 4 × 4 pixels or more, not shape {shape}")
    return nn.Sequential(
        ToImage(),
        *_convolution(1, 16),
        *_convolution(16, 32),
        nn.Flatten(),
        nn.Linear(32 * (shape[0] // 4) * (shape[1] // 4), outputs),
        ToAngles(),
    )


class ToImage(nn.Module):
    """One channel, laid out last in memory: convolutions run on that twice as fast."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, height, width) to (B, 1, height, width)."""
        return x.unsqueeze(-1).movedim(-1, 1)


class ToAngles(nn.Module):
    """π·tanh: any number to an angle in (−π, π)."""

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise, any shape."""
        return math.pi * torch.tanh(x)


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """3 × 3 convolution that keeps the size, a pooling that halves it, and ReLU.

    ReLU before the pooling gives the same values and gradients on four times the entries.
    """
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()
