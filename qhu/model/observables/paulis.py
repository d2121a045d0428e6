"""Sums of Pauli strings as text."""

import re
from typing import Any

from pydantic import Field, field_validator
from qiskit.quantum_info import SparsePauliOp

from qhu.errors import UserError, brief
from qhu.registry import Options as Base
from qhu.registry import observables

_TERM = re.compile(r"([+-]?)(?:([0-9.]+(?:e[+-]?[0-9]+)?)\*)?([IXYZ.]+)")


class Options(Base):
    """Options of ``paulis``, for which a list of texts is short."""

    terms: tuple[str, ...] = Field(min_length=1, max_length=10_000)
    """one text per output, such as ``ZIII``, ``XX..`` or ``0.5*ZZ+0.5*XX``: Pauli letters with one
    letter per qubit, the last for qubit 0 as in Qiskit, a dot for the identity"""

    @field_validator("terms")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            _parsed(text)
        return texts


@observables("paulis")
def paulis(qubits: int, options: Options) -> list[SparsePauliOp]:
    """Sums of Pauli strings, such as ``ZIII`` or ``0.5*ZZ+0.5*XX``; the last letter is qubit 0.

    Raises:
        UserError: a string has another number of letters than the circuit has qubits.
    """
    operators = []
    for text in options.terms:
        terms = _parsed(text)
        for letters, _ in terms:
            if len(letters) != qubits:
                raise UserError(
                    f"model.observables: '{letters}' has {len(letters)} letters and the circuit "
                    f"{qubits} qubits: write one letter per qubit, the last for qubit 0"
                )
        operators.append(SparsePauliOp.from_list(terms, num_qubits=qubits))
    return operators


def _parsed(text: str) -> list[tuple[str, Any]]:
    """Pauli strings and their real coefficients.

    Raises:
        ValueError: the text is no such sum.
    """
    terms, end, packed = [], 0, text.replace(" ", "")
    while end < len(packed):
        match = _TERM.match(packed, end)
        if match is None or (end and not match[1]):
            break
        sign, factor, letters = match.groups()
        terms.append((letters.replace(".", "I"), float(f"{sign}{factor or 1}")))
        end = match.end()
    if not terms or end < len(packed):
        raise ValueError(
            f"{brief(text)} is no sum of Pauli strings: write ZIII, XX.. or 0.5*ZZ+0.5*XX"
        )
    return terms
