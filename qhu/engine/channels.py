"""A noisy circuit as layers of Pauli transfer matrices.

One-qubit gates and the noise after them go into the cells of local layers. Gates on several qubits,
with their noise and with the constant one-qubit gates between them, are the joints of a level; they
are constant and multiplied out when the program is compiled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import Barrier, Delay, Gate, QuantumCircuit
from qiskit.circuit.library import CXGate, UnitaryGate

from qhu.engine.angles import Parameters
from qhu.engine.gate_error import Transfer
from qhu.engine.gates import Angle, Fixed, Flip, Rotation, elementary_gates
from qhu.engine.lowering import has_free_parameters, lowered
from qhu.engine.noise import Noise, transfer_of
from qhu.engine.polynomials import Terms
from qhu.engine.schedule import Level, Scheduler
from qhu.engine.series import Series, rotation_about

MAX_BLOCK = 4  # qubits of one constant matrix: 256 x 256
MAX_WHOLE = 2  # qubits of a gate that is taken as one constant matrix
_CX = transfer_of(CXGate())


@dataclass(frozen=True)
class Channel:
    """A constant transfer matrix; the first of ``qubits`` is its most significant digit."""

    qubits: tuple[int, ...]
    matrix: Transfer


def noisy_levels(
    circuit: QuantumCircuit, noise: Noise, parameters: Parameters
) -> list[Level[Channel]]:
    """Levels of a circuit, each gate followed by its noise.

    Standard gates, and those of which the noise model speaks, are taken whole; what else the
    circuit holds is written in standard gates first, which have their noise.

    Raises:
        UserError: the circuit holds something that the engine cannot take.
    """
    scheduler: Scheduler[Channel] = Scheduler(circuit.num_qubits, parameters)
    for item in lowered(circuit, noise.takes).data:
        gate, qubits = item.operation, [circuit.qubits.index(bit) for bit in item.qubits]
        if isinstance(gate, Barrier):
            continue
        whole = len(qubits) <= MAX_WHOLE and not isinstance(gate, Delay)
        if whole and not has_free_parameters(gate):
            _add_constant(scheduler, qubits, noise.transfer(gate, qubits))
            continue
        _add_ideal(scheduler, gate, qubits)
        error = noise.after(gate, qubits)
        if error is not None:
            _add_constant(scheduler, qubits, error)
    return scheduler.finish()


def _add_ideal(scheduler: Scheduler[Channel], gate: Gate, qubits: Sequence[int]) -> None:
    """A gate without its noise, as rotations and constant gates."""
    alone = QuantumCircuit(len(qubits))
    alone.append(gate, alone.qubits)
    for part in elementary_gates(alone):
        if isinstance(part, Fixed):
            _add_constant(scheduler, [qubits[part.qubit]], transfer_of(UnitaryGate(part.matrix)))
        elif isinstance(part, Rotation):
            _add_rotation(scheduler, qubits[part.qubit], part.axis, part.angle)
        elif isinstance(part, Flip):
            _add_constant(scheduler, [qubits[n] for n in part.qubits], _CX)
        else:
            # The parity of all qubits is gathered on the last, rotated and taken back.
            *others, last = [qubits[n] for n in part.qubits]
            for other in others:
                _add_constant(scheduler, [other, last], _CX)
            _add_rotation(scheduler, last, "z", part.angle)
            for other in reversed(others):
                _add_constant(scheduler, [other, last], _CX)


def _add_rotation(scheduler: Scheduler[Channel], qubit: int, axis: str, angle: Angle) -> None:
    variable: Terms = {(0,): 1.0}
    series = Series.rotation(rotation_about(axis), variable).transfer()
    matrices = {dict(key).get((0,), 0.0): matrix for key, matrix in series.terms.items()}
    scheduler.add_rotation(qubit, matrices, scheduler.parameters.terms(angle))


def _add_constant(scheduler: Scheduler[Channel], qubits: Sequence[int], matrix: Transfer) -> None:
    if len(qubits) == 1 and not scheduler.in_joint[qubits[0]]:
        scheduler.add_constant(qubits[0], Series.constant(matrix.astype(complex)))
    else:
        scheduler.add_joint(qubits, Channel(tuple(reversed(qubits)), matrix))


def blocks(channels: Iterable[Channel]) -> list[Channel]:
    """The same channels in time order, multiplied out to few of up to ``MAX_BLOCK`` qubits each."""
    merged: list[Channel] = []
    for channel in channels:
        joined = tuple(sorted({*channel.qubits, *(merged[-1].qubits if merged else ())}))
        if merged and len(joined) <= MAX_BLOCK:
            matrix = _embed(channel, joined) @ _embed(merged[-1], joined)
            merged[-1] = Channel(joined, matrix)
        else:
            own = tuple(sorted(channel.qubits))
            merged.append(Channel(own, _embed(channel, own)))
    return merged


def _embed(channel: Channel, qubits: tuple[int, ...]) -> Transfer:
    """The matrix of a channel on more qubits, in the order given."""
    others = [qubit for qubit in qubits if qubit not in channel.qubits]
    order = [*channel.qubits, *others]
    count = len(qubits)
    full: Transfer = np.kron(channel.matrix, np.eye(4 ** len(others)))
    digits = full.reshape([4] * (2 * count))
    axes = [order.index(qubit) for qubit in qubits]
    return digits.transpose([*axes, *(count + axis for axis in axes)]).reshape(4**count, -1)
