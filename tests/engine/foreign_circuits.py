"""Circuits of gates that the engine has no rule for: of Qiskit's library, and of users."""

from collections.abc import Callable
from typing import Any

import numpy as np
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    Parameter,
    PowerModifier,
    QuantumCircuit,
)
from qiskit.circuit import library as lib
from qiskit.quantum_info import (
    SparseObservable,
    SparsePauliOp,
    random_clifford,
    random_hermitian,
    random_statevector,
    random_unitary,
)
from qiskit.synthesis import SuzukiTrotter
from scipy.linalg import expm

A, B = Parameter("a"), Parameter("b")
NAMES = ("cz", "barrier", "ecr", "delay", "rx", "measure", "reset", "unitary", "x", "u", "own")
MIXED = SparsePauliOp(["XII", "ZZI", "YXZ"], [0.3, -0.7, 0.2])


def around(*appended: tuple[Any, ...]) -> QuantumCircuit:
    """A circuit that no gate in the middle can leave as it is by accident."""
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(0.4 + 0.5 * qubit, qubit)
        circuit.rz(0.3 - 0.2 * qubit, qubit)
    circuit.cx(0, 2)
    for operation, *qubits in appended:
        circuit.append(operation, qubits)
    circuit.rx(A, 0)
    circuit.cx(2, 1)
    return circuit


def users(name: str, qubits: int, angle: Any = 0.4, label: str | None = None) -> Gate:
    """A user's gate, like nothing that Qiskit has under any of ``NAMES``."""
    inner = QuantumCircuit(qubits, name=name, global_phase=0.3)
    inner.h(0)
    inner.ry(angle, qubits - 1)
    if qubits > 1:
        inner.swap(0, 1)
        inner.t(0)
    return inner.to_gate(label=label)


class OwnMatrix(Gate):
    """A gate with a matrix and no definition, under the name of another."""

    def __init__(self, name: str, qubits: int) -> None:
        super().__init__(name, qubits, [])

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return random_unitary(2**self.num_qubits, seed=3).data


class Contradictory(OwnMatrix):
    """A gate whose definition is not its matrix, which is what Qiskit's simulators take."""

    def _define(self) -> None:
        self.definition = QuantumCircuit(self.num_qubits)
        self.definition.h(0)


class OwnRotation(lib.RXGate):
    """A subclass of a standard gate."""


def evolution(operator: Any, time: Any, **more: Any) -> Gate:
    return lib.PauliEvolutionGate(operator, time, **more)


def _near(gate: Gate, distance: float) -> lib.UnitaryGate:
    """A matrix near that of a gate."""
    generator = random_hermitian(2**gate.num_qubits, seed=1).data
    return lib.UnitaryGate(expm(1j * distance * generator) @ gate.to_matrix())


def _phased() -> Gate:
    """A gate whose phases a control makes visible."""
    inner = QuantumCircuit(1, name="own", global_phase=0.3)
    inner.append(lib.GlobalPhaseGate(0.2).power(2), [])
    inner.append(users("own", 1, B), [0])
    return inner.to_gate()


def _renamed(gate: Gate, name: str) -> Gate:
    gate = gate.to_mutable()
    gate.name = name
    return gate


def _wrapped() -> QuantumCircuit:
    inner = QuantumCircuit(2)
    inner.h(0)
    inner.crx(B, 0, 1)
    circuit = around()
    circuit.compose(inner, [2, 0], inplace=True, wrap=True)
    circuit.append(inner.to_instruction(), [1, 2])
    return circuit


def _initialised() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.reset(1)
    circuit.initialize(random_statevector(4, seed=2).data, [2, 0])
    circuit.h(1)
    circuit.rx(A, 0)
    circuit.cx(0, 1)
    return circuit


def _silent() -> QuantumCircuit:
    circuit = around()
    circuit.append(lib.GlobalPhaseGate(B), [])
    circuit.global_phase = A
    circuit.delay(100, 1)
    circuit.barrier()
    circuit.h(1)
    return circuit


STATE = random_statevector(4, seed=1).data
GATES: dict[str, Callable[[], QuantumCircuit]] = {
    **{f"user's 1 {n}": lambda n=n: around((users(n, 1), 1)) for n in NAMES},
    **{f"user's 2 {n}": lambda n=n: around((users(n, 2, B), 2, 0)) for n in NAMES},
    **{f"matrix 1 {n}": lambda n=n: around((OwnMatrix(n, 1), 1)) for n in NAMES},
    **{
        f"label {n}": lambda n=n: around((lib.XGate(label=n), 1), (lib.RXGate(A + B, label=n), 0))
        for n in NAMES
    },
    "user's with label": lambda: around((users("own", 1, label="x"), 1)),
    "matrix of two qubits": lambda: around((OwnMatrix("cz", 2), 1, 0)),
    "matrix of three qubits": lambda: around((OwnMatrix("ccx", 3), 1, 0, 2)),
    "contradictory": lambda: around(
        (Contradictory("h", 2), 2, 0), (Contradictory("h", 3), 2, 0, 1)
    ),
    "subclass": lambda: around((OwnRotation(B), 1)),
    "renamed": lambda: around(
        (_renamed(lib.RXGate(B), "cz"), 1), (_renamed(lib.CXGate(), "own"), 2, 0)
    ),
    "wrapped": _wrapped,
    "initialised": _initialised,
    "silent": _silent,
    "controlled user's": lambda: around((users("own", 1, B).control(2, ctrl_state=1), 2, 0, 1)),
    "inverse": lambda: around((users("own", 2, B).inverse(), 2, 0)),
    "powers": lambda: around((users("own", 2).power(2), 2, 0), (users("own", 2).power(0.3), 1, 0)),
    "repeated": lambda: around((users("own", 2, B).repeat(3), 0, 1)),
    "annotated": lambda: around(
        (
            AnnotatedOperation(
                lib.RXGate(B), [ControlModifier(2, 1), InverseModifier(), PowerModifier(2)]
            ),
            *(2, 0, 1),
        ),
        (AnnotatedOperation(users("own", 2, B), [ControlModifier(1, 0)]), 2, 0, 1),
        (AnnotatedOperation(users("own", 2), [PowerModifier(0.5)]), 2, 0),
    ),
    "annotated evolution": lambda: around(
        (
            AnnotatedOperation(
                evolution(SparsePauliOp(["XX", "ZI"]), 1.0), [ControlModifier(1, 0)]
            ),
            *(2, 0, 1),
        )
    ),
    "annotated evolution with a parameter": lambda: around(
        (AnnotatedOperation(evolution(MIXED, B), [InverseModifier(), PowerModifier(2)]), 2, 0, 1),
        (AnnotatedOperation(evolution(SparsePauliOp(["X", "Z"]), B), [ControlModifier(1)]), 0, 2),
    ),
    "annotated hamiltonian": lambda: around(
        (
            AnnotatedOperation(
                lib.HamiltonianGate(random_hermitian(4, seed=1), B), [ControlModifier(1, 0)]
            ),
            *(2, 0, 1),
        )
    ),
    "phases": lambda: around(
        (lib.GlobalPhaseGate(0.3).power(2),),
        (AnnotatedOperation(lib.GlobalPhaseGate(0.3), [PowerModifier(2)]),),
        (AnnotatedOperation(_phased(), [ControlModifier(1)]), 2, 0),
        (_phased().control(), 0, 1),
    ),
    "open controls": lambda: around(
        (lib.CXGate(ctrl_state=0), 1, 0),
        (lib.CPhaseGate(B, ctrl_state=0), 2, 0),
        (lib.CUGate(B, A, 2 * A, A - A, ctrl_state=0), 1, 0),
        (lib.CSwapGate(ctrl_state=0), 2, 0, 1),
    ),
    "controlled u": lambda: around((lib.CUGate(B, A, A, 0), 1, 0), (lib.CUGate(B, A, B, A), 2, 0)),
    "parametrised controls": lambda: around(
        (lib.CRYGate(B), 1, 0), (lib.CU3Gate(A, B, A * B), 2, 0), (lib.MCPhaseGate(B, 2), 0, 1, 2)
    ),
    "evolution, commuting": lambda: around(
        (evolution(SparsePauliOp(["XX", "ZZ", "II"], [0.3, -0.7, 0.2]), A * B), 0, 2)
    ),
    "evolution": lambda: around((evolution(MIXED, B), 2, 0, 1), (evolution(MIXED, 0.4), 0, 1, 2)),
    "evolution of a list": lambda: around(
        (evolution([SparsePauliOp(["XI"]), SparsePauliOp(["ZZ"])], B), 0, 1)
    ),
    "evolution on one qubit": lambda: around((evolution(SparsePauliOp(["X", "Z"]), B), 1)),
    "evolution of projectors": lambda: around((evolution(SparseObservable("1+"), B), 0, 1)),
    "evolution of little": lambda: around(
        (evolution(SparsePauliOp(["XX", "ZI"], [1, 1e-9]), B), 0, 1),
        (evolution(SparsePauliOp(["XX"], [0]), B), 0, 1),
        (evolution(SparsePauliOp(["II"]), B), 0, 1),
    ),
    "evolution, Suzuki": lambda: around(
        (evolution(MIXED, B, synthesis=SuzukiTrotter(2, reps=2)), 0, 1, 2)
    ),
    "evolution, controlled": lambda: around(
        (evolution(SparsePauliOp(["XI", "ZZ"]), B).control(ctrl_state=0), 0, 1, 2)
    ),
    "evolution, written out": lambda: around((evolution(MIXED, B).definition.to_gate(), 0, 1, 2)),
    "hamiltonian": lambda: around(
        (lib.HamiltonianGate(random_hermitian(8, seed=1), B), 2, 0, 1),
        (lib.HamiltonianGate(random_hermitian(8, seed=2), 0.3), 1, 0, 2),
        (lib.HamiltonianGate(random_hermitian(4, seed=3), B.arctan()).inverse(), 1, 0),
    ),
    "state preparation": lambda: around(
        (lib.StatePreparation(STATE), 2, 0),
        (lib.StatePreparation("+1"), 1, 0),
        (lib.StatePreparation(2, num_qubits=2).inverse(), 1, 0),
        (lib.StatePreparation(STATE).control(), 2, 0, 1),
    ),
    "diagonals": lambda: around(
        (lib.DiagonalGate([1, 1j, -1j, 1]), 2, 0), (lib.DiagonalGate([1, 1j]), 1)
    ),
    "unitaries": lambda: around(
        *[(lib.UnitaryGate(random_unitary(2**n, seed=n)), *range(n)) for n in (1, 2, 3)]
    ),
    "near unitaries": lambda: around(
        *[(_near(gate, 1e-5), 0, 2) for gate in (lib.SwapGate(), lib.CXGate(), lib.iSwapGate())],
        (_near(lib.CCXGate(), 1e-5), 2, 0, 1),
    ),
    "library": lambda: around(
        (lib.PermutationGate([2, 0, 1]), 0, 1, 2),
        (lib.QFTGate(3), 0, 1, 2),
        (lib.PauliGate("XYZ"), 0, 1, 2),
        (lib.MCXGate(2), 0, 1, 2),
        (lib.MCMTGate(lib.RYGate(B), 1, 2), 0, 1, 2),
        (lib.UCRYGate([0.1, 0.2, 0.3, 0.4]), 2, 0, 1),
        (lib.UCGate([random_unitary(2, seed=n).data for n in range(4)]), 2, 0, 1),
        (lib.Isometry(random_unitary(4, seed=4).data, 0, 0), 2, 1),
        (random_clifford(3, seed=3), 0, 1, 2),
        (lib.LinearFunction([[1, 1, 0], [0, 1, 0], [0, 0, 1]]), 2, 0, 1),
        (lib.GraphStateGate(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])), 0, 1, 2),
        (lib.RCCXGate(), 2, 0, 1),
        (lib.XXPlusYYGate(B, A), 2, 0),
    ),
}
_GRAPH = np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])
_OPERATOR = SparsePauliOp(["ZZI", "IZZ"])
LIBRARY: dict[str, Callable[[], QuantumCircuit]] = {
    "real_amplitudes": lambda: lib.real_amplitudes(4, reps=1),
    "efficient_su2": lambda: lib.efficient_su2(3),
    "z_feature_map": lambda: lib.z_feature_map(3),
    "zz_feature_map": lambda: lib.zz_feature_map(3),
    "pauli_feature_map": lambda: lib.pauli_feature_map(3, paulis=["Z", "YY", "ZXZ"]),
    "n_local": lambda: lib.n_local(3, ["ry", "crx"], "cp"),
    "n_local rxx": lambda: lib.n_local(3, "u", "rxx"),
    "excitation_preserving": lambda: lib.excitation_preserving(3),
    "iqp": lambda: lib.iqp([[1, 2], [2, 3]]),
    "qaoa_ansatz": lambda: lib.qaoa_ansatz(_OPERATOR),
    "evolved_operator_ansatz": lambda: lib.evolved_operator_ansatz([_OPERATOR, _OPERATOR]),
    "quantum_volume": lambda: lib.quantum_volume(3, seed=1),
    "unitary_overlap": lambda: lib.unitary_overlap(
        lib.real_amplitudes(2), lib.efficient_su2(2, parameter_prefix="b")
    ),
    "fourier_checking": lambda: lib.fourier_checking([1, -1, -1, -1], [1, 1, -1, -1]),
    "wrapped RealAmplitudes": lambda: lib.RealAmplitudes(3),
    "wrapped ZZFeatureMap": lambda: lib.ZZFeatureMap(3),
    "wrapped TwoLocal": lambda: lib.TwoLocal(3, ["ry", "u"], "crz"),
    "wrapped QFT": lambda: lib.QFT(3),
    "wrapped GraphState": lambda: lib.GraphState(_GRAPH),
    "wrapped Diagonal": lambda: lib.Diagonal([1, 1j, -1, 1]),
}
