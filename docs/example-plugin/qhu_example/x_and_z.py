"""Two outputs per qubit."""

from qiskit.quantum_info import SparsePauliOp

import qhu


@qhu.observables("x_and_z")
def x_and_z(qubits: int, options: qhu.Options) -> list[SparsePauliOp]:
    """⟨X⟩ and ⟨Z⟩ of every qubit."""
    return [
        SparsePauliOp.from_sparse_list([(letter, [qubit], 1.0)], num_qubits=qubits)
        for letter in "XZ"
        for qubit in range(qubits)
    ]
