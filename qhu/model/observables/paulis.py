"""Sums of Pauli strings as text."""

import re

from pydantic import Field, field_validator
from qiskit.quantum_info import SparsePauliOp

from qhu.errors import UserError, brief
from qhu.registry import Options as Base
from qhu.registry import observables

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TERM = re.compile(rf"\s*([+-]?)\s*(?:({_NUMBER})\s*\*\s*)?([IXYZ.]+)\s*")
_SMALLEST, _LARGEST = 1e-6, 1e6
"""Of coefficients: networks compute in single precision, with seven digits."""


class Options(Base):
    """Options of ``paulis``, for which a list of texts is short."""

    terms: tuple[str, ...] = Field(min_length=1, max_length=10_000)
    """one text per output, such as ``ZIII``, ``XX..`` or ``0.5*ZZ+0.5*XX``: Pauli letters with one
    letter per qubit, the last for qubit 0 as in Qiskit, a dot for the identity; coefficients are
    real, from 1e-6 to 1e6 in size"""

    @field_validator("terms")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            terms = _parsed(text)
            if len({len(letters) for letters, _ in terms}) > 1:
                raise ValueError(f"{brief(text)}: its Pauli strings differ in length")
            if not _operator(terms).coeffs.any():
                raise ValueError(f"{brief(text)} is zero: its terms cancel")
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
        operators.append(_operator(terms))
    return operators


def _operator(terms: list[tuple[str, float]]) -> SparsePauliOp:
    """The sum, equal strings added up."""
    return SparsePauliOp.from_list(terms).simplify()


def _parsed(text: str) -> list[tuple[str, float]]:
    """Pauli strings and their real coefficients.

    Raises:
        ValueError: the text is no such sum, or a coefficient is out of range.
    """
    terms, end = [], 0
    while end < len(text):
        match = _TERM.match(text, end)
        if match is None or (end and not match[1]):
            break
        sign, factor, letters = match.groups()
        size = float(factor or 1)
        if not _SMALLEST <= size <= _LARGEST:
            raise ValueError(f"{brief(text)}: coefficients are from 1e-6 to 1e6 in size")
        terms.append((letters.replace(".", "I"), -size if sign == "-" else size))
        end = match.end()
    if not terms or end < len(text):
        raise ValueError(
            f"{brief(text)} is no sum of Pauli strings: write ZIII, XX.. or 0.5*ZZ+0.5*XX"
        )
    return terms
