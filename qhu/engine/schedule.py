"""Second step: gates are sorted into alternating local and joint layers.

A *level* is a local layer of one-qubit gates followed by gates on several qubits, its *joints*:
Z-phases and CX in exact programs, channels under noise. Neighbouring one-qubit
gates of a qubit share a *cell*. A *row* holds one cell per qubit whose angles come from the same
*source* (inputs, weights or both), because each source has batch dimensions of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import xor
from typing import Generic, TypeVar

import numpy as np
from qiskit.quantum_info import SparsePauliOp

from qhu.engine.angles import Parameters
from qhu.engine.gates import ElementaryGate, Fixed, Flip, Rotation, ZPhase
from qhu.engine.polynomials import Terms
from qhu.engine.series import Coefficients, Series, rotation_about

Joint = TypeVar("Joint")
MAX_ANGLES = 3  # rotations in one series: its length doubles or triples with each


@dataclass
class LocalRow:
    """One-qubit gates side by side: for each qubit its gates as a product of series."""

    source: str | None = None
    cells: dict[int, list[Series]] = field(default_factory=dict)

    def all_cells(self, num_qubits: int, side: int = 2) -> list[list[Series]]:
        """The cell of every qubit, identities (side, side) where the row has none."""
        return [self.cells.get(qubit, [Series.identity(side)]) for qubit in range(num_qubits)]


@dataclass(frozen=True)
class Phase:
    """``exp(-i angle/2 Z⊗…⊗Z)`` on ``qubits``."""

    qubits: tuple[int, ...]
    angle: Terms
    source: str | None


@dataclass
class Level(Generic[Joint]):
    """A local layer (its rows in time order), the joints after it, and at last CX gates."""

    rows: list[LocalRow] = field(default_factory=list)
    joints: list[Joint] = field(default_factory=list)
    flips: list[Flip] = field(default_factory=list)


def visible_gates(
    gates: Sequence[ElementaryGate], observables: Iterable[SparsePauliOp]
) -> list[ElementaryGate]:
    """The gates that can change an expectation value, found by walking back from the observables.

    A Z-phase commutes with everything that is diagonal on its qubits, a CX with everything that is
    diagonal on its control and the identity on its target, a one-qubit gate with everything that is
    the identity there. CX carries Z from its target to its control, X and Y from its control on.
    """
    paulis = [pauli for observable in observables for pauli in observable.paulis]
    touched = {int(q) for pauli in paulis for q in np.flatnonzero(pauli.x | pauli.z)}
    rotated = {int(q) for pauli in paulis for q in np.flatnonzero(pauli.x)}
    kept: list[ElementaryGate] = []
    for gate in reversed(gates):
        if isinstance(gate, ZPhase):
            if rotated.isdisjoint(gate.qubits):
                continue
            touched.update(gate.qubits)
        elif isinstance(gate, Flip):
            control, target = gate.qubits
            if control not in rotated and target not in touched:
                continue
            touched.update(gate.qubits)
            rotated.update([target] if control in rotated else [])
        elif gate.qubit not in touched:
            continue
        else:
            rotated.add(gate.qubit)
        kept.append(gate)
    return kept[::-1]


def exact_levels(
    gates: Iterable[ElementaryGate], num_qubits: int, parameters: Parameters
) -> list[Level[Phase]]:
    """Levels of a circuit of elementary gates."""
    scheduler: Scheduler[Phase | Flip] = Scheduler(num_qubits, parameters)
    for gate in gates:
        if isinstance(gate, Fixed):
            scheduler.add_constant(gate.qubit, Series.constant(gate.matrix))
        elif isinstance(gate, Rotation):
            angle = parameters.terms(gate.angle)
            scheduler.add_rotation(gate.qubit, rotation_about(gate.axis), angle)
        elif isinstance(gate, Flip):
            scheduler.add_joint(gate.qubits, gate)
        else:
            _add_phase(scheduler, gate)
    return [_phases_first(level, num_qubits) for level in scheduler.finish()]


def _add_phase(scheduler: "Scheduler[Phase | Flip]", gate: ZPhase) -> None:
    """On one qubit it is a rotation, unless one more diagonal takes less time than that."""
    angle = scheduler.parameters.terms(gate.angle)
    for source, part in scheduler.parameters.split(angle).items():
        if len(gate.qubits) > 1 or scheduler.joins(gate.qubits[0], source):
            scheduler.add_joint(gate.qubits, Phase(gate.qubits, part, source))
        else:
            scheduler.add_rotation(gate.qubits[0], rotation_about("z"), part)


def _phases_first(level: Level[Phase | Flip], num_qubits: int) -> Level[Phase]:
    """The level with its CX gates moved behind its phases: Z after CX is a parity before it."""
    parities = [frozenset([qubit]) for qubit in range(num_qubits)]
    start = list(parities)
    phases, flips = [], []
    for joint in level.joints:
        if isinstance(joint, Flip):
            control, target = joint.qubits
            parities[target] ^= parities[control]
            flips.append(joint)
        else:
            parity: frozenset[int] = reduce(xor, [parities[qubit] for qubit in joint.qubits])
            phases.append(replace(joint, qubits=tuple(sorted(parity))))
    return Level(level.rows, phases, flips if parities != start else [])


class Scheduler(Generic[Joint]):
    """Sorts gates into levels, each gate as early as the gates before it on its qubits allow.

    Args:
        num_qubits: width of the circuit.
        parameters: numbering of the circuit's parameters.

    Attributes:
        parameters: the numbering.
        in_joint: for each qubit, whether the last gate on it is a joint.
    """

    def __init__(self, num_qubits: int, parameters: Parameters) -> None:
        self.in_joint = [False] * num_qubits
        self._levels: list[Level[Joint]] = []
        self.parameters = parameters
        self._level = [0] * num_qubits  # where the qubit's next gate may go
        self._row = [0] * num_qubits  # the row of that level which holds the qubit's last cell

    def finish(self) -> list[Level[Joint]]:
        """The levels; the first has at least one row."""
        if not self._open(0).rows:
            self._levels[0].rows.append(LocalRow())
        return self._levels

    def add_joint(self, qubits: Sequence[int], joint: Joint) -> None:
        """Append a gate on several qubits, or one that may stay among them."""
        level = max(self._level[qubit] for qubit in qubits)
        for qubit in qubits:
            if level > self._level[qubit]:
                self._row[qubit] = 0
            self._level[qubit], self.in_joint[qubit] = level, True
        self._open(level).joints.append(joint)

    def joins(self, qubit: int, source: str | None) -> bool:
        """Whether a Z-phase on the qubit goes to the joints.

        It does where the last gate is one, and where it would make operators that all samples share
        into operators of their own.
        """
        if self.in_joint[qubit]:
            return True
        level = self._level[qubit]
        shared = level > 0 and self._levels[level].rows[self._row[qubit]].source in (
            None,
            "weights",
        )
        return shared and source in ("inputs", "both")

    def add_rotation(self, qubit: int, coefficients: Coefficients, angle: Terms) -> None:
        """Append a rotation; the angle x + w becomes two rotations, one for each source."""
        for source, part in self.parameters.split(angle).items():
            self._add(qubit, Series.rotation(coefficients, part), source)

    def add_constant(self, qubit: int, series: Series) -> None:
        """Append a one-qubit gate without parameters."""
        self._add(qubit, series, None)

    def _add(self, qubit: int, series: Series, source: str | None) -> None:
        rows = self._local_layer(qubit).rows
        wanted = range(self._row[qubit], len(rows))
        fitting = (r for r in wanted if source is None or rows[r].source in (None, source))
        self._row[qubit] = next(fitting, len(rows))
        if self._row[qubit] == len(rows):
            rows.append(LocalRow())
        row = rows[self._row[qubit]]
        row.source = source or row.source
        cell = row.cells.setdefault(qubit, [])
        if cell and cell[-1].angles + series.angles <= MAX_ANGLES:
            cell[-1] = cell[-1].then(series)
        else:
            cell.append(series)

    def _local_layer(self, qubit: int) -> Level[Joint]:
        """The level whose local layer takes the qubit's next one-qubit gate."""
        if self.in_joint[qubit]:
            self._level[qubit] += 1
            self._row[qubit], self.in_joint[qubit] = 0, False
        return self._open(self._level[qubit])

    def _open(self, level: int) -> Level[Joint]:
        while len(self._levels) <= level:
            self._levels.append(Level())
        return self._levels[level]
