"""One ⟨Z⟩ per qubit, as in arXiv 2512.19253."""

from typing import Annotated

from pydantic import Field, field_validator
from qiskit.quantum_info import SparsePauliOp

from qhu.model.entanglement import check_width
from qhu.registry import Options, observables


class Subset(Options):
    """Options of observables on single qubits."""

    qubits: tuple[Annotated[int, Field(ge=0, strict=True)], ...] | None = Field(None, min_length=1)
    """qubits that are measured, in the order of the outputs; null: all"""

    @field_validator("qubits")
    @classmethod
    def _distinct(cls, qubits: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if qubits is not None and len(set(qubits)) < len(qubits):
            raise ValueError("a qubit is named twice")
        return qubits


def chosen(options: Subset, qubits: int) -> list[int]:
    """The qubits that are measured.

    Raises:
        UserError: one is not in the circuit.
    """
    if options.qubits is None:
        return list(range(qubits))
    check_width("model.observables.qubits", (options.qubits,), qubits)
    return list(options.qubits)


@observables("z")
def z(qubits: int, options: Subset) -> list[SparsePauliOp]:
    """⟨Z⟩ of every qubit, output j on qubit j, or of chosen ones in their order.

    Raises:
        UserError: a chosen qubit is not in the circuit.
    """
    return [
        SparsePauliOp.from_sparse_list([("Z", [j], 1.0)], num_qubits=qubits)
        for j in chosen(options, qubits)
    ]
