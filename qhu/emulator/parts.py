"""A circuit on all qubits of a device as independent circuits on few.

Qubits that no gate connects are independent: a circuit on 127 qubits of which 4 interact is one
part of 4 qubits and up to 123 parts of one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import (
    Barrier,
    CircuitInstruction,
    ControlFlowOp,
    Delay,
    Measure,
    Parameter,
    ParameterVector,
    Reset,
    Store,
)
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from qhu.emulator.errors import ProgramError
from qhu.engine.outcomes import MAX_OUTCOME_QUBITS
from qhu.engine.renaming import renamed_apart

_SILENT = (Barrier, Delay)
_Gate = tuple[tuple[int, ...], CircuitInstruction]


@dataclass(frozen=True)
class Part:
    """Qubits that gates connect, and what is read from them.

    Equal parts have equal distributions of outcomes, at equal values of their parameters.

    Attributes:
        qubits: physical qubits, ascending.
        measured: which of qubits 0 … k-1 are measured.
        content: what the circuit does.
        circuit: gates on qubits 0 … k-1, with parameters ``p[0]`` ….
        columns: position among the whole circuit's parameters of each of them.
        clbits: clbit that each measured qubit writes.
    """

    qubits: tuple[int, ...]
    measured: tuple[int, ...]
    content: tuple[Any, ...]
    circuit: QuantumCircuit = field(compare=False)
    columns: tuple[int, ...] = field(compare=False)
    clbits: tuple[int, ...] = field(compare=False)


def split(circuit: QuantumCircuit) -> list[Part]:
    """The measured parts of a circuit, by their first qubit.

    Args:
        circuit: in native gates, measured at the end.

    Raises:
        ProgramError: a qubit is used after its measurement, or measured bits steer the circuit.
    """
    gates, clbit_of = _gates_and_measurements(circuit)
    position = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    parts = []
    for members in _connected(gates, circuit.num_qubits):
        measured = tuple(k for k, qubit in enumerate(members) if qubit in clbit_of)
        if measured:
            own = [gate for gate in gates if gate[0][0] in members]
            small, columns = _small(own, members, position)
            clbits = tuple(clbit_of[members[k]] for k in measured)
            parts.append(Part(members, measured, tuple(canonical(small)), small, columns, clbits))
    return parts


def check(circuit: QuantumCircuit) -> None:
    """Find out whether a circuit can be emulated, without taking it apart.

    Raises:
        ProgramError: it cannot; the message names the instruction.
    """
    gates, clbit_of = _gates_and_measurements(circuit)
    for members in _connected(gates, circuit.num_qubits):
        if len(members) > MAX_OUTCOME_QUBITS and not clbit_of.keys().isdisjoint(members):
            raise ProgramError(
                f"gates connect {len(members)} qubits; up to {MAX_OUTCOME_QUBITS} are emulated"
            )


def canonical(circuit: QuantumCircuit) -> Iterator[tuple[Any, ...]]:
    """What a circuit does, without the names and identities that differ from process to process."""
    for item in circuit.data:
        qubits = tuple(circuit.find_bit(bit).index for bit in item.qubits)
        clbits = tuple(circuit.find_bit(bit).index for bit in item.clbits)
        yield item.operation.name, qubits, clbits, tuple(str(x) for x in item.operation.params)


def _gates_and_measurements(
    circuit: QuantumCircuit,
) -> tuple[list[_Gate], dict[int, int]]:
    """Gates with their qubits, and the clbit that each measured qubit writes."""
    gates: list[_Gate] = []
    clbit_of: dict[int, int] = {}
    used: set[int] = set()
    for item in circuit.data:
        operation, name = item.operation, item.operation.name
        qubits = tuple(circuit.find_bit(bit).index for bit in item.qubits)
        clbits = [circuit.find_bit(bit).index for bit in item.clbits]
        if isinstance(operation, _SILENT):
            continue
        if isinstance(operation, (ControlFlowOp, Store)):
            raise ProgramError(f"'{name}' steers the circuit while it runs, which is not emulated")
        if any(qubit in clbit_of for qubit in qubits):
            raise ProgramError(f"'{name}' follows a measurement of its qubit: measure last")
        if isinstance(operation, Measure) and clbits[0] not in clbit_of.values():
            clbit_of[qubits[0]] = clbits[0]
        elif clbits:
            raise ProgramError(f"'{name}' uses a classical bit that was measured before it")
        elif not isinstance(operation, Reset):
            gates.append((qubits, item))
        elif not used.isdisjoint(qubits):
            raise ProgramError(f"'{name}' of a qubit in use is not emulated")
        used.update(qubits)
    return gates, clbit_of


def _connected(gates: Sequence[_Gate], num_qubits: int) -> list[tuple[int, ...]]:
    """Sets of qubits that gates connect, by their first qubit."""
    pairs = [(qubits[0], other) for qubits, _ in gates for other in qubits[1:]]
    rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
    edges = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(num_qubits, num_qubits))
    number, labels = connected_components(edges, directed=False)
    members: list[list[int]] = [[] for _ in range(number)]
    for qubit, label in enumerate(labels):
        members[label].append(qubit)
    return sorted(tuple(item) for item in members)


def _small(
    gates: Sequence[_Gate], members: tuple[int, ...], position: dict[Parameter, int]
) -> tuple[QuantumCircuit, tuple[int, ...]]:
    """Gates on their members only, with parameters of our own, and the positions of these."""
    at = {qubit: k for k, qubit in enumerate(members)}
    small = QuantumCircuit(len(members))
    for qubits, item in gates:
        small.append(item.operation, [at[qubit] for qubit in qubits])
    used = sorted(small.parameters, key=position.__getitem__)
    ours = ParameterVector("p", len(used))
    small, apart = renamed_apart(small, used)
    small.assign_parameters(dict(zip(apart, ours, strict=True)), inplace=True)
    return small, tuple(position[parameter] for parameter in used)
