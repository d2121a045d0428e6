"""First step of the engine: a Qiskit circuit becomes three kinds of elementary gates.

Every gate is rewritten into fixed one-qubit matrices, X/Y rotations and Z-phases
``exp(-i angle/2 Z⊗…⊗Z)``; a CZ, for example, is three Z-phases. A gate without a rule here is
replaced by its Qiskit definition, until only known ones are left. Global phases are dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Gate as QiskitGate
from qiskit.circuit import Instruction, ParameterExpression, QuantumCircuit

from qhu.errors import UserError

Angle: TypeAlias = float | ParameterExpression
Matrix: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Fixed:
    """Constant one-qubit gate with the unitary ``matrix`` (2, 2)."""

    qubit: int
    matrix: Matrix


@dataclass(frozen=True)
class Rotation:
    """``exp(-i angle/2 P)`` on one qubit, with P = X or Y named by ``axis``."""

    qubit: int
    axis: str
    angle: Angle


@dataclass(frozen=True)
class ZPhase:
    """``exp(-i angle/2 Z⊗…⊗Z)`` on ``qubits``: RZ on one qubit, RZZ on two."""

    qubits: tuple[int, ...]
    angle: Angle


ElementaryGate = Fixed | Rotation | ZPhase

PAULI: dict[str, Matrix] = {
    "x": np.array([[0, 1], [1, 0]], dtype=complex),
    "y": np.array([[0, -1j], [1j, 0]]),
    "z": np.array([[1, 0], [0, -1]], dtype=complex),
}
_HADAMARD: Matrix = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
_Z_TO_Y: Matrix = np.diag([1, 1j]) @ _HADAMARD  # V with V Z V† = Y
_IGNORED = ("barrier", "delay")


def elementary_gates(circuit: QuantumCircuit) -> list[ElementaryGate]:
    """Elementary gates of a circuit without measurements, in time order.

    Raises:
        UserError: an instruction is not a unitary gate that the engine can take apart.
    """
    gates: list[ElementaryGate] = []
    _extend(gates, circuit, range(circuit.num_qubits))
    return gates


def _extend(gates: list[ElementaryGate], circuit: QuantumCircuit, wires: Sequence[int]) -> None:
    """Append the elementary gates of ``circuit``, whose qubit i lies on ``wires[i]``."""
    index = dict(zip(circuit.qubits, wires, strict=True))
    for item in circuit.data:
        operation, qubits = item.operation, [index[bit] for bit in item.qubits]
        if operation.name not in _IGNORED:
            _append(gates, operation, qubits)


def _append(gates: list[ElementaryGate], operation: Instruction, qubits: list[int]) -> None:
    rule = _RULES.get(operation.name)
    if rule is not None:
        gates.extend(rule([_angle(value) for value in operation.params], qubits))
    elif _is_fixed_on_one_qubit(operation):
        gates.append(Fixed(qubits[0], operation.to_matrix()))
    elif isinstance(operation, Instruction) and operation.definition is not None:
        _extend(gates, operation.definition, qubits)
    else:
        raise UserError(
            f"the engine cannot simulate the instruction '{operation.name}': "
            "use unitary gates with a definition, without measurement, reset or control flow"
        )


def _is_fixed_on_one_qubit(operation: Instruction) -> bool:
    return (
        isinstance(operation, QiskitGate)
        and operation.num_qubits == 1
        and not operation.is_parameterized()
        and hasattr(operation, "to_matrix")
    )


def _angle(value: Angle) -> Angle:
    """The parameter of a gate, as a number where nothing is left to bind."""
    if isinstance(value, ParameterExpression) and value.parameters:
        return value
    return float(value)


def _rxx(angle: Angle, qubits: Sequence[int], frames: Sequence[Matrix]) -> list[ElementaryGate]:
    """``exp(-i angle/2 P⊗P')`` where each frame V turns Z into its P: P = V Z V†."""
    enter = [Fixed(q, frame.conj().T) for q, frame in zip(qubits, frames, strict=True)]
    leave = [Fixed(q, frame) for q, frame in zip(qubits, frames, strict=True)]
    return [*enter, ZPhase(tuple(qubits), angle), *leave]


def _cz(qubits: Sequence[int]) -> list[ElementaryGate]:
    return _controlled_phase(pi, qubits)


def _controlled_phase(angle: Angle, qubits: Sequence[int]) -> list[ElementaryGate]:
    control, target = qubits
    half = angle / 2
    # The joint phase comes first: the scheduler then puts all three into one diagonal.
    return [
        ZPhase((control, target), -half),
        ZPhase((control,), half),
        ZPhase((target,), half),
    ]


def _cx(qubits: Sequence[int]) -> list[ElementaryGate]:
    hadamard = Fixed(qubits[1], _HADAMARD)
    return [hadamard, *_cz(qubits), hadamard]


def _ecr(qubits: Sequence[int]) -> list[ElementaryGate]:
    # RZX(pi/4) X RZX(-pi/4) with the X moved to the end: the two rotations add up.
    return [*_rxx(pi / 2, qubits, (np.eye(2), _HADAMARD)), Fixed(qubits[0], PAULI["x"])]


_RULES: dict[str, Callable[[list[Angle], list[int]], list[ElementaryGate]]] = {
    "rx": lambda p, q: [Rotation(q[0], "x", p[0])],
    "ry": lambda p, q: [Rotation(q[0], "y", p[0])],
    "rz": lambda p, q: [ZPhase((q[0],), p[0])],
    "p": lambda p, q: [ZPhase((q[0],), p[0])],
    "u": lambda p, q: [ZPhase((q[0],), p[2]), Rotation(q[0], "y", p[0]), ZPhase((q[0],), p[1])],
    "rzz": lambda p, q: [ZPhase((q[0], q[1]), p[0])],
    "rxx": lambda p, q: _rxx(p[0], q, (_HADAMARD, _HADAMARD)),
    "ryy": lambda p, q: _rxx(p[0], q, (_Z_TO_Y, _Z_TO_Y)),
    "rzx": lambda p, q: _rxx(p[0], q, (np.eye(2), _HADAMARD)),
    "cp": lambda p, q: _controlled_phase(p[0], q),
    "crz": lambda p, q: [ZPhase((q[0], q[1]), -p[0] / 2), ZPhase((q[1],), p[0] / 2)],
    "cz": lambda p, q: _cz(q),
    "cx": lambda p, q: _cx(q),
    "ecr": lambda p, q: _ecr(q),
}
