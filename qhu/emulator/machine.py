"""A device as a simulator: exact distributions of what it reads, then shots."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from qhu.emulator.errors import TOO_LARGE, ProgramError
from qhu.emulator.parts import Part, split
from qhu.engine.outcomes import Outcomes
from qhu.estimators.noise import device_noise
from qhu.layout.isa import reduce_target

MAX_BITS = 2**31
"""Most bits in the results of one item."""
# Idle qubits recur in every job and are small; a wide part may hold many megabytes.
_SINGLE_KEPT, _WIDER_KEPT = 4096, 32


class Machine:
    """A calibrated device that runs circuits in its own gates.

    Delays are taken as instant: idle qubits do not decay.

    Args:
        target: gates, couplings and their errors.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._single = lru_cache(_SINGLE_KEPT)(self._compile)
        self._wider = lru_cache(_WIDER_KEPT)(self._compile)

    def run(
        self,
        circuit: QuantumCircuit,
        values: NDArray[np.float64],
        shots: int,
        random: np.random.Generator,
    ) -> dict[str, NDArray[np.bool_]]:
        """Read bits by classical register, shape (K, shots, size), clbit 0 first.

        Args:
            circuit: in native gates, measured at the end.
            values: parameter sets (K, P), in the order of ``circuit.parameters``.
            shots: per parameter set.
            random: source of the shots.

        Raises:
            ProgramError: the circuit cannot be simulated, or its results are too large.
            UserError: too many qubits are connected, or a gate is unknown to the engine.
        """
        if len(values) * shots * circuit.num_clbits > MAX_BITS:
            raise ProgramError(f"the results of an item exceed {MAX_BITS} bits", TOO_LARGE)
        bits = np.zeros((circuit.num_clbits, len(values), shots), dtype=np.bool_)
        for part in split(circuit):
            compiled = self._single(part) if len(part.qubits) == 1 else self._wider(part)
            drawn = draw(compiled(values[:, list(part.columns)]), shots, random)
            for position, clbit in enumerate(part.clbits):
                bits[clbit] = (drawn >> position) & 1
        registers = {r.name: [circuit.find_bit(bit).index for bit in r] for r in circuit.cregs}
        return {name: np.moveaxis(bits[places], 0, -1) for name, places in registers.items()}

    def _compile(self, part: Part) -> Outcomes:
        names = sorted({item.operation.name for item in part.circuit.data} | {"measure"})
        noise = device_noise(reduce_target(self._target, part.qubits, names))
        return Outcomes(part.circuit, noise, part.measured)


def draw(
    outcomes: NDArray[np.float64], shots: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Outcomes (K, shots) from their distributions (K, N)."""
    sets, number = outcomes.shape
    # All rows at once: row k of the cumulative distributions is shifted to [k, k + 1].
    rows = np.arange(sets)[:, None]
    ends = outcomes.cumsum(axis=1)
    ends = ends / ends[:, -1:] + rows
    uniform = random.random((sets, shots)) + rows
    places = np.searchsorted(ends.ravel(), uniform.ravel(), side="right").reshape(sets, shots)
    return (places - rows * number).clip(0, number - 1)
