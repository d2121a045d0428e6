"""The ansatz of arXiv 2512.19253."""

from itertools import combinations
from typing import Literal

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qhu.registry import Options as Base
from qhu.registry import ansatz


class Options(Base):
    """Options of ``rotations_cz``."""

    layers: int = Field(2, ge=1, le=1_000)
    """variational layers"""
    entanglement: Literal["ring", "linear", "full", "none"] = "ring"
    """which qubit pairs each layer couples with CZ"""


@ansatz("rotations_cz", cites=["crivoi2025quantum"])
def rotations_cz(qubits: int, options: Options) -> list[QuantumCircuit]:
    """RX, RY and RZ on every qubit, then CZ on neighbours, in every layer."""
    return [_layer(qubits, options.entanglement) for _ in range(options.layers)]


def _layer(qubits: int, entanglement: str) -> QuantumCircuit:
    """Weights are ordered (axis, qubit) with axes X, Y, Z."""
    weights = ParameterVector("weights", 3 * qubits)
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.rx(weights[qubit], qubit)
        circuit.ry(weights[qubits + qubit], qubit)
        circuit.rz(weights[2 * qubits + qubit], qubit)
    for pair in entangled_pairs(entanglement, qubits):
        circuit.cz(*pair)
    return circuit


def entangled_pairs(entanglement: str, qubits: int) -> list[tuple[int, int]]:
    """Qubit pairs that a layer couples, in the order of their CZ gates."""
    line = [(j, j + 1) for j in range(qubits - 1)]
    closing = [(qubits - 1, 0)] if qubits > 2 else []  # on two qubits it would undo the first
    pairs = {
        "none": [],
        "linear": line,
        "ring": line + closing,
        "full": list(combinations(range(qubits), 2)),
    }
    return pairs[entanglement]
