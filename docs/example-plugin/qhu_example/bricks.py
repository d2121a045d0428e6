"""Couplings like bricks in a wall."""

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

import qhu


class BrickOptions(qhu.Options):
    """How deep."""

    layers: int = Field(2, ge=1)
    """variational layers"""


@qhu.ansatz("bricks")
def bricks(qubits: int, options: BrickOptions) -> list[QuantumCircuit]:
    """RY on every qubit, then CZ on every other pair of neighbours, shifted from layer to layer."""
    layers = []
    for number in range(options.layers):
        layer = QuantumCircuit(qubits)
        for qubit, weight in enumerate(ParameterVector("weights", qubits)):
            layer.ry(weight, qubit)
        for qubit in range(number % 2, qubits - 1, 2):
            layer.cz(qubit, qubit + 1)
        layers.append(layer)
    return layers
