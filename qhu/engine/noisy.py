"""Exact programs under noise, in the Pauli basis: expectation values, and all outcomes.

Expectation values take the observables back through the circuit, once for all samples. Outcomes
take the state of every sample forth.
"""

import torch
from torch import Tensor

from qhu.engine.constants import Constants
from qhu.engine.evolution import Evolution
from qhu.engine.gate_error import Transfer


class NoisyProgram:
    """Expectation values under noise, by evolution of the observables.

    Time and memory are linear in levels, observables and 4**n, and in the batch only for 2**n * M
    numbers per sample. Where inputs enter after the first gate on two qubits, all is linear in the
    batch.

    Args:
        evolution: the circuit.
        observables: coefficients (M, 4**n) of what is read.
        dtype: real dtype of the results.
    """

    def __init__(self, evolution: Evolution, observables: Transfer, dtype: torch.dtype) -> None:
        self._evolution = evolution
        self._constants = Constants()
        self._constants["observables"] = torch.tensor(observables, dtype=dtype)

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Expectation values (..., M) at inputs (..., I) and weights (..., W)."""
        gates = self._evolution.at(inputs, weights)
        observables = self._constants.on(weights.device)["observables"]
        observables = self._evolution.back(observables, gates.rows)
        first, *others = gates.halves
        # The state is the Kronecker product of the halves, which is never formed.
        side = first.shape[-1]
        partial = first.unsqueeze(-3) @ observables.unflatten(-1, (side, -1))
        for other in others:
            partial = partial * other.unsqueeze(-3)
        return gates.batch.outputs(partial.sum(-1).mT)


class OutcomeProgram:
    """Probabilities of what is read, by evolution of the states.

    Time and memory are linear in levels, batch and 4**n.

    Args:
        evolution: the circuit.
        read: matrix (2**m, 2**n) from ⟨I⟩, ⟨Z⟩ strings to probabilities.
        dtype: real dtype of the results.
    """

    def __init__(self, evolution: Evolution, read: Transfer, dtype: torch.dtype) -> None:
        self._evolution = evolution
        self._constants = Constants()
        self._constants["read"] = torch.tensor(read.T, dtype=dtype)
        strings = [[0]]
        while len(strings[0]) < read.shape[1]:
            strings = [[4 * s + letter for s in strings[0] for letter in (0, 3)]]
        self._constants["strings"] = torch.tensor(strings[0])

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Probabilities (..., 2**m) at inputs (..., I) and weights (..., W)."""
        gates = self._evolution.at(inputs, weights)
        constants = self._constants.on(weights.device)
        state, *others = gates.halves
        for other in others:
            state = (state.unsqueeze(-1) * other.unsqueeze(-2)).flatten(-2)
        state = self._evolution.forth(state, gates.rows)
        return gates.batch.outputs(state.index_select(-1, constants["strings"]) @ constants["read"])
