"""Qiskit's ZZFeatureMap."""

from qiskit import QuantumCircuit
from qiskit.circuit import library

from qhu.model.encodings.library import EntangledMapOptions, FeatureMap, coupled
from qhu.registry import encoding


@encoding("zz_feature_map", cites=["havlicek2019supervised"])
class ZZFeatureMap(FeatureMap):
    """H, phases by features, and pairs by (π − x)(π − y); Qiskit's zz_feature_map."""

    def __init__(self, options: EntangledMapOptions) -> None:
        super().__init__(options)

    def map(self, qubits: int) -> QuantumCircuit:
        """Single qubits turn by ``alpha``·x, pairs by ``alpha``·(π − x)(π − y).

        Raises:
            UserError: the entanglement does not fit the number of qubits.
        """
        entanglement = coupled(self.options.entanglement, (1, 2), qubits)
        options = self.options
        return library.zz_feature_map(qubits, options.reps, entanglement, options.alpha)
