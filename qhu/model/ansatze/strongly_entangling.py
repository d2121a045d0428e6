"""The strongly entangling layers of Schuld et al."""

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qhu.errors import UserError
from qhu.registry import Options as Base
from qhu.registry import ansatz


class Options(Base):
    """Options of ``strongly_entangling``."""

    layers: int = Field(2, ge=1, le=1_000)
    """variational layers"""
    ranges: tuple[int, ...] | None = None
    """distance of control and target in every layer, each from 1 to the number of qubits − 1;
    null: 1, 2, … and again from 1"""


@ansatz("strongly_entangling", cites=["schuld2020circuit"])
def strongly_entangling(qubits: int, options: Options) -> list[QuantumCircuit]:
    """RZ, RY and RZ on every qubit, then CX from each qubit to the one at the layer's range.

    Layer l couples qubit i with i + r modulo the number of qubits, r = (l mod (qubits − 1)) + 1,
    as ``StronglyEntanglingLayers`` of PennyLane does. Schuld et al., PRA 2020.

    Raises:
        UserError: there is not one range per layer, or one does not fit the number of qubits.
    """
    widest, number = max(qubits - 1, 1), options.layers
    ranges = options.ranges or tuple(layer % widest + 1 for layer in range(number))
    if len(ranges) != number:
        raise UserError(f"model.ansatz.ranges: give one per layer, {number} of them")
    if not all(1 <= distance <= widest for distance in ranges):
        raise UserError(f"model.ansatz.ranges: on {qubits} qubits each is from 1 to {widest}")
    return [_layer(qubits, distance) for distance in ranges]


def _layer(qubits: int, distance: int) -> QuantumCircuit:
    """Weights are ordered (qubit, angle)."""
    weights = ParameterVector("weights", 3 * qubits)
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        first, second, third = weights[3 * qubit : 3 * qubit + 3]
        circuit.rz(first, qubit)
        circuit.ry(second, qubit)
        circuit.rz(third, qubit)
    if qubits > 1:
        for qubit in range(qubits):
            circuit.cx(qubit, (qubit + distance) % qubits)
    return circuit
