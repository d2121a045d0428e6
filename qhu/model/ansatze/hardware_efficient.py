"""Layers that a heavy-hex device runs without a SWAP."""

from typing import Literal

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import library

from qhu.errors import UserError
from qhu.model.ansatze.library import Repeated, cut
from qhu.model.gates import OneQubitGates
from qhu.registry import ansatz

COLUMNS = 4
"""Couplings from one bridge of a heavy-hex lattice to the next."""


class Options(Repeated):
    """Options of ``hardware_efficient``."""

    rotations: OneQubitGates = Field(("ry", "rz"), min_length=1)
    """standard gates on one qubit, applied to every qubit one after another"""
    entangler: Literal["cz", "cx", "ecr"] = "cz"
    """the gate of every coupling"""
    lattice: Literal["chain", "rings"] = "chain"
    """the part of a heavy-hex lattice that is coupled: a ``chain``; or ``rings`` of twelve side by
    side, which close at 12, 21 and 30 qubits"""


@ansatz("hardware_efficient", cites=["kandala2017hardware"])
def hardware_efficient(qubits: int, options: Options) -> list[QuantumCircuit]:
    """RY and RZ on every qubit, then CZ on neighbours of a heavy-hex lattice: needs no SWAPs.

    Couplings that share no qubit follow each other, so that a device runs them at the same time.
    After Kandala et al., Nature 2017.

    Raises:
        UserError: there is one qubit only, or no gate has an angle.
    """
    if qubits < 2:
        raise UserError("model.ansatz hardware_efficient couples qubits: take two or more")
    pairs = chain(qubits) if options.lattice == "chain" else rings(qubits)
    circuit = library.n_local(
        qubits,
        options.rotations,
        options.entangler,
        pairs,
        options.reps,
        insert_barriers=True,
        skip_final_rotation_layer=options.skip_final_rotation_layer,
    )
    return cut(circuit)


def chain(qubits: int) -> list[tuple[int, int]]:
    """Couplings of neighbours in a row: every other one, then those between."""
    line = [(qubit, qubit + 1) for qubit in range(qubits - 1)]
    return line[::2] + line[1::2]


def rings(qubits: int) -> list[tuple[int, int]]:
    """Couplings of two long rows with a bridge qubit at every fourth column.

    Qubits are numbered column by column, so that every width is connected.
    """
    places = [place for column in range(qubits) for place in _column(column)][:qubits]
    number = {place: qubit for qubit, place in enumerate(places)}
    near = [((row, c), (row, c + 1)) for row in (0, 2) for c in range(qubits)]
    rows = [pair for start in (0, 1) for pair in near if pair[0][1] % 2 == start]
    bridges = [((r, c), (r + 1, c)) for r in (0, 1) for c in range(0, qubits, COLUMNS)]
    return [(number[a], number[b]) for a, b in rows + bridges if a in number and b in number]


def _column(column: int) -> list[tuple[int, int]]:
    """Its places (row, column); row 1 is that of the bridges."""
    return [(row, column) for row in ((0, 1, 2) if column % COLUMNS == 0 else (0, 2))]
