"""Light cones: what an observable depends on in a wide, shallow circuit is a narrow circuit.

Gates that commute past an observable drop out (:func:`~qhu.engine.schedule.visible_gates`), and the
qubits that the others act on are the observable's cone. Terms with cones on the same few qubits go
together; the expectation values of all groups are added up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from qiskit.quantum_info import PauliList, SparsePauliOp
from torch import Tensor

from qhu.engine.constants import Constants
from qhu.engine.gates import ElementaryGate, Flip, ZPhase
from qhu.engine.schedule import visible_gates

LAUNCH_QUBITS = 10
"""Narrower circuits take no less time: it is that of launching their operations."""


@dataclass(frozen=True)
class Cone:
    """The part of a circuit that some terms of the observables depend on.

    Attributes:
        num_qubits: its width.
        gates: its gates on qubits 0, 1, …
        columns: numbers of the observables that the terms belong to.
        observables: for each of these, the sum of its terms, on qubits 0, 1, …
    """

    num_qubits: int
    gates: list[ElementaryGate]
    columns: list[int]
    observables: list[SparsePauliOp]


def light_cones(
    gates: Sequence[ElementaryGate], observables: Sequence[SparsePauliOp]
) -> list[Cone] | None:
    """The circuit taken apart into cones, or None where the whole takes no more time.

    Args:
        gates: the circuit.
        observables: sums of Pauli strings with real coefficients.
    """
    most = 2 ** observables[0].num_qubits
    cones: dict[tuple[bytes, bytes], frozenset[int]] = {}
    groups: list[frozenset[int]] = []
    for observable in observables:
        for number, key in enumerate(_keys(observable)):
            if key not in cones:
                cones[key] = _cone(gates, observable.paulis[number])
                groups = _joined(groups, cones[key])
                if sum(_cost(group) for group in groups) >= most:
                    return None
    parts: dict[frozenset[int], dict[int, list[int]]] = {group: {} for group in groups}
    for column, observable in enumerate(observables):
        for number, key in enumerate(_keys(observable)):
            group = next(group for group in groups if cones[key] <= group)
            parts[group].setdefault(column, []).append(number)
    return [_part(gates, sorted(group), observables, own) for group, own in parts.items()]


class ConeProgram:
    """Sum of the expectation values of cones, each with a program of its own.

    Args:
        parts: for each cone its program and the numbers of the observables that it adds to.
        size: M, how many observables there are.
    """

    def __init__(self, parts: Sequence[tuple[Any, Sequence[int]]], size: int) -> None:
        self._programs = [program for program, _ in parts]
        self._size = size
        self._constants = Constants()
        self._constants["columns"] = torch.tensor([m for _, columns in parts for m in columns])

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Expectation values (..., M) at inputs (..., I) and weights (..., W)."""
        values = torch.cat([program(inputs, weights) for program in self._programs], dim=-1)
        zeros = values.new_zeros(*values.shape[:-1], self._size)
        return zeros.index_add(-1, self._constants.on(values.device)["columns"], values)


def _keys(observable: SparsePauliOp) -> Iterator[tuple[bytes, bytes]]:
    """What the cones of its terms depend on: where they are not I, and where not I or Z."""
    x, z = observable.paulis.x, observable.paulis.z
    return ((own.tobytes(), rotated.tobytes()) for own, rotated in zip(x | z, x, strict=True))


def _cone(gates: Sequence[ElementaryGate], pauli: Any) -> frozenset[int]:
    touched = set(np.flatnonzero(pauli.x | pauli.z).tolist())
    for gate in visible_gates(gates, [SparsePauliOp(pauli)]):
        touched.update(gate.qubits if isinstance(gate, (ZPhase, Flip)) else [gate.qubit])
    return frozenset(touched or {0})


def _joined(groups: Sequence[frozenset[int]], cone: frozenset[int]) -> list[frozenset[int]]:
    """The groups with one more cone, in the group that grows least or in one of its own."""
    growth, best = min(
        ((_cost(group | cone) - _cost(group), n) for n, group in enumerate(groups)),
        default=(_cost(cone), 0),
    )
    if growth >= _cost(cone):
        return [*groups, cone]
    return [group | cone if n == best else group for n, group in enumerate(groups)]


def _cost(qubits: frozenset[int]) -> int:
    return int(2 ** max(len(qubits), LAUNCH_QUBITS))


def _part(
    gates: Sequence[ElementaryGate],
    qubits: list[int],
    observables: Sequence[SparsePauliOp],
    terms: dict[int, list[int]],
) -> Cone:
    """The cone of some terms, by the number of their observable, that depend on ``qubits`` only."""
    wide = [observables[column][numbers] for column, numbers in terms.items()]
    narrow = [
        SparsePauliOp(
            PauliList.from_symplectic(own.paulis.z[:, qubits], own.paulis.x[:, qubits]), own.coeffs
        )
        for own in wide
    ]
    place = {qubit: n for n, qubit in enumerate(qubits)}
    visible = [_moved(gate, place) for gate in visible_gates(gates, wide)]
    return Cone(len(qubits), visible, list(terms), narrow)


def _moved(gate: ElementaryGate, place: dict[int, int]) -> ElementaryGate:
    if isinstance(gate, ZPhase):
        return replace(gate, qubits=tuple(place[qubit] for qubit in gate.qubits))
    if isinstance(gate, Flip):
        return Flip((place[gate.qubits[0]], place[gate.qubits[1]]))
    return replace(gate, qubit=place[gate.qubit])
