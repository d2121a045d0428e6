"""Features as phases."""

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

import qhu


@qhu.encoding("phases")
class Phases(qhu.Encoding):
    """H and a phase of the feature on its qubit."""

    def __init__(self, options: qhu.Reuploadable) -> None:
        super().__init__(options)

    def circuit(self, x: Sequence[Parameter]) -> QuantumCircuit:
        """One qubit per feature."""
        circuit = QuantumCircuit(len(x))
        for qubit, feature in enumerate(x):
            circuit.h(qubit)
            circuit.p(feature, qubit)
        return circuit
