"""The encoding of arXiv 2512.19253."""

from collections.abc import Sequence

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qhu.model.encodings.base import Encoding, Reuploadable
from qhu.registry import encoding


class Options(Reuploadable):
    """Options of ``rotations``."""

    angle: float = Field(1.0, gt=0, le=1)
    """rotation angle per unit of a scaled feature; features lie in [−π, π], and at angle 1 the
    values −π, 0 and π are all encoded as the same state"""


@encoding("rotations", cites=["crivoi2025quantum"])
class Rotations(Encoding):
    """RX, RY and RZ on the feature's qubit, all three by the feature times angle."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)

    def circuit(self, x: Sequence[Parameter]) -> QuantumCircuit:
        """All qubits side by side."""
        circuit = QuantumCircuit(len(x))
        for qubit, feature in enumerate(x):
            angle = feature if self.options.angle == 1 else self.options.angle * feature
            circuit.rx(angle, qubit)
            circuit.ry(angle, qubit)
            circuit.rz(angle, qubit)
        return circuit
