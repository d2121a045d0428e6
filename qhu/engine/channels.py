"""A noisy circuit in native gates, as layers of Pauli transfer matrices.

One-qubit gates and the noise after them go into the cells of local layers. Gates on two qubits,
with their noise and with the constant one-qubit gates between them, are the joints of a level; they
are constant and multiplied out when the program is compiled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import Instruction, QuantumCircuit

from qhu.engine.angles import Parameters, Terms
from qhu.engine.noise import Noise, Transfer
from qhu.engine.schedule import Level, Scheduler
from qhu.engine.series import Coefficients, Series, rotation_about
from qhu.errors import UserError

MAX_BLOCK = 4  # qubits of one constant matrix: 256 x 256
_AXES = {"rx": "x", "ry": "y", "rz": "z", "p": "z"}


@dataclass(frozen=True)
class Channel:
    """A constant transfer matrix; the first of ``qubits`` is its most significant digit."""

    qubits: tuple[int, ...]
    matrix: Transfer


def noisy_levels(
    circuit: QuantumCircuit, noise: Noise, parameters: Parameters
) -> list[Level[Channel]]:
    """Levels of a circuit in native gates, each followed by its noise.

    Raises:
        UserError: a gate has parameters but is none of rx, ry, rz and p, or acts on more than two
            qubits, or the circuit holds a delay, whose noise would depend on its length.
    """
    scheduler: Scheduler[Channel] = Scheduler(circuit.num_qubits, parameters)
    for item in circuit.data:
        gate, qubits = item.operation, [circuit.find_bit(bit).index for bit in item.qubits]
        if gate.name == "barrier":
            continue
        if gate.name == "delay" or len(qubits) > 2:
            raise UserError(
                f"the engine cannot simulate '{gate.name}' under noise: transpile to gates on one "
                "and two qubits, without scheduling"
            )
        if gate.is_parameterized():
            scheduler.add_rotation(qubits[0], _rotation(gate), parameters.terms(gate.params[0]))
            error = noise.after(gate, qubits)
            if error is not None:
                _add_constant(scheduler, qubits, error)
        else:
            _add_constant(scheduler, qubits, noise.transfer(gate, qubits))
    return scheduler.finish()


def _rotation(gate: Instruction) -> Coefficients:
    """Transfer matrices of a rotation by frequency: -1, 0 and 1."""
    if gate.name not in _AXES:
        raise UserError(
            f"under noise the engine takes parameters in rx, ry, rz and p only, not in "
            f"'{gate.name}': transpile to other basis gates"
        )
    variable: Terms = {(0,): 1.0}
    series = Series.rotation(rotation_about(_AXES[gate.name]), variable).transfer()
    return {dict(key).get((0,), 0.0): matrix for key, matrix in series.terms.items()}


def _add_constant(scheduler: Scheduler[Channel], qubits: Sequence[int], matrix: Transfer) -> None:
    if len(qubits) == 1 and not scheduler.in_joint[qubits[0]]:
        scheduler.add_constant(qubits[0], Series.constant(matrix.astype(complex)))
    else:
        scheduler.add_joint(qubits, Channel(tuple(reversed(qubits)), matrix))


def blocks(channels: Iterable[Channel]) -> list[Channel]:
    """The same channels in time order, multiplied out to few of up to ``MAX_BLOCK`` qubits each."""
    found: list[Channel] = []
    for channel in channels:
        joined = tuple(sorted({*channel.qubits, *(found[-1].qubits if found else ())}))
        if found and len(joined) <= MAX_BLOCK:
            matrix = _embed(channel, joined) @ _embed(found[-1], joined)
            found[-1] = Channel(joined, matrix)
        else:
            own = tuple(sorted(channel.qubits))
            found.append(Channel(own, _embed(channel, own)))
    return found


def _embed(channel: Channel, qubits: tuple[int, ...]) -> Transfer:
    """The matrix of a channel on more qubits, in the order given."""
    others = [qubit for qubit in qubits if qubit not in channel.qubits]
    order = [*channel.qubits, *others]
    count = len(qubits)
    full: Transfer = np.kron(channel.matrix, np.eye(4 ** len(others)))
    digits = full.reshape([4] * (2 * count))
    axes = [order.index(qubit) for qubit in qubits]
    return digits.transpose([*axes, *(count + axis for axis in axes)]).reshape(4**count, -1)
