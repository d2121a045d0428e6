"""Circuits that the backend tests share."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector

from qhu.engine.ansatz import Ansatz


@pytest.fixture
def make_ansatz():
    """Builds an ansatz whose qubits all differ, with a shared and a scaled parameter."""

    def make(qubits=3, layers=1, observables=None):
        x = ParameterVector("x", qubits)
        w = ParameterVector("w", 2 * qubits * layers)
        circuit = QuantumCircuit(qubits)
        for layer in range(layers):
            for q in range(qubits):
                circuit.rx(x[q] * 0.7 + 0.2, q)
                circuit.ry(w[2 * (layer * qubits + q)], q)
                circuit.rz(w[2 * (layer * qubits + q) + 1] - x[0], q)
                circuit.sx(q)
            for q in range(qubits if qubits > 2 else 1):
                circuit.cz(q, (q + 1) % qubits)
                circuit.sx(q)
        labels = observables or ["I" * (qubits - 1 - q) + "Z" + "I" * q for q in range(qubits)]
        return Ansatz(circuit, tuple(x), tuple(w), tuple(SparsePauliOp(o) for o in labels))

    return make


@pytest.fixture
def draw():
    """Draws parameter sets (rows, inputs + weights) for an ansatz."""

    def rows(ansatz, count, seed=0):
        size = len(ansatz.inputs) + len(ansatz.weights)
        return np.random.default_rng(seed).uniform(-3, 3, (count, size))

    return rows


@pytest.fixture
def exact():
    """Expectation values without noise, (rows, observables), by Qiskit's Statevector."""

    def values(ansatz, rows):
        order = [*ansatz.inputs, *ansatz.weights]
        states = [Statevector(bind(ansatz.circuit, order, row)) for row in rows]
        return np.array([[s.expectation_value(o).real for o in ansatz.observables] for s in states])

    return values


def bind(circuit, order, row):
    return circuit.assign_parameters(dict(zip(order, row, strict=True)))
