"""One ⟨Z⟩ per qubit, as in arXiv 2512.19253."""

from qiskit.quantum_info import SparsePauliOp

from qhu.registry import Options, observables


@observables("z")
def z(qubits: int, options: Options) -> list[SparsePauliOp]:
    """⟨Z⟩ of every qubit, output j on qubit j."""
    return [
        SparsePauliOp.from_sparse_list([("Z", [j], 1.0)], num_qubits=qubits) for j in range(qubits)
    ]
