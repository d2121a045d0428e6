"""No front."""

from torch import nn

from qhu.errors import UserError
from qhu.registry import Options, front


@front("none")
def none(shape: tuple[int, ...], outputs: int, options: Options) -> nn.Module:
    """Passes the features of a sample on.

    Raises:
        UserError: the samples are no rows of features.
    """
    if len(shape) != 1:
        raise UserError(f"samples of shape {shape} need a front: set model.front to cnn")
    return nn.Identity()
