"""From observables to measured bases, and from ideal outcomes to what the readout reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import PauliList, SparsePauliOp
from qiskit_aer.noise import NoiseModel


@dataclass(frozen=True)
class Basis:
    """One setting of the measurement and what each observable reads from its outcomes.

    Attributes:
        label: Pauli measured on each qubit, qubit 0 last; ``I`` and ``Z`` need no rotation.
        weights: value of each observable's share in this basis per outcome, shape (2^n, M).
            Outcome ``x`` has qubit q in state ``(x >> q) & 1``.
    """

    label: str
    weights: NDArray[np.float64]

    def rotation(self, basis_gates: Sequence[str] | None) -> QuantumCircuit:
        """Circuit that turns this basis into the Z basis.

        Args:
            basis_gates: gates that carry the device's noise; ``None`` for any gate.
        """
        circuit = QuantumCircuit(len(self.label))
        for qubit, pauli in enumerate(reversed(self.label)):
            if pauli == "Y":
                circuit.sdg(qubit)
            if pauli in "XY":
                circuit.h(qubit)
        if basis_gates is None:
            return circuit
        return transpile(circuit, basis_gates=list(basis_gates), optimization_level=1)


def bases(observables: Sequence[SparsePauliOp]) -> list[Basis]:
    """Fewest settings found that cover the observables: qubit-wise commuting terms share one.

    Args:
        observables: Hermitian operators on the same n qubits.
    """
    terms = sorted({label for item in observables for label in item.paulis.to_labels()})
    groups = PauliList(terms).group_commuting(qubit_wise=True)
    return [_basis(group.to_labels(), observables) for group in groups]


def _basis(labels: list[str], observables: Sequence[SparsePauliOp]) -> Basis:
    qubits = len(labels[0])
    measured = "".join(max(column) for column in zip(*labels, strict=True))
    weights = np.zeros((2**qubits, len(observables)))
    for column, item in enumerate(observables):
        for label, coefficient in item.to_list():
            if label in labels:
                weights[:, column] += coefficient.real * _parity(label)
    return Basis(measured, weights)


def _parity(label: str) -> NDArray[np.float64]:
    """Product of ±1 over the qubits that the Pauli string touches, per outcome."""
    signs: NDArray[Any] = np.ones(1)
    for pauli in label:
        signs = np.kron(signs, [1.0, 1.0 if pauli == "I" else -1.0])
    return signs


def readout_matrices(noise: NoiseModel, qubits: int) -> NDArray[np.float64]:
    """Readout confusion of each qubit: element [q, x, y] is P(read y | state x).

    Args:
        noise: model whose readout errors act on one qubit each.
        qubits: number of qubits n; the result has shape (n, 2, 2).
    """
    matrices = np.tile(np.eye(2), (qubits, 1, 1))
    errors = [e for e in noise.to_dict()["errors"] if e["type"] == "roerror"]
    # Errors of every qubit (those without "gate_qubits") come first: a qubit's own one prevails.
    for error in sorted(errors, key=lambda error: "gate_qubits" in error):
        where = [q for (q,) in error["gate_qubits"]] if "gate_qubits" in error else slice(None)
        matrices[where] = error["probabilities"]
    return matrices


def read(outcomes: NDArray[np.float64], confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distribution of what is read, from the distribution of what is there.

    Args:
        outcomes: probabilities, shape (K, 2^n).
        confusion: readout matrices, shape (n, 2, 2), of :func:`readout_matrices`.
    """
    qubits = len(confusion)
    tensor = outcomes.reshape(-1, *[2] * qubits)
    for qubit, matrix in enumerate(confusion):
        axis = qubits - qubit
        tensor = np.moveaxis(np.tensordot(tensor, matrix, axes=(axis, 0)), -1, axis)
    return tensor.reshape(outcomes.shape)
