"""Outcome distributions of a noisy circuit, exact, for many parameter sets at once."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qhu.engine.angles import Parameters
from qhu.engine.channels import noisy_levels
from qhu.engine.constants import lasting
from qhu.engine.evolution import Evolution
from qhu.engine.noise import Noise, NoiseModel
from qhu.engine.noisy import OutcomeProgram
from qhu.engine.readout import read_outcomes
from qhu.errors import UserError

MAX_OUTCOME_QUBITS = 10
"""Widest circuit under noise: 4ⁿ numbers (8 MB) per state, a tenth of a second per layer."""
_NUMBERS = 2**20  # of all states that are evolved at once
_SETS = 1024  # at most so many states at once
_NO_WEIGHTS = torch.from_numpy(np.zeros(0))


class Outcomes:
    """What is read from a noisy circuit, compiled once: parameter sets to distributions.

    Equal to Aer's density matrix followed by the readout errors, in float64. At most 2**20 numbers
    are evolved at once, whatever the number of parameter sets, with a few copies per layer.

    Args:
        circuit: on up to ``MAX_QUBITS`` qubits, without measurements.
        noise: errors of its gates and of the readout.
        qubits: what is read, qubit ``qubits[k]`` as bit k of the outcome; all qubits by default.

    Raises:
        UserError: the circuit is too wide or holds something that the engine cannot take.
    """

    @lasting()
    def __init__(
        self, circuit: QuantumCircuit, noise: NoiseModel, qubits: Sequence[int] | None = None
    ) -> None:
        width = circuit.num_qubits
        if not width:
            raise UserError("a circuit of no qubits has no outcomes: give it at least one")
        if width > MAX_OUTCOME_QUBITS:
            raise UserError(
                f"up to {MAX_OUTCOME_QUBITS} qubits are simulated under noise and the circuit "
                f"takes {width}: use fewer"
            )
        parameters, errors = Parameters(tuple(circuit.parameters), ()), Noise(noise)
        levels = noisy_levels(circuit, errors, parameters)
        evolution = Evolution(levels, width, parameters, torch.float64)
        read = read_outcomes(width, range(width) if qubits is None else qubits, errors)
        self._program = OutcomeProgram(evolution, read, torch.float64)
        self._at_once = max(1, min(_SETS, _NUMBERS // 4**width))

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities (K, 2**m) of the outcomes; outcome x has bit k of x at its k-th qubit.

        Args:
            values: parameter sets (K, P), in the order of ``circuit.parameters``.
        """
        with torch.no_grad():
            sets = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))
            parts = [self._program(part, _NO_WEIGHTS) for part in sets.split(self._at_once)]
        return proper(torch.cat(parts).numpy())


def proper(outcomes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distributions (K, 2**m) without rounding errors such as -1e-17, which a sampler refuses."""
    outcomes = outcomes.clip(0)
    return outcomes / outcomes.sum(axis=1, keepdims=True)
