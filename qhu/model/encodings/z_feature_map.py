"""Qiskit's ZFeatureMap."""

from qiskit import QuantumCircuit
from qiskit.circuit import library

from qhu.model.encodings.library import FeatureMap, PauliMapOptions
from qhu.registry import encoding


@encoding("z_feature_map", cites=["havlicek2019supervised"])
class ZFeatureMap(FeatureMap):
    """H, then a phase of alpha times its feature on every qubit; Qiskit's z_feature_map."""

    def __init__(self, options: PauliMapOptions) -> None:
        super().__init__(options)

    def map(self, qubits: int) -> QuantumCircuit:
        """No two qubits are coupled."""
        return library.z_feature_map(qubits, self.options.reps, alpha=self.options.alpha)
