"""First step of the engine: a Qiskit circuit becomes four kinds of elementary gates.

Every gate is rewritten into fixed one-qubit matrices, X/Y rotations, Z-phases
``exp(-i angle/2 Z⊗…⊗Z)`` and CX; a CZ, for example, is three Z-phases. A standard gate
without a rule here is replaced by its Qiskit definition, until only known ones are left. Global
phases are dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Barrier, Delay, Gate, ParameterExpression, QuantumCircuit
from qiskit.circuit.library import (
    CPhaseGate,
    CRZGate,
    CXGate,
    CZGate,
    ECRGate,
    PhaseGate,
    RXGate,
    RXXGate,
    RYGate,
    RYYGate,
    RZGate,
    RZXGate,
    RZZGate,
    UGate,
    UnitaryGate,
)
from qiskit.synthesis import TwoQubitWeylDecomposition

from qhu.engine.lowering import has_free_parameters, lowered

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


@dataclass(frozen=True)
class Flip:
    """CX: the second of ``qubits`` is flipped where the first is 1."""

    qubits: tuple[int, int]


ElementaryGate = Fixed | Rotation | ZPhase | Flip

PAULI: dict[str, Matrix] = {
    "x": np.array([[0, 1], [1, 0]], dtype=complex),
    "y": np.array([[0, -1j], [1j, 0]]),
    "z": np.array([[1, 0], [0, -1]], dtype=complex),
}
_HADAMARD: Matrix = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
_Z_TO_Y: Matrix = np.diag([1, 1j]) @ _HADAMARD  # V with V Z V† = Y


def elementary_gates(circuit: QuantumCircuit) -> list[ElementaryGate]:
    """Elementary gates of a circuit without measurements, in time order.

    Raises:
        UserError: an instruction is not a unitary gate that the engine can take apart.
    """
    gates: list[ElementaryGate] = []
    _extend(gates, lowered(circuit), range(circuit.num_qubits))
    return gates


def _extend(gates: list[ElementaryGate], circuit: QuantumCircuit, wires: Sequence[int]) -> None:
    """Append the elementary gates of ``circuit``, whose qubit i lies on ``wires[i]``."""
    index = dict(zip(circuit.qubits, wires, strict=True))
    for item in circuit.data:
        if not isinstance(item.operation, (Barrier, Delay)):
            _append(gates, item.operation, [index[bit] for bit in item.qubits])


def _append(gates: list[ElementaryGate], gate: Gate, qubits: list[int]) -> None:
    rule = _RULES.get(gate.base_class)
    if rule is not None:
        gates.extend(rule([_angle(value) for value in gate.params], qubits))
    elif gate.num_qubits == 1 and not has_free_parameters(gate):
        gates.append(Fixed(qubits[0], gate.to_matrix()))
    elif isinstance(gate, UnitaryGate):
        gates.extend(_two_qubit_unitary(gate.to_matrix(), qubits))
    else:
        _extend(gates, lowered(gate.definition), qubits)


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


def _ecr(qubits: Sequence[int]) -> list[ElementaryGate]:
    # RZX(pi/4) X RZX(-pi/4) with the X moved to the end: the two rotations add up.
    return [*_rxx(pi / 2, qubits, (np.eye(2), _HADAMARD)), Fixed(qubits[0], PAULI["x"])]


def _two_qubit_unitary(matrix: Matrix, qubits: Sequence[int]) -> list[ElementaryGate]:
    """``(K1 ⊗ K1') exp(i (a XX + b YY + c ZZ)) (K2 ⊗ K2')``, its Weyl decomposition.

    Qiskit's gate definition rounds to a simpler form what is within 1e-5 of one; this does not.
    """
    weyl = TwoQubitWeylDecomposition(matrix, fidelity=None)
    first, second = qubits
    return [
        Fixed(first, weyl.K2r),
        Fixed(second, weyl.K2l),
        *_rxx(-2 * weyl.a, qubits, (_HADAMARD, _HADAMARD)),
        *_rxx(-2 * weyl.b, qubits, (_Z_TO_Y, _Z_TO_Y)),
        ZPhase(tuple(qubits), -2 * weyl.c),
        Fixed(first, weyl.K1r),
        Fixed(second, weyl.K1l),
    ]


_RULES: dict[type[Gate], Callable[[list[Angle], list[int]], list[ElementaryGate]]] = {
    RXGate: lambda p, q: [Rotation(q[0], "x", p[0])],
    RYGate: lambda p, q: [Rotation(q[0], "y", p[0])],
    RZGate: lambda p, q: [ZPhase((q[0],), p[0])],
    PhaseGate: lambda p, q: [ZPhase((q[0],), p[0])],
    UGate: lambda p, q: [ZPhase((q[0],), p[2]), Rotation(q[0], "y", p[0]), ZPhase((q[0],), p[1])],
    RZZGate: lambda p, q: [ZPhase((q[0], q[1]), p[0])],
    RXXGate: lambda p, q: _rxx(p[0], q, (_HADAMARD, _HADAMARD)),
    RYYGate: lambda p, q: _rxx(p[0], q, (_Z_TO_Y, _Z_TO_Y)),
    RZXGate: lambda p, q: _rxx(p[0], q, (np.eye(2), _HADAMARD)),
    CPhaseGate: lambda p, q: _controlled_phase(p[0], q),
    CRZGate: lambda p, q: [ZPhase((q[0], q[1]), -p[0] / 2), ZPhase((q[1],), p[0] / 2)],
    CZGate: lambda p, q: _cz(q),
    CXGate: lambda p, q: [Flip((q[0], q[1]))],
    ECRGate: lambda p, q: _ecr(q),
}
