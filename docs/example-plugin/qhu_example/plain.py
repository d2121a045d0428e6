"""The smallest head."""

from torch import nn

import qhu


@qhu.head("plain")
def plain(inputs: int, classes: int, options: qhu.Options) -> nn.Module:
    """A linear layer to the logits."""
    return nn.Linear(inputs, classes)
