"""Exact program for shallow circuits: Pauli strings, evaluated in product states."""

from collections.abc import Sequence

import numpy as np
import torch
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.batch import Batch
from qhu.engine.constants import Constants
from qhu.engine.local import LocalLayers, encoding_cells, transfer_cells
from qhu.engine.paulis import PulledBack, pull_back
from qhu.engine.products import Products
from qhu.engine.schedule import Level, Phase
from qhu.engine.unitary import encoding_first, split


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
        self._num_qubits = num_qubits
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
        letters = np.array(pulled.strings) + 4 * np.arange(num_qubits)
        self._features = Products(torch.from_numpy(_compact(letters)))
        self._constants = Constants()
        self._constants["first"] = torch.tensor(pulled.coefficients, dtype=dtype)
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
        return pull_back(levels, split(levels)[1], observables, limit=2 ** (num_qubits + 1))

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Expectation values (..., M) at inputs (..., I) and weights (..., W)."""
        values = self._parameters.values(inputs, weights, (), self._dtype)
        batch = Batch(inputs, weights, [weights])
        matrices = self._local(values["weights"])
        first = matrices.narrow(-2, 0, self._num_qubits).unflatten(-1, (4, 4))
        qubits = (first * self._encoding(values["inputs"]).unsqueeze(-2)).sum(-1)
        features = batch.states(self._features(qubits.flatten(-2)), kept=1)
        coefficients = batch.operators(self._pull_back(matrices.flatten(-2)), kept=2)
        return batch.outputs(features @ coefficients.mT)

    def _pull_back(self, entries: Tensor) -> Tensor:
        """Coefficients (..., M, T) of the last strings, given all transfer matrices (..., F)."""
        constants = self._constants.on(entries.device)
        coefficients = constants["first"]
        for number, (step, shape) in enumerate(zip(self._steps, self._shapes, strict=True)):
            coefficients = coefficients @ step(entries).unflatten(-1, shape)
            if f"signs {number}" in constants:
                coefficients = coefficients * constants[f"signs {number}"]
        return coefficients


def _compact(letters: np.ndarray) -> np.ndarray:
    """Places (k, T) of the factors of strings (T, n): letters I only serve as padding."""
    kept = [[place for place in row if place % 4] for row in letters]
    depth = max([1, *map(len, kept)])
    return np.array([row + [0] * (depth - len(row)) for row in kept]).T
