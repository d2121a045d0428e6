"""Bits as basis states."""

import math
from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from torch import Tensor

from qhu.errors import UserError
from qhu.model.encodings.base import Reuploadable, Selective
from qhu.registry import encoding


@encoding("basis")
class Basis(Selective):
    """X on the qubits whose feature is 1; takes features that are 0 or 1, and no others."""

    def __init__(self, options: Reuploadable) -> None:
        super().__init__(options)

    def features(self, qubits: int) -> int:
        """None that a front could give.

        Raises:
            UserError: always.
        """
        raise UserError(
            "model.encoding basis takes features that are 0 or 1, which a front does not promise: "
            "set model.front to none, or take another encoding"
        )

    def check(self, rows: Tensor) -> None:
        """Refuse features that are no bits: they are never rounded.

        Raises:
            UserError: a feature is neither 0 nor 1.
        """
        bad = ((rows != 0) & (rows != 1)).nonzero()
        if len(bad):
            row, feature = bad[0].tolist()
            raise UserError(
                f"model.encoding basis takes features that are 0 or 1, and feature {feature} of "
                f"row {row} is {rows[row, feature]:.6g} after scaling: give data of 0 and 1, and "
                "set data.scale to none (nothing is rounded)"
            )

    def circuit(self, x: Sequence[Parameter]) -> QuantumCircuit:
        """RX by π times the feature: for a bit this is X or nothing, up to a phase."""
        circuit = QuantumCircuit(len(x))
        for qubit, feature in enumerate(x):
            circuit.rx(math.pi * feature, qubit)
        return circuit
