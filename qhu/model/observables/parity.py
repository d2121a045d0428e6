"""The parity of qubits."""

from qiskit.quantum_info import SparsePauliOp

from qhu.model.observables.z import Subset, chosen
from qhu.registry import observables


@observables("parity")
def parity(qubits: int, options: Subset) -> list[SparsePauliOp]:
    """⟨Z⊗…⊗Z⟩: one output, the mean of +1 for an even number of ones and −1 for an odd one.

    Raises:
        UserError: a chosen qubit is not in the circuit.
    """
    where = chosen(options, qubits)
    return [SparsePauliOp.from_sparse_list([("Z" * len(where), where, 1.0)], num_qubits=qubits)]
