"""What a measurement under noise reads: rotation to the Z basis, then the readout error."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import TranspilerError

from qhu.engine.gate_error import Transfer
from qhu.engine.lowering import standard_types
from qhu.engine.noise import Noise
from qhu.engine.observables import hermitian

_OUTCOMES = np.array([[1, 1], [1, -1]]) / 2  # P(0) and P(1) from <I> and <Z>


def basis_rotation(label: str, basis_gates: Sequence[str]) -> QuantumCircuit:
    """Circuit of native gates that turns a basis into the Z basis; of H and S† where they cannot.

    Args:
        label: Pauli measured on each qubit, qubit 0 last; ``I`` and ``Z`` need no rotation.
        basis_gates: gates that carry the device's noise.
    """
    circuit = QuantumCircuit(len(label))
    for qubit, pauli in enumerate(reversed(label)):
        if pauli == "Y":
            circuit.sdg(qubit)
        if pauli in "XY":
            circuit.h(qubit)
    if not circuit.data:
        return circuit
    # A device may have more, such as 'measure_2'; the transpiler takes what it knows by name.
    standard = [name for name in basis_gates if name in standard_types()]
    try:
        return transpile(circuit, basis_gates=standard, optimization_level=1)
    except TranspilerError:
        return circuit


def read_observables(observables: Sequence[SparsePauliOp], noise: Noise) -> Transfer:
    """Coefficients (M, 4**n) of what is read, qubit 0 the most significant digit.

    Each letter of a Pauli string is measured on its own qubit, after noisy rotations where it is X
    or Y, and read with that qubit's readout error.

    Raises:
        UserError: an observable is not Hermitian, or zero.
    """
    letters: dict[tuple[int, str], Transfer] = {}

    def read(qubit: int, letter: str) -> Transfer:
        if (qubit, letter) not in letters:
            of_zero, of_one = _outcomes(qubit, letter, noise)
            letters[qubit, letter] = np.eye(4)[0] if letter == "I" else of_zero - of_one
        return letters[qubit, letter]

    rows = np.zeros((len(observables), 4 ** observables[0].num_qubits))
    for row, observable in zip(rows, hermitian(observables), strict=True):
        for label, coefficient in observable.to_list():
            factors = [read(qubit, letter) for qubit, letter in enumerate(reversed(label))]
            row += coefficient.real * reduce(np.kron, factors)
    return rows


def read_outcomes(num_qubits: int, qubits: Sequence[int], noise: Noise) -> Transfer:
    """Matrix (2**m, 2**n) from the ⟨I⟩, ⟨Z⟩ strings of all qubits to P(outcome of ``qubits``).

    Args:
        num_qubits: n; in the strings qubit 0 is the most significant digit.
        qubits: the m qubits that are read; the k-th is bit k of the outcome.
        noise: gives the readout errors.
    """
    ignored = np.array([[1.0, 0.0]])
    factors = [
        _outcomes(qubit, "Z", noise)[:, [0, 3]] if qubit in qubits else ignored
        for qubit in range(num_qubits)
    ]
    read = sorted(qubits)
    matrix = reduce(np.kron, factors).reshape([2] * len(read) + [-1])
    bits = [read.index(qubit) for qubit in reversed(qubits)]
    return matrix.transpose([*bits, len(read)]).reshape(2 ** len(read), -1)


def _outcomes(qubit: int, letter: str, noise: Noise) -> Transfer:
    """P(read 0) and P(read 1) of a letter as rows (2, 4) over ⟨I⟩, ⟨X⟩, ⟨Y⟩, ⟨Z⟩ of its qubit."""
    rotation: Transfer = np.eye(4)
    for item in basis_rotation(letter, noise.basis_gates).data:
        rotation = noise.transfer(item.operation, [qubit]) @ rotation
    if letter != "I":
        rotation = noise.before_readout(qubit) @ rotation
    return noise.confusion(qubit).T @ _OUTCOMES @ rotation[[0, 3]]
