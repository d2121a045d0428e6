"""Errors of gates as constant matrices."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Gate, Reset
from qiskit.quantum_info import PTM, Kraus, Operator, Pauli, SuperOp

from qhu.engine.lowering import standard_types
from qhu.errors import UserError

Transfer: TypeAlias = NDArray[Any]
"""Pauli transfer matrix (4**k, 4**k)."""

MAX_ERROR_QUBITS = 4
"""Qubits of the widest matrix, 256 x 256; one of five qubits would have a million entries."""
_SILENT = ("barrier", "delay")


class GateError:
    """A quantum error of Aer: a mixture of short circuits, on the first qubits of an instruction.

    Args:
        name: the instruction that it belongs to.
        content: what ``QuantumError.to_dict`` says.
    """

    def __init__(self, name: str, content: Mapping[str, Any]) -> None:
        self._name, self._content = name, content
        self._matrices: dict[int, Transfer] = {}

    def on(self, width: int) -> Transfer:
        """Transfer matrix for an instruction on ``width`` qubits.

        Raises:
            UserError: the error acts on more qubits than that, the instruction on too many, or the
                error holds an operation that is no standard one.
        """
        if width not in self._matrices:
            self._check(width)
            circuits, probabilities = self._content["instructions"], self._content["probabilities"]
            total = SuperOp(np.zeros((4**width, 4**width)))
            for items, probability in zip(circuits, probabilities, strict=True):
                total = total + probability * _circuit(items, width)
            self._matrices[width] = np.real(PTM(total).data)
        return self._matrices[width]

    def _check(self, width: int) -> None:
        items = [item for circuit in self._content["instructions"] for item in circuit]
        needed = 1 + max([qubit for item in items for qubit in item["qubits"]], default=0)
        if not needed <= width <= MAX_ERROR_QUBITS:
            raise UserError(
                f"the noise model's error of '{self._name}' acts on {needed} qubits and here the "
                f"instruction on {width}: an error has to fit it, and {MAX_ERROR_QUBITS} qubits"
            )


def _circuit(items: Sequence[Mapping[str, Any]], width: int) -> SuperOp:
    circuit: Operator | SuperOp = Operator(np.eye(2**width))
    for item in items:
        if item["name"] not in _SILENT:
            operation = _operation(item)
            circuit = SuperOp(circuit) if isinstance(operation, SuperOp) else circuit
            circuit = circuit.compose(operation, qargs=item["qubits"])
    return SuperOp(circuit)


def _operation(item: Mapping[str, Any]) -> Operator | SuperOp:
    name, values = item["name"], item.get("params", [])
    if name == "kraus":
        return SuperOp(Kraus(list(values)))
    if name == "superop":
        return SuperOp(values[0])
    if name == "pauli":
        return Operator(Pauli(values[0]))
    if name == "unitary":
        return Operator(values[0])
    if name == "reset":
        return SuperOp(Reset())
    kind = standard_types().get(name)
    if kind is None or not issubclass(kind, Gate):
        raise UserError(
            f"the noise model holds an operation '{name}' that the engine cannot take: write the "
            "error in standard gates, matrices, Kraus operators and resets"
        )
    return Operator(kind(*values))
