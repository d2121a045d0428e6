"""Amplitude embedding: the row itself is the state."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qhu import registry
from qhu.engine.preparation import Amplitudes
from qhu.errors import UserError
from qhu.model.encodings.base import Encoding
from qhu.registry import encoding

MAX_QUBITS = 12
"""The circuit for noise and devices has a rotation per feature: 4,095 of them."""


class Options(registry.Options):
    """Options of ``amplitude``."""

    pad: float | None = Field(None)
    """What fills a row up, at its end, to 2, 4, 8, … numbers; null: it must have so many."""


@encoding("amplitude", cites=["mottonen2005transformation"])
class Amplitude(Encoding):
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

    def check(self, rows: NDArray[np.floating]) -> None:
        """Refuse rows of zeros, which no state has for its amplitudes."""
        empty = np.flatnonzero(~rows.any(axis=1))
        filled = self.options.pad and self.preparation(rows.shape[1]).missing
        if len(empty) and not filled:
            raise UserError(
                f"the encoding 'amplitude' cannot take rows of zeros, and there are {len(empty)}, "
                f"as data.scale has them (first: row {empty[0]}): drop them, or scale otherwise"
            )

    def circuit(self, x: Sequence[Parameter]) -> QuantumCircuit:
        """The rotations that prepare the state, by their angles."""
        return Amplitudes(len(x) + 1).circuit(x)
