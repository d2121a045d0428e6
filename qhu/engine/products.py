"""Many products of small factors in few tensor operations."""

from functools import reduce
from operator import mul

import torch
from torch import Tensor

from qhu.engine.constants import Constants


class Products:
    """Vectors whose every entry is a product of ``k`` entries of another vector.

    Args:
        places: where the factors of each of the E products are (k, E).
    """

    def __init__(self, places: Tensor) -> None:
        self._shape = places.shape
        self._constants = Constants()
        self._constants["places"] = places.reshape(-1)

    @classmethod
    def kron(cls, count: int, digits: int) -> "Products":
        """Kronecker product of vectors (count * digits,), the first the most significant."""
        place = torch.cartesian_prod(*[torch.arange(digits)] * count).reshape(-1, count).T
        return cls(place + digits * torch.arange(count)[:, None])

    @classmethod
    def kron_matrices(cls, count: int, side: int) -> "Products":
        """Kronecker product, row by row, of matrices (count * side**2,) given row by row."""
        digits = torch.cartesian_prod(*[torch.arange(side)] * count).reshape(-1, count).T
        place = (side * digits[:, :, None] + digits[:, None, :]).reshape(count, -1)
        return cls(place + side**2 * torch.arange(count)[:, None])

    def __call__(self, factors: Tensor) -> Tensor:
        """Products (..., E) of the factors (..., F)."""
        spread = factors.index_select(-1, self._constants.on(factors.device)["places"])
        return reduce(mul, spread.view(*factors.shape[:-1], *self._shape).unbind(-2))


def chain(matrices: Tensor) -> Tensor:
    """Product (..., d, d) of the k matrices in (..., k, d, d), the first applied first."""
    count = matrices.shape[-3]
    if count == 1:
        return matrices.squeeze(-3)
    if count % 2:
        return matrices.select(-3, count - 1) @ chain(matrices.narrow(-3, 0, count - 1))
    first, then = matrices.unflatten(-3, (count // 2, 2)).unbind(-3)
    return chain(then @ first)
