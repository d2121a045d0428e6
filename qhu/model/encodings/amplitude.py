"""Amplitude embedding: the row itself is the state."""

from collections.abc import Sequence

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from torch import Tensor

from qhu import registry
from qhu.engine.preparation import Amplitudes
from qhu.errors import UserError
from qhu.model.encodings.base import Selective
from qhu.registry import encoding

MAX_QUBITS = 12
"""The circuit for noise and devices has a rotation per feature: 4,095 of them."""


class Options(registry.Options):
    """Options of ``amplitude``."""

    pad: float | None = Field(None)
    """What fills a row up, at its end, to 2, 4, 8, … numbers; null: it must have so many."""


@encoding("amplitude", cites=["mottonen2005transformation"])
class Amplitude(Selective):
    """2ⁿ features, divided by their length, are the amplitudes of n qubits."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)

    def qubits(self, features: int) -> int:
        """As many as it takes for an amplitude per feature.

        Raises:
            UserError: too many features, or not a power of two and nothing to fill them up with.
        """
        prepared = self.preparation(features)
        if prepared.num_qubits > MAX_QUBITS:
            raise UserError(
                f"the encoding 'amplitude' takes up to {2**MAX_QUBITS} features, got {features}: "
                "reduce them, or use a front"
            )
        if self.options.pad is None and prepared.missing:
            raise UserError(
                f"the encoding 'amplitude' takes 2, 4, 8, 16, … features, got {features}: set "
                f"model.encoding.pad, such as 0, to fill them up to {2**prepared.num_qubits}"
            )
        return prepared.num_qubits

    def features(self, qubits: int) -> int:
        """An amplitude per basis state.

        Raises:
            UserError: too many qubits.
        """
        if qubits > MAX_QUBITS:
            raise UserError(
                f"the encoding 'amplitude' takes up to {MAX_QUBITS} qubits, got {qubits}: lower "
                "model.qubits"
            )
        return int(2**qubits)

    def preparation(self, features: int) -> Amplitudes:
        """The state of a row."""
        return Amplitudes(features, self.options.pad or 0.0)

    def check(self, rows: Tensor) -> None:
        """Refuse rows of zeros, which no state has for its amplitudes.

        Raises:
            UserError: there are some, and nothing else than 0 fills them up.
        """
        empty = (~rows.any(dim=1)).nonzero().flatten()
        filled = self.options.pad and self.preparation(rows.shape[1]).missing
        if len(empty) and not filled:
            raise UserError(
                f"the encoding 'amplitude' cannot take rows of zeros, and there are {len(empty)} "
                f"after scaling (first: row {int(empty[0])}): drop them, or change data.scale"
            )

    def circuit(self, x: Sequence[Parameter]) -> QuantumCircuit:
        """The rotations that prepare the state, by their angles."""
        return Amplitudes(len(x) + 1).circuit(x)
