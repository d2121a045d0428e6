"""The circuit of the quantum layer: encoding, variational layers, one ⟨Z⟩ per qubit."""

from itertools import combinations

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression, ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qhu.engine.ansatz import Ansatz
from qhu.settings.parts import ModelSpec


def build_ansatz(spec: ModelSpec, qubits: int) -> Ansatz:
    """Circuit of arXiv 2512.19253: RX·RY·RZ encoding, then layers of RX RY RZ and CZ.

    Feature j is encoded on qubit j: ``spec.angle`` times its value is the angle of all three.
    Weights are ordered (layer, axis, qubit) with axes X, Y, Z. Output j is ⟨Z⟩ on qubit j.

    Args:
        spec: layers, entanglement and re-uploading.
        qubits: number of qubits, equal to the number of encoded features.
    """
    x = ParameterVector("inputs", qubits)
    theta = ParameterVector("weights", spec.layers * 3 * qubits)
    layers = np.array(list(theta), dtype=object).reshape(spec.layers, 3, qubits)
    angles = list(x) if spec.angle == 1 else [spec.angle * feature for feature in x]
    circuit = QuantumCircuit(qubits)
    for number, layer in enumerate(layers):
        if number == 0 or spec.reupload:
            _rotate(circuit, [angles] * 3)
        _rotate(circuit, layer)
        for pair in entangled_pairs(spec.entanglement, qubits):
            circuit.cz(*pair)
    observables = tuple(
        SparsePauliOp.from_sparse_list([("Z", [j], 1.0)], num_qubits=qubits) for j in range(qubits)
    )
    return Ansatz(circuit, tuple(x), tuple(theta), observables)


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


def _rotate(
    circuit: QuantumCircuit, angles: "list[list[ParameterExpression]] | np.ndarray"
) -> None:
    """RX, RY, RZ on every qubit; ``angles`` is (3, qubits)."""
    for qubit in range(circuit.num_qubits):
        circuit.rx(angles[0][qubit], qubit)
        circuit.ry(angles[1][qubit], qubit)
        circuit.rz(angles[2][qubit], qubit)
