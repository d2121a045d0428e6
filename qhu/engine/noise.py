"""An Aer noise model as constant matrices: channels after gates, and what the readout makes of Z.

A channel E is its Pauli transfer matrix ``T_ij = tr(P_i E(P_j)) / 2**k``, real, where the first
qubit of a gate is the least significant digit, as in Qiskit.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Instruction, Operation, Reset
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import PTM, Kraus, Operator, Pauli, SuperOp

from qhu.engine.lowering import standard_types
from qhu.errors import UserError

Transfer: TypeAlias = NDArray[Any]
"""Pauli transfer matrix (4**k, 4**k)."""


class NoiseModel(Protocol):
    """The part of ``qiskit_aer.noise.NoiseModel`` that is read."""

    @property
    def basis_gates(self) -> list[str]:
        """Names of the native gates."""

    def to_dict(self, serializable: bool = False) -> dict[str, Any]:
        """Errors of gates (``qerror``) and of readout (``roerror``)."""


class Noise:
    """Errors of a noise model by gate and qubits; a qubit's own error replaces that of all qubits.

    Args:
        model: noise model whose readout errors act on one qubit each.

    Attributes:
        basis_gates: names of the native gates.

    Raises:
        UserError: a readout error is correlated between qubits.
    """

    def __init__(self, model: NoiseModel) -> None:
        self.basis_gates = tuple(model.basis_gates)
        self._gates: dict[tuple[str, tuple[int, ...] | None], dict[str, Any]] = {}
        self._readout: dict[int | None, NDArray[np.float64]] = {}
        self._transfers: dict[tuple[str, tuple[int, ...] | None], Transfer] = {}
        for error in model.to_dict()["errors"]:
            places = error.get("gate_qubits", [None])
            for place in places:
                where = None if place is None else tuple(place)
                if error["type"] == "qerror":
                    self._gates.update({(name, where): error for name in error["operations"]})
                else:
                    self._add_readout(where, np.array(error["probabilities"]))

    def takes(self, operation: Operation) -> bool:
        """Whether an operation is native: it is a reset, or an error belongs to it."""
        return isinstance(operation, Reset) or _spoken_of(operation) in {n for n, _ in self._gates}

    def after(self, gate: Instruction, qubits: Sequence[int]) -> Transfer | None:
        """Channel that follows a gate on ``qubits``, or None where the gate has no error."""
        name = _spoken_of(gate)
        for key in ((name, tuple(qubits)), (name, None)):
            if key in self._gates:
                if key not in self._transfers:
                    self._transfers[key] = _channel(self._gates[key], len(qubits))
                return self._transfers[key]
        return None

    def transfer(self, gate: Instruction, qubits: Sequence[int]) -> Transfer:
        """Transfer matrix of a gate without parameters on ``qubits``, noise included.

        Raises:
            UserError: the instruction is no unitary gate.
        """
        ideal, error = transfer_of(gate), self.after(gate, qubits)
        return ideal if error is None else error @ ideal

    def confusion(self, qubit: int) -> NDArray[np.float64]:
        """Readout of a qubit: element [x, y] is P(read y | state x)."""
        return self._readout.get(qubit, self._readout.get(None, np.eye(2)))

    def _add_readout(
        self, where: tuple[int, ...] | None, probabilities: NDArray[np.float64]
    ) -> None:
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
        raise UserError(
            f"the engine cannot simulate the instruction '{gate.name}' under noise: "
            "use gates and resets, without measurement or control flow"
        ) from None


def _spoken_of(operation: Operation) -> str | None:
    """What a noise model calls an operation: by its label or else its name, as Aer reads it.

    The name of a standard instruction means that one and no other that is called so.
    """
    label = getattr(operation, "label", None)
    named = standard_types().get(operation.name)
    if label or named is None or named is operation.base_class:
        return label or operation.name
    return None


def _channel(error: dict[str, Any], width: int) -> Transfer:
    """Transfer matrix of a quantum error on ``width`` qubits: a mixture of short circuits."""
    total = SuperOp(np.zeros((4**width, 4**width)))
    for items, probability in zip(error["instructions"], error["probabilities"], strict=True):
        circuit = SuperOp(np.eye(4**width))
        for item in items:
            circuit = circuit.compose(_operation(item), qargs=item["qubits"])
        total = total + probability * circuit
    return np.real(PTM(total).data)


def _operation(item: dict[str, Any]) -> SuperOp:
    name, values = item["name"], item.get("params", [])
    if name == "kraus":
        return SuperOp(Kraus(list(values)))
    if name == "pauli":
        return SuperOp(Operator(Pauli(values[0])))
    if name == "unitary":
        return SuperOp(Operator(values[0]))
    if name == "reset":
        return SuperOp(Reset())
    gate = standard_types().get(name)
    if gate is None:
        raise UserError(f"the noise model holds an operation '{name}' that the engine cannot take")
    return SuperOp(Operator(gate()))
