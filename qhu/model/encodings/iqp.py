"""Instantaneous quantum polynomials of the features."""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qhu.model.encodings.library import FeatureMap, MapOptions
from qhu.model.entanglement import Entanglement, coupled_pairs
from qhu.registry import encoding


class Options(MapOptions):
    """Options of ``iqp``."""

    entanglement: Entanglement = "full"
    """pairs whose product of features turns them: ``full``, ``linear``, ``reverse_linear``,
    ``circular``, ``sca``, ``pairwise``, or a list of pairs such as ``[[0, 1], [1, 2]]``"""


@encoding("iqp", cites=["shepherd2009temporally", "havlicek2019supervised"])
class Iqp(FeatureMap):
    """H on every qubit, RZ by its feature, and RZZ by the product of features on pairs."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)

    def map(self, qubits: int) -> QuantumCircuit:
        """Repeated, as ``IQPEmbedding`` of PennyLane is with ``n_repeats``.

        Raises:
            UserError: the entanglement does not fit the number of qubits.
        """
        entanglement = self.options.entanglement
        pairs = coupled_pairs("model.encoding.entanglement", entanglement, qubits)
        x, circuit = ParameterVector("x", qubits), QuantumCircuit(qubits)
        for _ in range(self.options.reps):
            circuit.h(range(qubits))
            for qubit in range(qubits):
                circuit.rz(x[qubit], qubit)
            for a, b in pairs:
                circuit.rzz(x[a] * x[b], a, b)
        return circuit
