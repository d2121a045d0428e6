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

    def __call__(self, factors: Tensor) -> Tensor:
        """Products (..., E) of the factors (..., F)."""
        spread = factors.index_select(-1, self._constants.on(factors.device)["places"])
        if self._shape[0] == 1:
            return spread
        return reduce(mul, spread.view(*factors.shape[:-1], *self._shape).unbind(-2))


class KronMatrices:
    """Kronecker product, row by row, of matrices (count * side**2,) given row by row.

    Args:
        count: number of factors, the first the most significant.
        side: their rows and columns.
    """

    def __init__(self, count: int, side: int) -> None:
        # Of four matrices, first pairs and then the pairs: half the work of all four at once.
        paired = count > 2 and count % 2 == 0
        pairs = [_kron_places(2, side) + n * 2 * side**2 for n in range(count // 2)]
        self._pairs = Products(torch.cat(pairs, dim=1)) if paired else None
        self._whole = Products(
            _kron_places(count // 2, side**2) if paired else _kron_places(count, side)
        )

    def __call__(self, factors: Tensor) -> Tensor:
        """Entries (..., side**(2 * count)) of the product of the factors (..., F)."""
        return self._whole(factors if self._pairs is None else self._pairs(factors))


def _kron_places(count: int, side: int) -> Tensor:
    """Places (count, side**(2 * count)) of the factors of every entry of a Kronecker product."""
    digits = torch.cartesian_prod(*[torch.arange(side)] * count).reshape(-1, count).T
    place = (side * digits[:, :, None] + digits[:, None, :]).reshape(count, -1)
    return place + side**2 * torch.arange(count)[:, None]


def chain(matrices: Tensor) -> Tensor:
    """Product (..., d, d) of the k matrices in (..., k, d, d), the first applied first."""
    count = matrices.shape[-3]
    if count <= 3:
        return reduce(lambda first, then: then @ first, matrices.unbind(-3))
    if count % 2:
        return matrices.select(-3, count - 1) @ chain(matrices.narrow(-3, 0, count - 1))
    first, then = matrices.unflatten(-3, (count // 2, 2)).unbind(-3)
    return chain(then @ first)
