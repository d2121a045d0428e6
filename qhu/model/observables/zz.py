"""One ⟨ZZ⟩ per coupled pair."""

from qiskit.quantum_info import SparsePauliOp

from qhu.model.entanglement import Entanglement, coupled_pairs
from qhu.registry import Options as Base
from qhu.registry import observables


class Options(Base):
    """Options of ``zz``."""

    pairs: Entanglement = "linear"
    """which pairs: ``linear``: neighbours; ``circular``: the ends, too; ``full``: all; or a list of
    pairs such as ``[[0, 1], [2, 3]]``"""


@observables("zz")
def zz(qubits: int, options: Options) -> list[SparsePauliOp]:
    """⟨Z⊗Z⟩ of pairs of qubits, by default of neighbours.

    Raises:
        UserError: the pairs do not fit the number of qubits.
    """
    pairs = coupled_pairs("model.observables.pairs", options.pairs, qubits)
    return [
        SparsePauliOp.from_sparse_list([("ZZ", [*pair], 1.0)], num_qubits=qubits) for pair in pairs
    ]
