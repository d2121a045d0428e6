"""A circuit in a file."""

import io
from pathlib import Path

import qiskit.qasm2
import qiskit.qasm3
from pydantic import field_validator
from qiskit import QuantumCircuit, qpy

from qhu.errors import UserError, shortened
from qhu.model.circuits.base import WholeCircuit
from qhu.record.documents import read_bounded
from qhu.registry import circuit

MAX_BYTES = 20_000_000
SUFFIXES = (".qasm", ".qpy")


class Options(WholeCircuit):
    """Options of ``file``, for which the path alone is short."""

    path: str
    """``.qasm`` with OpenQASM 3 or 2, or ``.qpy`` with one circuit"""

    @field_validator("path")
    @classmethod
    def _of_a_kind(cls, path: str) -> str:
        if Path(path).suffix.lower() not in SUFFIXES:
            raise ValueError(f"circuit files end in {' or '.join(SUFFIXES)}")
        return path

    @property
    def source(self) -> str:
        """The path."""
        return self.path

    def read(self) -> QuantumCircuit:
        """The circuit in the file.

        Raises:
            UserError: the file is missing, too large, or no circuit can be read from it.
        """
        content = read_bounded(Path(self.path), MAX_BYTES)
        try:
            if self.path.lower().endswith(".qpy"):
                return self._of_qpy(content)
            return _of_qasm(content.decode())
        except UserError:
            raise
        except Exception as error:  # readers of foreign files raise anything
            why = shortened(" ".join(str(error).split()), 200)
            raise UserError(
                f"{self.path} holds no circuit that Qiskit reads ({type(error).__name__}: {why})"
            ) from error

    def _of_qpy(self, content: bytes) -> QuantumCircuit:
        circuits = qpy.load(io.BytesIO(content))
        if len(circuits) != 1 or not isinstance(circuits[0], QuantumCircuit):
            raise UserError(f"{self.path} holds {len(circuits)} circuits: keep one")
        return circuits[0]


def _of_qasm(text: str) -> QuantumCircuit:
    if "OPENQASM 2" in text:
        made: QuantumCircuit = qiskit.qasm2.loads(
            text, custom_instructions=qiskit.qasm2.LEGACY_CUSTOM_INSTRUCTIONS
        )
        return made
    loaded: QuantumCircuit = qiskit.qasm3.loads(text)
    return loaded


@circuit("file")
def file(options: Options) -> WholeCircuit:
    """A circuit in a .qasm or .qpy file; short form `circuit: PATH`."""
    return options
