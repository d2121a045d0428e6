"""What a device reads when it runs a circuit: exact distributions of its parts, then shots.

Qubits that no gate connects are independent, so each connected part is simulated alone: a circuit
on 127 qubits of which 4 interact is one part of 4 qubits and up to 123 parts of one.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ParameterVector
from qiskit.transpiler import Target
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from qhu.backends.isa import reduce_target
from qhu.backends.noise import device_noise
from qhu.engine.outcomes import Outcomes
from qhu.errors import UserError

MAX_BITS = 2**31
"""Most bits in the results of one item; the platform has such a limit too (its error 5302)."""
_SILENT = ("barrier", "delay")
_KEPT = 512


@dataclass(frozen=True)
class Part:
    """Qubits that gates connect, and what is read from them.

    Attributes:
        qubits: physical qubits, ascending.
        circuit: gates on qubits 0 … k-1, with parameters ``p[0]`` ….
        columns: column of the whole circuit's parameter sets for each of them.
        read: clbits that the measured qubits write, by position in ``measured``.
        measured: which of qubits 0 … k-1 are measured.
    """

    qubits: tuple[int, ...]
    circuit: QuantumCircuit
    columns: tuple[int, ...]
    read: tuple[int, ...]
    measured: tuple[int, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for parts with equal distributions of outcomes."""
        return self.qubits, self.measured, tuple(canonical(self.circuit))


class Machine:
    """A calibrated device that runs circuits in its own gates.

    Delays are taken as instant: idle qubits do not decay.

    Args:
        target: gates, couplings and their errors.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._kept: dict[tuple[Any, ...], Outcomes] = {}
        self._lock = threading.Lock()

    def run(
        self,
        circuit: QuantumCircuit,
        values: NDArray[np.float64],
        shots: int,
        random: np.random.Generator,
    ) -> dict[str, NDArray[np.bool_]]:
        """Read bits by classical register, shape (K, shots, size), clbit 0 first.

        Args:
            circuit: in native gates, measured at the end.
            values: parameter sets (K, P), in the order of ``circuit.parameters``.
            shots: per parameter set.
            random: source of the shots.

        Raises:
            UserError: an instruction or a width that cannot be simulated, or too large a result.
        """
        sets = len(values)
        if sets * shots * max(circuit.num_clbits, 1) > MAX_BITS:
            raise UserError(f"the results of an item exceed {MAX_BITS} bits: ask for fewer shots")
        bits = np.zeros((circuit.num_clbits, sets, shots), dtype=np.bool_)
        for part in parts(circuit):
            outcomes = self._distribution(part)(values[:, list(part.columns)])
            drawn = draw(outcomes, shots, random)
            for position, clbit in enumerate(part.read):
                bits[clbit] = (drawn >> position) & 1
        found = {}
        for register in circuit.cregs:
            places = [circuit.find_bit(bit).index for bit in register]
            found[register.name] = np.moveaxis(bits[places], 0, -1)
        return found

    def _distribution(self, part: Part) -> Outcomes:
        key = part.key
        with self._lock:
            if key not in self._kept:
                if len(self._kept) == _KEPT:
                    self._kept.pop(next(iter(self._kept)))
                names = sorted({item.operation.name for item in part.circuit.data} | {"measure"})
                target = reduce_target(self._target, part.qubits, names)
                self._kept[key] = Outcomes(part.circuit, device_noise(target), part.measured)
            return self._kept[key]


def parts(circuit: QuantumCircuit) -> list[Part]:
    """The measured parts of a circuit, by their first qubit.

    Raises:
        UserError: a qubit is used after its measurement, or clbits steer the circuit.
    """
    gates, clbit_of = _gates_and_measurements(circuit)
    pairs = [(q[0], other) for q, _ in gates for other in q[1:]]
    rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
    edges = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(circuit.num_qubits,) * 2)
    _, labels = connected_components(edges, directed=False)
    order = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    inside: dict[int, list[tuple[tuple[int, ...], CircuitInstruction]]] = {}
    for qubits, item in gates:
        inside.setdefault(labels[qubits[0]], []).append((qubits, item))
    measured = sorted(
        {int(labels[q]) for q in clbit_of}, key=lambda label: labels.tolist().index(label)
    )
    found = []
    for label in measured:
        members = tuple(int(q) for q in np.flatnonzero(labels == label))
        read = [q for q in members if q in clbit_of]
        small, used = _small(inside.get(label, []), members, order)
        found.append(
            Part(
                members,
                small,
                used,
                tuple(clbit_of[q] for q in read),
                tuple(members.index(q) for q in read),
            )
        )
    return found


def draw(
    outcomes: NDArray[np.float64], shots: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Outcomes (K, shots) from their distributions (K, N)."""
    sets, number = outcomes.shape
    # All rows at once: row k of the cumulative distributions is shifted to [k, k + 1].
    rows = np.arange(sets)[:, None]
    ends = outcomes.cumsum(axis=1)
    ends = ends / ends[:, -1:] + rows
    uniform = random.random((sets, shots)) + rows
    places = np.searchsorted(ends.ravel(), uniform.ravel(), side="right").reshape(sets, shots)
    return (places - rows * number).clip(0, number - 1)


def canonical(circuit: QuantumCircuit) -> Iterable[tuple[Any, ...]]:
    """What a circuit does, without the names and identities that differ from process to process."""
    for item in circuit.data:
        qubits = tuple(circuit.find_bit(bit).index for bit in item.qubits)
        clbits = tuple(circuit.find_bit(bit).index for bit in item.clbits)
        yield item.operation.name, qubits, clbits, tuple(str(x) for x in item.operation.params)


def _gates_and_measurements(
    circuit: QuantumCircuit,
) -> tuple[list[tuple[tuple[int, ...], CircuitInstruction]], dict[int, int]]:
    gates, clbit_of = [], {}
    for item in circuit.data:
        name = item.operation.name
        qubits = tuple(circuit.find_bit(bit).index for bit in item.qubits)
        if name in _SILENT:
            continue
        if any(q in clbit_of for q in qubits):
            raise UserError(f"'{name}' follows a measurement of its qubit: measure at the end only")
        if name == "measure":
            clbit_of[qubits[0]] = circuit.find_bit(item.clbits[0]).index
        elif item.clbits:
            raise UserError(f"'{name}' depends on measured bits, which is not emulated")
        else:
            gates.append((qubits, item))
    return gates, clbit_of


def _small(
    gates: Sequence[tuple[tuple[int, ...], CircuitInstruction]],
    members: tuple[int, ...],
    order: dict[Any, int],
) -> tuple[QuantumCircuit, tuple[int, ...]]:
    """Gates on their members only, with parameters of our own, and the columns of these."""
    at = {qubit: k for k, qubit in enumerate(members)}
    small = QuantumCircuit(len(members))
    for qubits, item in gates:
        small.append(item.operation, [at[q] for q in qubits])
    used = sorted(small.parameters, key=order.__getitem__)
    ours = ParameterVector("p", len(used))
    small.assign_parameters(dict(zip(used, ours, strict=True)), inplace=True)
    return small, tuple(order[parameter] for parameter in used)
