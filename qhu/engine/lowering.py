"""Before the engine and the transpiler: any circuit in Qiskit's standard gates.

What an instruction does is read from its type, never from its name, which anybody may give to
anything. Where Qiskit's simulators take a matrix and not the definition, as they take the
exponential for ``PauliEvolutionGate`` and not its Trotter formula, so does this module.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    ControlledGate,
    Delay,
    Gate,
    Instruction,
    Operation,
    ParameterExpression,
    QuantumCircuit,
    Reset,
)
from qiskit.circuit.library import (
    GlobalPhaseGate,
    HamiltonianGate,
    PauliEvolutionGate,
    UnitaryGate,
    get_standard_gate_name_mapping,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp
from qiskit.transpiler.passes import HighLevelSynthesis

from qhu.errors import UserError

MAX_UNITARY = 2
"""Qubits of a matrix that is left as it is."""
MAX_SYNTHESIS = 4
"""Qubits of a matrix that is written out in gates: some 4**n of them."""
MAX_CHECKED = 10
"""Qubits of a definition that is compared with the matrix of its gate."""
_TOLERANCE = 1e-11

Matrix: TypeAlias = NDArray[Any]
Keep = Callable[[Operation], bool]


@lru_cache
def standard_types() -> dict[str, type[Instruction]]:
    """Qiskit's standard instructions by name."""
    return {name: item.base_class for name, item in get_standard_gate_name_mapping().items()}


def is_standard(operation: Operation) -> bool:
    """Whether the type of an operation is one of Qiskit's standard gates, controls closed."""
    if _open_controls(operation):
        return False
    kind: Any = getattr(operation, "base_class", None)
    return kind in standard_types().values() and issubclass(kind, Gate)


def has_free_parameters(operation: Operation) -> bool:
    """Whether a parameter is left to bind; Qiskit denies it for controlled gates."""
    values = getattr(operation, "params", ())
    return any(isinstance(value, ParameterExpression) and value.parameters for value in values)


def lowered(circuit: QuantumCircuit, keep: Keep = lambda operation: False) -> QuantumCircuit:
    """The same circuit in standard gates, unitaries on one or two qubits, barriers and delays.

    A circuit that is so already comes back as it is. A reset before anything else on its qubit is
    left out.

    Args:
        circuit: any circuit without classical bits.
        keep: further operations to leave as they are.

    Raises:
        UserError: an angle is not finite, or an instruction measures, resets a qubit in use,
            depends on classical bits or on a matrix that is not known, or its definition
            contradicts its matrix.
    """
    if all(_is_left_alone(item.operation, keep) for item in circuit.data):
        _check_numbers(circuit)
        return circuit
    lowering = _Lowering(circuit, keep)
    lowering.extend(circuit, range(circuit.num_qubits))
    return lowering.result


class _Lowering:
    """A circuit being rewritten.

    Attributes:
        result: the new circuit.
        phase: global phase of what was taken apart, which ``result`` is without.
    """

    def __init__(self, circuit: QuantumCircuit, keep: Keep, used: Iterable[int] = ()) -> None:
        self.result = circuit.copy_empty_like()
        self.phase: float | ParameterExpression = -circuit.global_phase
        self._keep = keep
        self._used = set(used)

    def extend(self, circuit: QuantumCircuit, wires: Sequence[int]) -> None:
        """Append ``circuit``, whose qubit i lies on ``wires[i]``; the last may be left out."""
        index = dict(zip(circuit.qubits, wires, strict=False))
        self.phase += circuit.global_phase
        _check_numbers(circuit)
        for item in circuit.data:
            if item.clbits:
                raise refusal(item.operation)
            self._append(item.operation, [index[bit] for bit in item.qubits])

    def _append(self, operation: Operation, qubits: Sequence[int]) -> None:
        if isinstance(operation, Reset) and not self._used.isdisjoint(qubits):
            raise refusal(operation)
        if isinstance(operation, GlobalPhaseGate):
            self.result.global_phase += operation.params[0]
        elif not operation.num_qubits and _is_constant_matrix(operation):
            self.result.global_phase += float(np.angle(_unitary(operation).to_matrix().item()))
        elif self._keep(operation) or _is_final(operation):
            self.result.append(operation, qubits)
            if not isinstance(operation, (Barrier, Delay, Reset)):
                self._used.update(qubits)
        elif isinstance(operation, Reset):
            pass  # the qubit is in |0> already
        elif is_standard(operation):  # under another name
            kind: Any = operation.base_class
            self._append(kind(*operation.params, label=operation.label), qubits)
        elif isinstance(operation, HamiltonianGate) and not has_free_parameters(operation):
            self._append(UnitaryGate(operation.to_matrix()), qubits)
        elif isinstance(operation, HamiltonianGate):
            matrix, time = operation.params
            self._evolve(PauliEvolutionGate(_pauli_sum(matrix), time), qubits, operation.name)
        elif isinstance(operation, PauliEvolutionGate):
            self._evolve(operation, qubits, operation.name)
        elif operation.num_qubits <= MAX_UNITARY and _is_constant_matrix(operation):
            self._append(_unitary(operation), qubits)
        else:
            self.extend(_definition(operation), qubits)

    def _evolve(self, gate: PauliEvolutionGate, qubits: Sequence[int], name: str) -> None:
        """``exp(-i time H)``: of the terms one by one, or where they do not commute, of H."""
        terms = _hamiltonian(gate)
        if len(terms) == 1:
            self.extend(PauliEvolutionGate(terms, gate.time).definition, qubits)
        elif len(terms.group_commuting()) == 1:
            for term in terms:
                self._append(PauliEvolutionGate(term, gate.time), qubits)
        elif gate.num_qubits <= MAX_SYNTHESIS:
            energies, states = np.linalg.eigh(terms.to_matrix())
            diagonal = _pauli_sum(np.diag(energies))
            self._append(UnitaryGate(states.conj().T), qubits)
            self._append(PauliEvolutionGate(diagonal, gate.time), qubits)
            self._append(UnitaryGate(states), qubits)
        else:
            raise UserError(
                f"the terms of the gate '{name}' on {gate.num_qubits} qubits do not commute, and "
                f"beyond {MAX_SYNTHESIS} qubits their exponential cannot be written in gates: "
                "append PauliEvolutionGate(…).definition, the Trotter formula, if you mean that"
            )


def _is_left_alone(operation: Operation, keep: Keep) -> bool:
    return _is_final(operation) or (keep(operation) and not isinstance(operation, Reset))


def _check_numbers(circuit: QuantumCircuit) -> None:
    for item in circuit.data:
        for value in getattr(item.operation, "params", ()):
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(
                    f"an angle of the instruction '{item.operation.name}' is {value}: angles must "
                    "be finite"
                )


def _is_final(operation: Operation) -> bool:
    if is_standard(operation) and not isinstance(operation, GlobalPhaseGate):
        return standard_types().get(operation.name) is operation.base_class
    unitary = isinstance(operation, UnitaryGate) and 0 < operation.num_qubits <= MAX_UNITARY
    return unitary or isinstance(operation, (Barrier, Delay))


def _open_controls(operation: Operation) -> bool:
    if not isinstance(operation, ControlledGate):
        return False
    return bool(operation.ctrl_state != 2**operation.num_ctrl_qubits - 1)


def _hamiltonian(gate: PauliEvolutionGate) -> SparsePauliOp:
    """Sum of all Pauli strings."""
    parts = gate.operator if isinstance(gate.operator, list) else [gate.operator]
    if isinstance(parts[0], SparseObservable):
        parts = [SparsePauliOp.from_sparse_observable(part) for part in parts]
    total = SparsePauliOp.sum(parts)
    if total.coeffs.dtype == object or np.any(total.coeffs.imag):
        raise UserError(
            f"the operator of the gate '{gate.name}' has coefficients that are not real"
        )
    return total.simplify(atol=0.0, rtol=0.0)


def _pauli_sum(matrix: Matrix) -> SparsePauliOp:
    return SparsePauliOp.from_operator(Operator(matrix), atol=0.0, rtol=0.0).chop(0.0)


def _definition(operation: Operation) -> QuantumCircuit:
    """A circuit that does what Qiskit's simulators do for an operation.

    Raises:
        UserError: there is none.
    """
    try:
        definition = getattr(operation, "definition", None)
    except QiskitError:  # it takes numbers, as the states that raw_feature_vector prepares
        raise refusal(operation) from None
    circuit = _synthesis(operation) if definition is None else definition
    if circuit is not None and circuit.num_qubits > operation.num_qubits:
        raise refusal(operation)
    if circuit is not None and _agrees(circuit, operation):
        return circuit
    if not _is_constant_matrix(operation) or operation.num_qubits > MAX_SYNTHESIS:
        raise refusal(operation)
    if isinstance(operation, UnitaryGate):
        raise UserError(
            f"the matrix of '{operation.name}' on {operation.num_qubits} qubits cannot be written "
            f"in gates to within {_TOLERANCE:g}: write it in gates yourself"
        )
    return _alone(_unitary(operation))


def _synthesis(operation: Operation) -> QuantumCircuit | None:
    """Qiskit's synthesis of an operation without definition, such as an annotated one.

    Raises:
        UserError: the operation that is annotated cannot be written in gates.
    """
    try:
        alone = _alone(_of_gates(operation))
        circuit = HighLevelSynthesis()(alone)
    except QiskitError:
        return None
    return None if circuit == alone else circuit


def _of_gates(operation: Operation) -> Operation:
    """The same, where what is annotated is a gate that Qiskit's synthesis can take apart."""
    if not isinstance(operation, AnnotatedOperation):
        return operation
    base = operation.base_op
    if not is_standard(base) and not isinstance(base, ControlledGate):
        alone = _alone(base)
        wires = range(alone.num_qubits)
        lowering = _Lowering(alone, lambda operation: False, used=wires)
        lowering.extend(alone, wires)
        lowering.result.global_phase += lowering.phase
        base = lowering.result.to_gate()
    return AnnotatedOperation(base, operation.modifiers)


def _agrees(circuit: QuantumCircuit, operation: Operation) -> bool:
    """Whether a definition is the matrix that Qiskit's simulators take, if they take one."""
    if not _has_matrix(operation):
        return True
    if operation.num_qubits > MAX_CHECKED:
        raise UserError(
            f"the instruction '{operation.name}' on {operation.num_qubits} qubits is too wide to "
            "compare its definition with its matrix: append operation.definition in its place"
        )
    alone = _alone(operation)
    random = np.random.default_rng(0)
    values = {parameter: random.uniform(-3, 3) for parameter in alone.parameters}
    expected = Operator(alone.assign_parameters(values)).data
    defined = Operator(circuit.assign_parameters({p: values[p] for p in circuit.parameters})).data
    overlap = np.vdot(defined, expected) / len(expected)
    return bool(np.abs(defined * overlap - expected).max() < _TOLERANCE)


def _alone(operation: Operation) -> QuantumCircuit:
    circuit = QuantumCircuit(operation.num_qubits, operation.num_clbits)
    circuit.append(operation, circuit.qubits, circuit.clbits)
    return circuit


def _has_matrix(operation: Operation) -> bool:
    """Whether an operation has a matrix of its own, which Qiskit's simulators then take."""
    method = getattr(type(operation), "to_matrix", Gate.to_matrix)
    return method is not Gate.to_matrix or hasattr(operation, "__array__")


def _is_constant_matrix(operation: Operation) -> bool:
    return _has_matrix(operation) and not has_free_parameters(operation)


def _unitary(operation: Operation) -> UnitaryGate:
    """An operation without free parameters by its matrix.

    Raises:
        UserError: the matrix is not unitary.
    """
    try:
        return UnitaryGate(operation.to_matrix())
    except (QiskitError, ValueError):
        raise refusal(operation) from None


def refusal(operation: Operation) -> UserError:
    """What is said of an instruction that no program takes, exact, under noise or on a device."""
    name = operation.name
    while isinstance(operation, AnnotatedOperation):
        operation = operation.base_op
        name += f" {operation.name}"
    return UserError(
        f"a quantum layer cannot hold the instruction '{name}': use unitary gates with "
        "a definition, without measurement, classical bits or a reset of a qubit in use"
    )
