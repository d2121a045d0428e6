"""From observables to measured bases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import PauliList, SparsePauliOp


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
