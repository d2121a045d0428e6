"""The one-qubit gates of a program: every matrix of one source, from its parameters."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from math import isqrt

import numpy as np
import torch
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.batch import Batch
from qhu.engine.products import KronMatrices
from qhu.engine.schedule import LocalRow
from qhu.engine.series import Series, SeriesTable

Cells = list[list[Series]]
_ZERO_STATE = {2: np.array([[1], [0]]), 4: np.array([[1], [0], [0], [1]])}  # as <I>, <X>, <Y>, <Z>


class LocalLayers:
    """Cells of one source as matrices or, if their first series has columns for it, as vectors.

    Nearly every cell is a single series; longer ones take a matrix product for each further series.

    Args:
        cells: the series of each of the S cells, in time order.
        columns: numbers of the source's parameters.
        dtype: dtype of the matrices.
    """

    def __init__(
        self, cells: Sequence[Sequence[Series]], columns: Sequence[int], dtype: torch.dtype
    ) -> None:
        side = cells[0][0].shape[0]
        depth = max(len(cell) for cell in cells)
        identity = Series.identity(side)
        self._shapes = [cells[0][0].shape] + [(side, side)] * (depth - 1)
        self._factors = [
            SeriesTable([cell[d] if d < len(cell) else identity for cell in cells], columns, dtype)
            for d in range(depth)
        ]

    def __call__(self, values: Tensor) -> Tensor:
        """Matrices (..., S, rows * columns), row by row, at the values (..., P) of the source."""
        matrices = [factor(values) for factor in self._factors]
        if len(matrices) == 1:
            return matrices[0]
        square = [m.unflatten(-1, shape) for m, shape in zip(matrices, self._shapes, strict=True)]
        return reduce(lambda first, then: then @ first, square).flatten(-2)


class LocalGates:
    """The rows of a program: those before any joint make product states, the others operators.

    Args:
        encoding: rows of the first level.
        later: rows of the other levels.
        groups: numbers of neighbouring qubits whose matrices are multiplied out.
        parameters: numbering of the circuit's parameters.
        dtype: complex for unitaries (d = 2), real for Pauli transfer matrices (d = 4).

    Attributes:
        sources: what the rows in ``later`` depend on.
    """

    def __init__(
        self,
        encoding: Sequence[LocalRow],
        later: Sequence[LocalRow],
        groups: Sequence[int],
        parameters: Parameters,
        dtype: torch.dtype,
    ) -> None:
        self._side = 2 if dtype.is_complex else 4
        self._num_qubits, self._groups = sum(groups), list(groups)
        self._kron = [KronMatrices(size, self._side) for size in groups]
        self._first = encoding[0].source or "weights"
        self._encoding = LocalLayers(
            encoding_cells(encoding[0].all_cells(self._num_qubits, self._side)),
            parameters.columns(self._first),
            dtype,
        )
        rows: dict[str, list[LocalRow]] = {}
        self._before = [_place(row, rows) for row in encoding[1:]]
        self._skipped = {source: len(own) for source, own in rows.items()}
        self._later = [_place(row, rows) for row in later]
        self._local = {}
        for source, own in rows.items():
            cells = [c for row in own for c in row.all_cells(self._num_qubits, self._side)]
            self._local[source] = LocalLayers(cells, parameters.columns(source), dtype)
        self.sources = {source for source, _ in self._later}
        self.all_sources = {self._first, *rows}

    def matrices(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Matrices (..., R, n, d * d) by source, from the value vectors by source."""
        return {
            source: local(values[source]).unflatten(-2, (-1, self._num_qubits))
            for source, local in self._local.items()
        }

    def qubits(self, values: Mapping[str, Tensor], matrices: Mapping[str, Tensor]) -> Tensor:
        """State vectors, or <I>, <X>, <Y>, <Z>, of each qubit (..., n, d) before any joint."""
        qubits = self._encoding(values[self._first])
        for source, number in self._before:
            row = matrices[source].select(-3, number).unflatten(-1, (self._side, self._side))
            qubits = (row * qubits.unsqueeze(-2)).sum(-1)
        return qubits

    def operators(self, matrices: Mapping[str, Tensor], batch: Batch) -> list[list[Tensor]]:
        """For each later row the matrices (..., d**g, d**g) of its groups of g qubits."""
        groups = {source: self._grouped(source, own, batch) for source, own in matrices.items()}
        return [[group[number] for group in groups[source]] for source, number in self._later]

    def _grouped(self, source: str, matrices: Tensor, batch: Batch) -> list[dict[int, Tensor]]:
        rows = range(self._skipped.get(source, 0), matrices.shape[-3])
        if not rows:
            return []
        parts = matrices.narrow(-3, rows.start, len(rows)).split(self._groups, -2)
        groups = []
        for kron, part in zip(self._kron, parts, strict=True):
            entries = kron(part.flatten(-2))
            side = isqrt(entries.shape[-1])
            operators = batch.operators(entries.unflatten(-1, (side, side)), kept=3)
            groups.append(dict(zip(rows, operators.unbind(-3), strict=True)))
        return groups


def encoding_cells(cells: Iterable[Sequence[Series]]) -> Cells:
    """Cells that act on ``|0>``: vectors instead of matrices."""
    return [[cell[0].on(_ZERO_STATE[cell[0].shape[0]]), *cell[1:]] for cell in cells]


def transfer_cells(cells: Iterable[Sequence[Series]]) -> Cells:
    """Unitary cells as Pauli transfer matrices."""
    return [[series.transfer() for series in cell] for cell in cells]


def _place(row: LocalRow, rows: dict[str, list[LocalRow]]) -> tuple[str, int]:
    """The source that computes a row, and the row's number there."""
    same = rows.setdefault(row.source or "weights", [])
    same.append(row)
    return row.source or "weights", len(same) - 1
