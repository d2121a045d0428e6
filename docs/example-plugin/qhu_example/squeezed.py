"""A front for rows."""

from torch import nn

import qhu


@qhu.front("squeezed")
def squeezed(shape: tuple[int, ...], outputs: int, options: qhu.Options) -> nn.Module:
    """A linear layer with outputs in (−1, 1)."""
    return nn.Sequential(nn.Linear(shape[0], outputs), nn.Tanh())
