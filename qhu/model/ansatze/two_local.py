"""Qiskit's TwoLocal."""

from qiskit import QuantumCircuit
from qiskit.circuit import library

from qhu.model.ansatze.library import Entangled, library_layers
from qhu.model.entanglement import Entanglement
from qhu.model.gates import OneQubitGates, TwoQubitGates
from qhu.registry import ansatz


class Options(Entangled):
    """Options of ``two_local``."""

    rotation_blocks: OneQubitGates = ("ry",)
    """standard gates on one qubit, applied to every qubit one after another; an empty list: none"""
    entanglement_blocks: TwoQubitGates = ("cz",)
    """standard gates on two qubits, applied to the coupled pairs one after another; an empty list:
    none"""
    entanglement: Entanglement = "full"
    """which qubits are coupled: ``full``, ``linear``, ``reverse_linear``, ``circular``, ``sca``,
    ``pairwise``, or a list of pairs such as ``[[0, 1], [1, 2]]``"""


@ansatz("two_local", cites=["javadiabhari2024qiskit"])
def two_local(qubits: int, options: Options) -> list[QuantumCircuit]:
    """Any rotations on every qubit, then any two-qubit gates on pairs; Qiskit's ``n_local``.

    Raises:
        UserError: the entanglement does not fit the number of qubits, or no gate has an angle.
    """
    return library_layers(library.n_local, qubits, options, len(options.entanglement_blocks))
