"""Exact program for shallow circuits: Pauli strings, evaluated in product states."""

from collections.abc import Sequence
from functools import reduce
from operator import mul

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.batch import Batch
from qhu.engine.constants import Constants
from qhu.engine.local import LocalLayers, encoding_cells, transfer_cells
from qhu.engine.paulis import PLACE_OF_ZERO, PulledBack, String, pull_back
from qhu.engine.products import Products
from qhu.engine.schedule import Level, Phase
from qhu.engine.unitary import encoding_first, split

MAX_STRINGS, MAX_LETTERS = 2**13, 2**23
"""Strings at the encoding, and entries of the matrix that lays out their letters: 32 MB."""


class HeisenbergProgram:
    """Expectation values of a product-state encoding followed by a shallow circuit of the weights.

    Time is that of one product of up to n numbers per sample and string, and of one matrix (T, T')
    per local layer between T and T' strings; memory is the same. Neither depends on 2**n.

    Args:
        levels: the scheduled circuit.
        num_qubits: n.
        parameters: numbering of the circuit's parameters.
        pulled: the observables carried back through ``levels``.
        dtype: real dtype of the results.
    """

    def __init__(
        self,
        levels: Sequence[Level[Phase]],
        num_qubits: int,
        parameters: Parameters,
        pulled: PulledBack,
        dtype: torch.dtype,
    ) -> None:
        self._parameters = parameters
        self._dtype = dtype
        encoding, rows = split(levels)
        self._encoding = LocalLayers(
            encoding_cells(transfer_cells(encoding.all_cells(num_qubits))),
            parameters.columns("inputs"),
            dtype,
        )
        cells = [cell for row in rows for cell in transfer_cells(row.all_cells(num_qubits))]
        self._local = LocalLayers(cells, parameters.columns("weights"), dtype)
        self._steps = [Products(torch.from_numpy(s.places).flatten(1)) for s in pulled.steps]
        self._shapes = [step.places.shape[1:] for step in pulled.steps]
        letters = _letters(pulled.strings)
        self._first = Products(torch.from_numpy(_first_layer(letters, num_qubits)).reshape(1, -1))
        self._depth = len(letters)
        self._constants = Constants()
        self._constants["first"] = torch.tensor(pulled.coefficients, dtype=dtype)
        # Each observable is one string, as ⟨Z⟩ on every qubit: nothing to sum.
        self._plain = np.array_equal(pulled.coefficients, np.eye(len(pulled.coefficients)))
        for number, step in enumerate(pulled.steps):
            if (step.signs < 0).any():
                self._constants[f"signs {number}"] = torch.tensor(step.signs, dtype=dtype)

    @staticmethod
    def pulled_back(
        levels: Sequence[Level[Phase]], num_qubits: int, observables: Sequence[SparsePauliOp]
    ) -> PulledBack | None:
        """The observables carried back through ``levels``, or None if that does not pay."""
        if not encoding_first(levels):
            return None
        limit = min(2 ** (num_qubits + 1), MAX_STRINGS)
        pulled = pull_back(levels, split(levels)[1], observables, limit)
        if pulled is None or 4 * num_qubits * _letters(pulled.strings).size > MAX_LETTERS:
            return None
        return pulled

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Expectation values (..., M) at inputs (..., I) and weights (..., W)."""
        values = self._parameters.values(inputs, weights, (), self._dtype)
        batch = Batch(inputs, weights, [weights])
        entries = self._local(values["weights"]).flatten(-2)
        coefficients = batch.operators(self._pull_back(entries), kept=2)
        encoded = batch.states(self._encoding(values["inputs"]).flatten(-2), kept=1)
        # One matrix applies the first local layer and lays out the letters of all strings.
        layer = self._first(entries).unflatten(-1, (encoded.shape[-1], -1))
        letters = encoded @ batch.operators(layer, kept=2)
        strings = reduce(mul, letters.unflatten(-1, (self._depth, -1)).unbind(-2))
        return batch.outputs(strings @ coefficients.mT)

    def _pull_back(self, entries: Tensor) -> Tensor:
        """Coefficients (..., M, T) of the last strings, given all transfer matrices (..., F)."""
        constants = self._constants.on(entries.device)
        coefficients = constants["first"]
        for number, (step, shape) in enumerate(zip(self._steps, self._shapes, strict=True)):
            transfer = step(entries).unflatten(-1, shape)
            plain = number == 0 and self._plain
            coefficients = transfer if plain else coefficients @ transfer
            if f"signs {number}" in constants:
                coefficients = coefficients * constants[f"signs {number}"]
        return coefficients


def _letters(strings: Sequence[String]) -> NDArray[np.int64]:
    """Letters (k, T) of T strings as 4 * qubit + letter; I on qubit 0 fills up shorter strings."""
    letters = [[4 * q + letter for q, letter in enumerate(string) if letter] for string in strings]
    depth = max([1, *map(len, letters)])
    return np.array([own + [0] * (depth - len(own)) for own in letters]).T


def _first_layer(letters: NDArray[np.int64], num_qubits: int) -> NDArray[np.int64]:
    """Where the matrices of the first local layer say what each letter is made of (4n, k, T)."""
    encoded = np.arange(4 * num_qubits)[:, None, None]
    same_qubit = encoded // 4 == letters // 4
    return np.where(same_qubit, 4 * letters + encoded % 4, PLACE_OF_ZERO)
