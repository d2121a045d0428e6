"""One-qubit gates as trigonometric polynomials, evaluated for a whole circuit at once.

A rotation by ``a`` is ``exp(ia/2) C + exp(-ia/2) C'`` with constant matrices. A product of
rotations is therefore a Fourier series: a sum of ``exp(i alpha) C`` where each ``alpha`` is a
combination of the angles. So no matrices are multiplied when a program runs: it takes the sines of
all ``alpha`` and multiplies them by a constant table.
"""

from collections.abc import Mapping, Sequence
from math import pi, prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qhu.engine.angles import AngleTable, scaled
from qhu.engine.constants import Constants
from qhu.engine.gates import PAULI, Matrix
from qhu.engine.polynomials import Terms

Key = tuple[tuple[tuple[int, ...], float], ...]
"""The polynomial ``alpha``, without its constant, as sorted items; empty for the constant part."""
Coefficients = Mapping[float, Matrix]
"""A rotation by an angle: matrices of ``exp(i f angle)`` by their frequency f."""

_SIGMA = np.stack([np.eye(2), PAULI["x"], PAULI["y"], PAULI["z"]])


class Series:
    """A matrix-valued trigonometric polynomial of the parameters.

    Args:
        terms: matrices (d, d) of ``exp(i alpha)`` by their ``alpha``.
        angles: how many rotations were multiplied.
    """

    def __init__(self, terms: dict[Key, Matrix], angles: int = 0) -> None:
        self.terms, self.angles = terms, angles

    @classmethod
    def constant(cls, matrix: Matrix) -> "Series":
        """The series of a constant matrix."""
        return cls({(): matrix})

    @classmethod
    def rotation(cls, coefficients: Coefficients, angle: Terms) -> "Series":
        """The series of a rotation by ``angle``."""
        variable = {product: c for product, c in angle.items() if product}
        total = cls({}, angles=1 if variable else 0)
        for frequency, matrix in coefficients.items():
            key = _key(scaled(variable, frequency))
            phase = np.exp(1j * frequency * angle.get((), 0.0))
            total.terms[key] = total.terms.get(key, 0) + phase * matrix
        return total

    @classmethod
    def identity(cls, side: int) -> "Series":
        """The series of an identity matrix."""
        return cls.constant(np.eye(side, dtype=complex))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the matrices."""
        return next(iter(self.terms.values())).shape

    def on(self, vector: Matrix) -> "Series":
        """The series of the columns (d, 1) that the matrices make of a constant vector (d, 1)."""
        products = {key: matrix @ vector for key, matrix in self.terms.items()}
        return Series(products, self.angles)

    def then(self, later: "Series") -> "Series":
        """The product ``later @ self``."""
        product: dict[Key, Matrix] = {}
        for left, a in later.terms.items():
            for right, b in self.terms.items():
                key = _sum(left, right)
                product[key] = product.get(key, 0) + a @ b
        return Series(product, self.angles + later.angles)

    def transfer(self) -> "Series":
        """Pauli transfer matrix (4, 4), real, of ``rho -> U rho U†`` in the basis I, X, Y, Z."""
        product: dict[Key, Matrix] = {}
        for left, a in self.terms.items():
            for right, b in self.terms.items():
                key = _sum(left, _negative(right))
                entry = np.einsum("iab,bc,jcd,ad->ij", _SIGMA, a, _SIGMA, b.conj()) / 2
                product[key] = product.get(key, 0) + entry
        return Series(product, self.angles)

    def waves(self) -> list[tuple[Key, float, Matrix]]:
        """The same as a sum of ``sin(alpha + shift) M``: triples of alpha, shift and M."""
        waves = []
        for key, matrix in sorted(self.terms.items()):
            opposite = self.terms.get(_negative(key), np.zeros_like(matrix))
            if not key:
                waves.append((key, pi / 2, matrix))
            elif key > _negative(key) or _negative(key) not in self.terms:
                waves.append((key, pi / 2, matrix + opposite))
                waves.append((key, 0.0, 1j * (matrix - opposite)))
        return waves


def rotation_about(axis: str) -> Coefficients:
    """Frequencies of ``exp(-i angle/2 P)``."""
    identity = np.eye(2, dtype=complex)
    return {0.5: (identity - PAULI[axis]) / 2, -0.5: (identity + PAULI[axis]) / 2}


class SeriesTable:
    """Evaluates ``S`` series of the parameters of one source.

    Args:
        series: the series, all with matrices of one shape.
        columns: numbers of the source's parameters.
        dtype: dtype of the matrices, complex or real.
    """

    def __init__(
        self, series: Sequence[Series], columns: Sequence[int], dtype: torch.dtype
    ) -> None:
        waves = [own.waves() for own in series]
        size = max(len(own) for own in waves)
        angles: list[Terms] = []
        tables = np.zeros((len(series), size, prod(series[0].shape)), dtype=complex)
        for table, own in zip(tables, waves, strict=True):
            for row, (key, shift, matrix) in enumerate(own):
                angles.append(scaled(dict(key), 1.0, shift))
                table[row] = matrix.reshape(-1)
            angles += [{}] * (size - len(own))
        real = dtype.to_real()
        self._complex = dtype.is_complex
        table = _as_real(tables, self._complex)
        if (table == table[:1]).all():
            table = table[0]
        self._angles = AngleTable(angles, columns, real)
        self._shape = (len(series), size)
        self._constants = Constants()
        self._constants["table"] = torch.tensor(table, dtype=real)

    def __call__(self, values: Tensor) -> Tensor:
        """Matrices (..., S, rows * columns), row by row, at the values (..., P) of the source."""
        table = self._constants.on(values.device)["table"]
        features = self._angles(values).sin()
        features = features.view(*features.shape[:-1], *self._shape)
        if table.ndim == 2:
            entries = features @ table
        elif features.ndim == 2:
            entries = torch.bmm(features.unsqueeze(1), table).squeeze(1)
        else:
            # As einsum("...sf,sfe->...se"), whose own bookkeeping takes longer than the product.
            rows = features.reshape(-1, *self._shape).transpose(0, 1)
            entries = (rows @ table).transpose(0, 1).reshape(*features.shape[:-1], table.shape[-1])
        if not self._complex:
            return entries
        return torch.view_as_complex(entries.unflatten(-1, (-1, 2)))


def _as_real(tables: NDArray[np.complex128], pairs: bool) -> NDArray[np.float64]:
    if not pairs:
        return tables.real
    return np.stack([tables.real, tables.imag], axis=-1).reshape(*tables.shape[:-1], -1)


def _key(terms: Terms) -> Key:
    return tuple(sorted((product, c) for product, c in terms.items() if c != 0.0))


def _sum(left: Key, right: Key) -> Key:
    total = dict(left)
    for product, coefficient in right:
        total[product] = total.get(product, 0.0) + coefficient
    return _key(total)


def _negative(key: Key) -> Key:
    return tuple((product, -coefficient) for product, coefficient in key)
