"""Qiskit's RealAmplitudes."""

from qiskit import QuantumCircuit
from qiskit.circuit import library

from qhu.model.ansatze.library import Entangled, library_layers
from qhu.registry import ansatz


@ansatz("real_amplitudes", cites=["javadiabhari2024qiskit"])
def real_amplitudes(qubits: int, options: Entangled) -> list[QuantumCircuit]:
    """RY on every qubit, then CX on pairs: amplitudes stay real; Qiskit's real_amplitudes.

    Raises:
        UserError: the entanglement does not fit the number of qubits.
    """
    return library_layers(library.real_amplitudes, qubits, options)
