"""Qiskit's PauliFeatureMap."""

import re

from pydantic import Field, field_validator
from qiskit import QuantumCircuit
from qiskit.circuit import library

from qhu.errors import brief
from qhu.model.encodings.library import EntangledMapOptions, FeatureMap, coupled
from qhu.registry import encoding


class Options(EntangledMapOptions):
    """Options of ``pauli_feature_map``."""

    paulis: tuple[str, ...] = Field(("Z", "ZZ"), min_length=1, max_length=100)
    """Pauli strings that qubits turn about, one after another; each on all groups of as many qubits
    that ``entanglement`` couples, the last letter on the first qubit of a group"""

    @field_validator("paulis")
    @classmethod
    def _are_paulis(cls, paulis: tuple[str, ...]) -> tuple[str, ...]:
        for pauli in paulis:
            if not re.fullmatch("[IXYZ]*[XYZ][IXYZ]*", pauli):
                raise ValueError(f"{brief(pauli)} is no Pauli string such as Z, YY or ZXZ")
        return paulis


@encoding("pauli_feature_map", cites=["havlicek2019supervised"])
class PauliFeatureMap(FeatureMap):
    """H, then rotations about any Pauli strings by features; Qiskit's pauli_feature_map."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)

    def map(self, qubits: int) -> QuantumCircuit:
        """A string on one qubit turns by ``alpha``·x, on more by ``alpha``·Π(π − x).

        Raises:
            UserError: a string is longer than the circuit, or the entanglement does not fit.
        """
        options = self.options
        sizes = {len(pauli) for pauli in options.paulis}
        entanglement = coupled(options.entanglement, sizes, qubits)
        paulis = list(options.paulis)
        return library.pauli_feature_map(qubits, options.reps, entanglement, options.alpha, paulis)
