"""Exact program for few qubits: after the encoding, one unitary that all samples share."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.batch import Batch
from qhu.engine.diagonal import Diagonals
from qhu.engine.local import LocalLayers, encoding_cells
from qhu.engine.observables import Readout
from qhu.engine.permutation import Permutation
from qhu.engine.products import KronMatrices, Products, chain
from qhu.engine.schedule import Level, LocalRow, Phase

MAX_UNITARY_QUBITS = 5


class UnitaryProgram:
    """Expectation values of a product-state encoding followed by a unitary of the weights alone.

    Time is that of 8**n multiplications per level, plus 4**n per sample; memory is a few 4**n
    complex numbers per level, plus a few 2**n per sample.

    Args:
        levels: the scheduled circuit, which must satisfy :func:`encoding_first`.
        num_qubits: n.
        parameters: numbering of the circuit's parameters.
        readout: the measurement.
        dtype: complex dtype of the states.
        start: states (..., 2**n) that the samples start from; None: the encoding's.
    """

    def __init__(
        self,
        levels: Sequence[Level[Phase]],
        num_qubits: int,
        parameters: Parameters,
        readout: Readout,
        dtype: torch.dtype,
        start: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._start = start
        self._parameters = parameters
        self._real = dtype.to_real()
        self._readout = readout
        encoding, rows = split(levels)
        columns = parameters.columns("inputs")
        self._encoding = LocalLayers(encoding_cells(encoding.all_cells(num_qubits)), columns, dtype)
        cells = [cell for row in rows for cell in row.all_cells(num_qubits)]
        self._rows = LocalLayers(cells, parameters.columns("weights"), dtype)
        self._kron = Products.kron(num_qubits, 2), KronMatrices(num_qubits, 2)
        self._shape = (len(rows), 2**num_qubits, 2**num_qubits)
        self._diagonals = Diagonals(levels, num_qubits, parameters, dtype)
        flips = [level.flips for level in levels]
        self._permutation = Permutation(flips, num_qubits) if any(flips) else None

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """What is read (..., M) at inputs (..., I) and weights (..., W)."""
        values = self._parameters.values(inputs, weights, (), self._real)
        batch = Batch(inputs, weights, [weights])
        vectors, matrices = self._kron
        if self._start:
            states = self._start(values["inputs"]).to(self._real.to_complex())
        else:
            states = vectors(self._encoding(values["inputs"]).flatten(-2))
        cells = self._rows(values["weights"])
        operators = matrices(cells.reshape(*cells.shape[:-2], self._shape[0], -1))
        operators = operators.view(*cells.shape[:-2], *self._shape)
        if not self._diagonals.trivial:
            operators = operators * self._diagonals(values, weights.device).unsqueeze(-1)
        if self._permutation is not None:
            operators = self._permutation(operators.flatten(-3, -2)).view(operators.shape)
        unitary = batch.operators(chain(operators), kept=2)
        states = unitary @ batch.states(states, kept=1).mT
        return batch.outputs(self._readout(states).mT)


def encoding_first(levels: Sequence[Level[Phase]]) -> bool:
    """Whether product states are encoded first and then transformed by the weights alone."""
    rows = [row for level in levels for row in level.rows][1:]
    sources = {row.source for row in rows} | {p.source for level in levels for p in level.joints}
    return levels[0].rows[0].source != "both" and sources <= {None, "weights"}


def split(levels: Sequence[Level[Phase]]) -> tuple[LocalRow, list[LocalRow]]:
    """The encoding and one row of weights per level, empty ones where the circuit has none."""
    first = levels[0].rows[0]
    encoding = first if first.source == "inputs" else LocalRow()
    rows = []
    for level in levels:
        own = [row for row in level.rows if row is not encoding]
        rows.append(own[0] if own else LocalRow())
    return encoding, rows
