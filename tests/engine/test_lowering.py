"""Whatever compiles equals Qiskit's ``Statevector``; the rest is refused by name."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from engine_circuits import z_observables
from foreign_circuits import GATES, LIBRARY, around, evolution, users
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    Parameter,
    ParameterVector,
    PowerModifier,
    QuantumCircuit,
)
from qiskit.circuit import library as lib
from qiskit.circuit.classical import expr
from qiskit.circuit.random import random_circuit
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import DensityMatrix, SparsePauliOp, Statevector, random_hermitian
from qiskit.transpiler import Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, QuantumError, amplitude_damping_error, pauli_error

from qhu.engine.ansatz import Ansatz
from qhu.engine.heisenberg import HeisenbergProgram
from qhu.engine.lowering import lowered
from qhu.engine.outcomes import Outcomes
from qhu.engine.program import Program, compile_circuit
from qhu.engine.statevector import StatevectorProgram
from qhu.engine.unitary import UnitaryProgram
from qhu.errors import UserError
from qhu.estimators.aer_outcomes import AerOutcomes
from qhu.estimators.noise import BASIS_GATES, figures_target
from qhu.hardware.cost import Cost
from qhu.hardware.metered import MeteredEstimator
from qhu.hardware.questions import Answer, Question
from qhu.layout.isa import compile_ansatz
from qhu.layout.placement import ansatz_name

Build = Callable[[], QuantumCircuit]
# Old circuit classes are still in use; Qiskit's own exponential warns about its sparse matrices.
QUIET = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*sparse|.*CSC")


def ansatz_of(circuit: QuantumCircuit) -> Ansatz:
    n = circuit.num_qubits
    labels = np.random.default_rng(n).choice(list("IXYZ"), (3, n))
    observables = [SparsePauliOp("".join(row)) for row in labels] + [SparsePauliOp("Z" * n)]
    return Ansatz(circuit, tuple(circuit.parameters), (), tuple(observables))


def rows(ansatz: Ansatz, count: int = 2) -> NDArray[np.float64]:
    return np.random.default_rng(1).uniform(-2, 2, (count, len(ansatz.inputs)))


def values(program: Program, sets: NDArray[np.float64]) -> NDArray[np.float64]:
    return program(torch.from_numpy(sets), torch.zeros(0, dtype=torch.float64)).numpy()


def expected(ansatz: Ansatz, sets: NDArray[np.float64], state: type = Statevector) -> np.ndarray:
    states = [
        state(ansatz.circuit.assign_parameters(dict(zip(ansatz.inputs, row, strict=True))))
        for row in sets
    ]
    return np.array([[s.expectation_value(o).real for o in ansatz.observables] for s in states])


def assert_every_way(circuit: QuantumCircuit, noisy: bool = True) -> None:
    """Exact in both precisions, and under no noise."""
    ansatz = ansatz_of(circuit)
    sets = rows(ansatz)
    right = expected(ansatz, sets)
    double = compile_circuit(ansatz, dtype=torch.complex128)
    np.testing.assert_allclose(values(double, sets), right, atol=1e-10)
    single = values(compile_circuit(ansatz), sets.astype(np.float32))
    np.testing.assert_allclose(single, right, atol=2e-5)
    if noisy:
        silent = compile_circuit(ansatz, dtype=torch.complex128, noise=NoiseModel())
        np.testing.assert_allclose(values(silent, sets), right, atol=1e-10)


@QUIET
@pytest.mark.parametrize("build", GATES.values(), ids=GATES)
def test_gates_without_a_rule(build: Build) -> None:
    assert_every_way(build())


@QUIET
@pytest.mark.parametrize("build", LIBRARY.values(), ids=LIBRARY)
def test_circuits_of_the_library(build: Build) -> None:
    assert_every_way(build())


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6))
def test_random_circuits(qubits: int, depth: int, operands: int, seed: int) -> None:
    circuit = random_circuit(qubits, depth, max_operands=min(operands, qubits), seed=seed)
    assert_every_way(circuit, noisy=qubits <= 5)


def noise_model() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(pauli_error([("X", 0.1), ("I", 0.9)]), ["x", "h", "rx", "t"])
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.2), ["own", "reset"])
    pair = amplitude_damping_error(0.1).tensor(pauli_error([("Y", 0.05), ("I", 0.95)]))
    model.add_all_qubit_quantum_error(pair, ["cx", "cz", "swap", "cp"])
    narrow = QuantumCircuit(2)
    narrow.x(0)
    error = QuantumError([(narrow, 0.1), (QuantumCircuit(2), 0.9)])
    model.add_all_qubit_quantum_error(error, ["rzz", "ecr"])
    return model


def by_aer(ansatz: Ansatz, sets: NDArray[np.float64], noise: NoiseModel) -> np.ndarray:
    found = []
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    for row in sets:
        circuit = ansatz.circuit.assign_parameters(dict(zip(ansatz.inputs, row, strict=True)))
        circuit.save_density_matrix()
        rho = DensityMatrix(simulator.run(circuit).result().data()["density_matrix"])
        found.append([rho.expectation_value(o).real for o in ansatz.observables])
    return np.array(found)


def assert_as_aer(written: QuantumCircuit, for_aer: QuantumCircuit) -> None:
    z = (SparsePauliOp("ZZZ"), SparsePauliOp("ZII"))
    parameters = tuple(written.parameters)
    ours, aers = (Ansatz(c, parameters, (), z) for c in (written, for_aer))
    sets = rows(ours)
    program = compile_circuit(ours, dtype=torch.complex128, noise=noise_model())
    np.testing.assert_allclose(values(program, sets), by_aer(aers, sets, noise_model()), atol=1e-10)


def test_noise_goes_with_label_or_name_as_in_aer() -> None:
    circuit = around(
        (lib.XGate(label="own"), 0),  # the error of its label, not of x
        (lib.RXGate(Parameter("c"), label="own"), 0),
        (lib.UnitaryGate(lib.HGate().to_matrix(), label="x"), 2),
        (lib.UnitaryGate(lib.HGate().to_matrix()), 1),
        (lib.CPhaseGate(Parameter("d")), 1, 2),
        (lib.RZZGate(Parameter("e")), 2, 0),
        (lib.ECRGate(), 1, 2),
        (lib.CCXGate(), 2, 0, 1),
        (lib.HGate(), 1),
    )
    assert_as_aer(circuit, circuit)


def test_a_reset_before_use_has_its_noise_as_in_aer() -> None:
    circuit = QuantumCircuit(3)
    circuit.reset([1, 1, 2])
    circuit.compose(around(), inplace=True)
    assert_as_aer(circuit, circuit)


def test_a_users_gate_has_the_noise_of_its_parts() -> None:
    inner = users("cz", 2, Parameter("c"))
    around_it = around((inner, 2, 0))
    assert_as_aer(around_it, around_it.decompose("cz"))


def test_a_users_gate_that_the_noise_model_names_is_taken_whole() -> None:
    angle = Parameter("c")
    written = around((users("own", 1, angle), 1))
    for_aer = around(
        (lib.HGate(label="silent"), 1),
        (lib.RYGate(angle, label="silent"), 1),
        (lib.IGate(label="own"), 1),
    )
    assert_as_aer(written, for_aer)


@pytest.mark.parametrize("name", ["x", "sx", "barrier"])
def test_aers_own_distributions_are_not_misled_by_names(name: str) -> None:
    circuit = around((users(name, 1), 0))
    sets, noise = rows(ansatz_of(circuit)), noise_model()
    ours, aers = Outcomes(circuit, noise)(sets), AerOutcomes(circuit, noise)(sets)
    np.testing.assert_allclose(aers, ours, atol=1e-10)


# Qiskit's transpiler rounds near unitaries.
ON_A_DEVICE = {name: b for name, b in GATES.items() if name != "near unitaries"}


@QUIET
@pytest.mark.parametrize("build", ON_A_DEVICE.values(), ids=ON_A_DEVICE)
def test_what_goes_to_a_device_is_the_same_circuit(build: Build) -> None:
    ansatz = ansatz_of(build())
    isa = compile_ansatz(ansatz, figures_target(3), optimization_level=1, seed=0)
    assert set(isa.circuit.count_ops()) <= {*BASIS_GATES, "barrier", "delay"}
    small, right = (
        Ansatz(isa.circuit, isa.inputs, (), isa.observables),
        expected(ansatz, rows(ansatz)),
    )
    np.testing.assert_allclose(expected(small, rows(ansatz)), right, atol=1e-10)


@QUIET
@settings(deadline=None, max_examples=10)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 10**6))
def test_a_metered_estimator_gets_the_same_circuit(qubits: int, depth: int, seed: int) -> None:
    circuit = random_circuit(qubits, depth, max_operands=min(4, qubits), seed=seed)
    circuit.append(users("cz", 1, Parameter("c")), [0])
    ansatz = ansatz_of(circuit)
    isa = compile_ansatz(ansatz, figures_target(qubits), optimization_level=1, seed=0)

    def ask(questions: list[Question]) -> dict[str, Answer]:
        exact = StatevectorEstimator()
        found = {q.key: exact.run([q.pub], precision=0).result()[0].data for q in questions}
        return {key: Answer(data.evs, data.stds) for key, data in found.items()}

    estimator = MeteredEstimator(ask, lambda *_: Cost(1, 1, 1, 0.1), {})
    pubs = [(isa.circuit, observable, rows(ansatz)) for observable in isa.observables]
    evs = np.stack([r.data.evs for r in estimator.run(pubs).result()], axis=-1)
    np.testing.assert_allclose(evs, expected(ansatz, rows(ansatz)), atol=1e-10)


def test_a_device_without_delays_says_so() -> None:
    bare = Target.from_configuration([*BASIS_GATES, "measure"], num_qubits=3)
    with pytest.raises(UserError, match=r"device's gates: .*delay"):
        compile_ansatz(ansatz_of(GATES["silent"]()), bare, optimization_level=1, seed=0)


def test_circuits_that_differ_only_in_a_gates_content_are_not_confused() -> None:
    names = {ansatz_name(ansatz_of(around((users("cz", 2, angle), 0, 1)))) for angle in (0.4, 0.5)}
    native = ansatz_name(ansatz_of(around((lib.CZGate(), 0, 1))))
    assert len(names | {native}) == 3


DERIVED = ["user's 2 cz", "evolution", "controlled u", "hamiltonian", "open controls", "annotated"]


@QUIET
@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("noise", [None, NoiseModel()], ids=["exact", "noisy"])
def test_derivatives(name: str, noise: NoiseModel | None) -> None:
    ansatz = ansatz_of(GATES[name]())
    program = compile_circuit(ansatz, dtype=torch.complex128, noise=noise)
    inputs = torch.from_numpy(rows(ansatz)).requires_grad_()
    weights = torch.zeros(0, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: program(x, weights), (inputs,), fast_mode=True)


@pytest.mark.parametrize(
    ("qubits", "kind"), [(3, HeisenbergProgram), (4, UnitaryProgram), (6, StatevectorProgram)]
)
def test_every_program_takes_them(qubits: int, kind: type) -> None:
    layers = 1 if kind is HeisenbergProgram else 4
    x, w = ParameterVector("x", qubits), ParameterVector("w", qubits * layers)
    circuit = QuantumCircuit(qubits)
    for q in range(qubits):
        circuit.append(users("rx", 1), [q])
        circuit.ry(x[q] + 0 * x[0], q)
    for layer in range(layers):
        for q in range(qubits):
            circuit.ry(w[layer * qubits + q], q)
        for q in range(qubits - 1):
            circuit.append(evolution(SparsePauliOp("ZZ"), 0.3 * w[q]), [q, q + 1])
    ansatz = Ansatz(circuit, tuple(x), tuple(w), z_observables(qubits))
    program = compile_circuit(ansatz, dtype=torch.complex128)
    assert isinstance(program, kind)
    sets = np.random.default_rng(0).uniform(-3, 3, (2, qubits * (layers + 1)))
    found = np.stack(
        [program(*torch.from_numpy(row).split([qubits, len(w)])).numpy() for row in sets]
    )
    both = Ansatz(circuit, (*x, *w), (), ansatz.observables)
    np.testing.assert_allclose(found, expected(both, sets), atol=1e-10)


def test_a_circuit_of_standard_gates_is_left_alone() -> None:
    circuit = lib.efficient_su2(3)
    assert lowered(circuit) is circuit


def _measured() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    return circuit


def _hidden(build: Build) -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.append(build().to_instruction(), [0], [0])
    return circuit


def _conditional() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((0, 1)):
        circuit.x(0)
    return circuit


def _looped() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(2)):
        circuit.x(0)
    return circuit


def _boxed() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    with circuit.box():
        circuit.x(0)
    return circuit


def _stored() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.add_var("v", expr.lift(True))
    return circuit


def _reset_late() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.reset(0)
    return circuit


def _wide_evolution() -> QuantumCircuit:
    circuit = QuantumCircuit(6)
    ising = [("ZZ", [i, i + 1], 0.3) for i in range(5)] + [("X", [i], 0.2) for i in range(6)]
    circuit.append(evolution(SparsePauliOp.from_sparse_list(ising, 6), 0.5), range(6))
    return circuit


def _wide_fourier() -> QuantumCircuit:
    circuit = QuantumCircuit(11)
    circuit.append(lib.QFTGate(11), range(11))
    return circuit


def _wide_hamiltonian() -> QuantumCircuit:
    circuit = QuantumCircuit(5)
    circuit.append(lib.HamiltonianGate(random_hermitian(32, seed=1), Parameter("t")), range(5))
    return circuit


REFUSED: dict[str, Build] = {
    "'measure'": _measured,
    "'circuit": lambda: _hidden(_measured),
    "'if_else'": _conditional,
    "'for_loop'": _looped,
    "'box'": _boxed,
    "'store'": _stored,
    "'reset'": _reset_late,
    "'opaque'": lambda: around((Gate("opaque", 2, []), 0, 1)),
    "'cz'": lambda: around((Gate("cz", 2, []), 0, 1)),
    "'annotated rx'": lambda: around(
        (AnnotatedOperation(lib.RXGate(Parameter("t")), [PowerModifier(0.5)]), 0)
    ),
    "'rx' is nan": lambda: around((lib.RXGate(np.nan), 0)),
    "'u' is inf": lambda: around((lib.UGate(0.1, np.inf, 0.2), 0)),
    "'cp' is -inf": lambda: around(
        (users("own", 2, -np.inf), 0, 1), (lib.CPhaseGate(-np.inf), 0, 1)
    ),
    "'annotated WeightedSum'": lambda: around(
        (AnnotatedOperation(lib.WeightedSumGate(1, [1]), [PowerModifier(2)]), 0, 1)
    ),
    "'annotated initialize'": lambda: around(
        (AnnotatedOperation(lib.Initialize([0.6, 0.8]), [ControlModifier(1)]), 0, 1)
    ),
    "'hamiltonian' on 5 qubits do not commute": _wide_hamiltonian,
    "'PauliEvolution' on 6 qubits do not commute": _wide_evolution,
    "'qft' on 11 qubits is too wide": _wide_fourier,
}


@QUIET
@pytest.mark.parametrize(("message", "build"), REFUSED.items(), ids=REFUSED)
def test_the_rest_is_refused_by_name(message: str, build: Build) -> None:
    ansatz = ansatz_of(build())
    with pytest.raises(UserError, match=message):
        compile_circuit(ansatz)
    with pytest.raises(UserError, match=message):
        compile_ansatz(ansatz, figures_target(11), optimization_level=1, seed=0)
    with pytest.raises(UserError, match=message):
        compile_circuit(ansatz, noise=NoiseModel())
