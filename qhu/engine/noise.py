"""An Aer noise model as constant matrices: channels after gates, and what the readout makes of Z.

A channel E is its Pauli transfer matrix ``T_ij = tr(P_i E(P_j)) / 2**k``, real, where the first
qubit of a gate is the least significant digit, as in Qiskit.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Delay, Gate, Instruction, Operation, Reset
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import PTM, SuperOp

from qhu.engine.gate_error import GateError, Transfer
from qhu.engine.lowering import refusal, standard_types
from qhu.errors import UserError

Place: TypeAlias = tuple[int, ...] | None
"""Qubits that an error is about; None for all."""


class NoiseModel(Protocol):
    """The part of ``qiskit_aer.noise.NoiseModel`` that is read."""

    @property
    def basis_gates(self) -> list[str]:
        """Names of the native gates."""

    def to_dict(self, serializable: bool = False) -> dict[str, Any]:
        """Errors of gates (``qerror``) and of readout (``roerror``)."""


class Noise:
    """Errors of a noise model by instruction and qubits; a place's own error replaces the general.

    An instruction goes by its label where the model has errors of that label, and else by its name.
    Aer takes a label for the name in any case, so that a gate which was labelled for a drawing has
    no noise there.

    Args:
        model: noise model whose readout errors act on one qubit each.

    Attributes:
        basis_gates: names of the native gates.

    Raises:
        UserError: a readout error is correlated between qubits, or an error belongs to no name.
    """

    def __init__(self, model: NoiseModel) -> None:
        self.basis_gates = tuple(model.basis_gates)
        self._errors: dict[tuple[str, Place], GateError] = {}
        self._readout: dict[int | None, NDArray[np.float64]] = {}
        # Aer adds it by rewriting circuits; no public attribute tells.
        self._has_noisy_delays = bool(getattr(model, "_custom_noise_passes", ()))
        for error in model.to_dict()["errors"]:
            for place in error.get("gate_qubits", [None]):
                where = None if place is None else tuple(place)
                if error["type"] == "qerror":
                    self._add_error(where, error)
                else:
                    self._add_readout(where, np.array(error["probabilities"]))
        self._names = {name for name, _ in self._errors}

    def takes(self, operation: Operation) -> bool:
        """Whether an error belongs to a gate or reset as it is."""
        native = isinstance(operation, (Gate, Reset))
        return native and self.name_of(operation) in self._names

    def name_of(self, operation: Operation) -> str | None:
        """What the noise model calls an operation; None where it knows none of the kind.

        The name of a standard instruction means that one and no other that is called so.
        """
        label = getattr(operation, "label", None)
        if label in self._names:
            return str(label)
        standard = standard_types().get(operation.name)
        if standard is None or standard is operation.base_class:
            return operation.name
        return None

    def after(self, operation: Instruction, qubits: Sequence[int]) -> Transfer | None:
        """Channel that follows an instruction on ``qubits``, or None where it has no error.

        Raises:
            UserError: the error is one that the engine cannot take.
        """
        if isinstance(operation, Delay) and self._has_noisy_delays:
            raise UserError(
                "the noise model's error of a 'delay' depends on its length, which the engine "
                "cannot take: leave delays out"
            )
        name = self.name_of(operation)
        return None if name is None else self._error(name, qubits)

    def transfer(self, gate: Instruction, qubits: Sequence[int]) -> Transfer:
        """Transfer matrix of a gate without parameters on ``qubits``, noise included.

        Raises:
            UserError: the instruction is no unitary gate, or its error is refused.
        """
        ideal, error = transfer_of(gate), self.after(gate, qubits)
        return ideal if error is None else error @ ideal

    def before_readout(self, qubit: int) -> Transfer:
        """Channel on a qubit right before it is measured."""
        error = self._error("measure", [qubit])
        return np.eye(4) if error is None else error

    def confusion(self, qubit: int) -> NDArray[np.float64]:
        """Readout of a qubit: element [x, y] is P(read y | state x)."""
        return self._readout.get(qubit, self._readout.get(None, np.eye(2)))

    def _error(self, name: str, qubits: Sequence[int]) -> Transfer | None:
        error = self._errors.get((name, tuple(qubits)), self._errors.get((name, None)))
        return None if error is None else error.on(len(qubits))

    def _add_error(self, where: Place, error: dict[str, Any]) -> None:
        for name in error["operations"]:
            if not isinstance(name, str):
                raise UserError(
                    "an error of the noise model belongs to no instruction: give the name of the "
                    "gate, such as 'x', and not a gate without a label"
                )
            self._errors[name, where] = GateError(name, error)

    def _add_readout(self, where: Place, probabilities: NDArray[np.float64]) -> None:
        if probabilities.shape != (2, 2):
            raise UserError(
                f"the readout error of qubits {where} is correlated: give one error per qubit"
            )
        self._readout[None if where is None else where[0]] = probabilities


def transfer_of(gate: Instruction) -> Transfer:
    """Pauli transfer matrix of a gate without parameters, or of a reset.

    Raises:
        UserError: the instruction is neither.
    """
    try:
        return np.real(PTM(SuperOp(gate)).data)
    except QiskitError:
        raise refusal(gate) from None
