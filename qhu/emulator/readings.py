"""What an observable reads from shots: bases to measure in, and values of its terms.

A term keeps to the qubits that it names, whatever the number of the others: nothing here grows with
2 to the power of qubits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Gate
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import Target

from qhu.engine.lowering import standard_types
from qhu.engine.readout import basis_rotation

_AXES = {"X": "X", "+": "X", "-": "X", "Y": "Y", "r": "Y", "l": "Y", "Z": "Z", "0": "Z", "1": "Z"}


@dataclass(frozen=True)
class Term:
    """A product of Pauli matrices and projectors.

    Attributes:
        letters: by qubit, one of ``X Y Z + - r l 0 1``.
        weight: real factor.
    """

    letters: Mapping[int, str]
    weight: float

    @property
    def axes(self) -> dict[int, str]:
        """The Pauli matrix that is measured on each qubit."""
        return {qubit: _AXES[letter] for qubit, letter in self.letters.items()}

    def values(self, bits: Mapping[int, NDArray[np.bool_]]) -> NDArray[np.float64]:
        """Value in every shot, from the bits of each qubit, (K, shots)."""
        value: NDArray[np.float64] = np.full(next(iter(bits.values())).shape, self.weight)
        for qubit, letter in self.letters.items():
            if letter in "XYZ":
                value *= 1.0 - 2.0 * bits[qubit]
            else:
                value *= bits[qubit] if letter in "-l1" else ~bits[qubit]
        return value


def terms(observable: SparseObservable) -> list[Term]:
    """The terms of an observable.

    Raises:
        ValueError: a coefficient is not real.
    """
    if np.any(np.imag(observable.coeffs)):
        raise ValueError("an observable has coefficients that are not real")
    letter = SparseObservable.BitTerm
    return [
        Term(
            {int(q): letter(int(b)).label for q, b in zip(t.indices, t.bit_terms, strict=True)},
            float(t.coeff.real),
        )
        for t in observable
    ]


def settings(all_terms: Iterable[Term]) -> list[dict[int, str]]:
    """Bases, by qubit, of which one measures each term; none for terms that name no qubit."""
    chosen: list[dict[int, str]] = []
    for axes in sorted((term.axes for term in all_terms), key=len, reverse=True):
        if axes and not any(fits(axes, basis) for basis in chosen):
            for basis in chosen:
                if all(basis.get(qubit, axis) == axis for qubit, axis in axes.items()):
                    basis.update(axes)
                    break
            else:
                chosen.append(axes)
    return chosen


def fits(axes: Mapping[int, str], basis: Mapping[int, str]) -> bool:
    """Whether a basis measures all that a term needs."""
    return axes.items() <= basis.items()


def measured(
    circuit: QuantumCircuit, basis: Mapping[int, str], target: Target
) -> tuple[QuantumCircuit, Sequence[int]]:
    """The circuit, rotated in native gates and measured, and the qubit behind each bit read."""
    qubits = sorted(basis)
    register = ClassicalRegister(len(qubits))
    whole = circuit.copy()
    whole.add_register(register)
    names = [name for name in target.operation_names if _is_gate(name)]
    for clbit, qubit in enumerate(qubits):
        whole.compose(basis_rotation(basis[qubit], names), [qubit], inplace=True)
        whole.measure(qubit, register[clbit])
    return whole, qubits


def _is_gate(name: str) -> bool:
    kind = standard_types().get(name)
    return kind is not None and issubclass(kind, Gate)
