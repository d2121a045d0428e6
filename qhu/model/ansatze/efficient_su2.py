"""Qiskit's EfficientSU2."""

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import library

from qhu.model.ansatze.library import Entangled, library_layers
from qhu.model.gates import OneQubitGates
from qhu.registry import ansatz


class Options(Entangled):
    """Options of ``efficient_su2``."""

    su2_gates: OneQubitGates = Field(("ry", "rz"), min_length=1)
    """standard gates on one qubit, applied to every qubit one after another"""


@ansatz("efficient_su2", cites=["javadiabhari2024qiskit"])
def efficient_su2(qubits: int, options: Options) -> list[QuantumCircuit]:
    """RY and RZ on every qubit, then CX on pairs; Qiskit's efficient_su2.

    Raises:
        UserError: the entanglement does not fit the number of qubits, or no gate has an angle.
    """
    return library_layers(library.efficient_su2, qubits, options)
