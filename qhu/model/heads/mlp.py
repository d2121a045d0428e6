"""Hidden layers of any width."""

from typing import Annotated

from pydantic import Field
from torch import nn

from qhu.registry import Options as Base
from qhu.registry import head


class Options(Base):
    """Options of ``mlp``."""

    hidden: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = Field((16,), max_length=100)
    """widths of the hidden layers"""
    batch_norm: bool = False
    """normalise after every hidden linear layer"""
    dropout: float = Field(0.0, ge=0, lt=1)
    """probability of dropping a unit after the last hidden layer"""


@head("mlp")
def mlp(inputs: int, classes: int, options: Options) -> nn.Sequential:
    """Hidden linear layers with ReLU, then one to the logits."""
    modules: list[nn.Module] = []
    for width in options.hidden:
        # Batch norm takes any bias away again: its gradient would be rounding noise that Adam
        # blows up to full steps.
        modules.append(nn.Linear(inputs, width, bias=not options.batch_norm))
        modules += [nn.BatchNorm1d(width)] if options.batch_norm else []
        modules.append(nn.ReLU())
        inputs = width
    modules += [nn.Dropout(options.dropout)] if options.dropout else []
    return nn.Sequential(*modules, nn.Linear(inputs, classes))
