"""What the estimators and gradients take and refuse, against Qiskit's own."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import StatevectorEstimator
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient

from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.errors import UserError
from qhu.estimators.noisy import NoisyEstimator
from qhu.hardware.cost import Cost
from qhu.hardware.metered import MeteredEstimator
from qhu.hardware.questions import Answer

IDEAL = NoiseModel(["rx", "ry", "h", "sdg", "cx"])


def metered(asked):
    exact = StatevectorEstimator()

    def ask(questions):
        asked.extend(questions)
        data = {q.key: exact.run([q.pub], precision=0).result()[0].data for q in questions}
        return {key: Answer(item.evs, item.stds) for key, item in data.items()}

    return MeteredEstimator(ask, lambda *_: Cost(1, 1, 1, 0.1), {})


ESTIMATORS = {
    "exact": EngineEstimator,
    "exact under noise": lambda: EngineEstimator(IDEAL),
    "noisy": lambda: NoisyEstimator(IDEAL, 0.0, np.random.default_rng(0)),
    "shots": lambda: NoisyEstimator(IDEAL, 0.01, np.random.default_rng(0)),
    "metered": lambda: metered([]),
}
A = ParameterVector("a", 2)


def turned():
    circuit = QuantumCircuit(2)
    circuit.rx(A[0], 0)
    circuit.ry(A[1], 1)
    circuit.cx(0, 1)
    return circuit


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return ESTIMATORS[request.param]()


ROWS = np.random.default_rng(0).uniform(-3, 3, (3, 2, 2))
OPERATOR = SparsePauliOp(["ZZ", "XI"], [1.0, -0.5])
PUBS = {
    "rows": ("ZZ", ROWS),
    "lists": ([["ZZ"], ["YX"], [Pauli("-XY")]], ROWS[0].tolist()),
    "one set": (OPERATOR, ROWS[0, 0]),
    "by parameter": ("ZI", {A[1]: ROWS[..., 1], A[0]: ROWS[..., 0]}),
    "by name": ("ZI", {"a[0]": 0.1, "a[1]": 0.2}),
    "by vector": ("ZI", {A: ROWS}),
    "in another order": ("ZI", {(A[1], A[0]): ROWS}),
    "bindings": ("ZI", BindingsArray({tuple(A): ROWS})),
    "observables": (ObservablesArray([[OPERATOR], ["XX"]]), ROWS[0]),
    "sums that are real": (SparsePauliOp(["ZZ", "ZZ"], [1j, 1 - 1j]), ROWS),
    "identity": ([{"II": 2.5}, "ZZ"], ROWS[0]),
    "no rows": ("ZZ", np.zeros((0, 2))),
    "no rows, two observables": ([["ZZ"], ["XX"]], np.zeros((0, 2))),
    "no observables": ([], ROWS[0, 0]),
}


@pytest.mark.parametrize("form", PUBS)
@pytest.mark.parametrize("kind", [name for name in ESTIMATORS if name != "shots"])
def test_every_form_of_a_pub(kind, form):
    made, circuit = ESTIMATORS[kind](), turned()
    ours = made.run([(circuit, *PUBS[form])]).result()[0].data
    theirs = StatevectorEstimator().run([(circuit, *PUBS[form])]).result()[0].data
    assert ours.evs.shape == ours.stds.shape == ours.shape == theirs.shape
    np.testing.assert_allclose(ours.evs, theirs.evs, atol=1e-10)


@pytest.mark.parametrize("values", [None, [], [[]], {}, np.zeros((3, 1, 0))])
def test_circuits_without_parameters(estimator, values):
    circuit = turned().assign_parameters([0.0, np.pi])
    ours = estimator.run([(circuit, ["ZZ", "ZI"], values)]).result()[0].data.evs
    theirs = StatevectorEstimator().run([(circuit, ["ZZ", "ZI"], values)]).result()[0].data.evs
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


@pytest.mark.parametrize("kind", [name for name in ESTIMATORS if name != "shots"])
def test_projectors_are_probabilities(kind):
    circuit = turned().assign_parameters([0.4, 1.1])
    observables = ["00", "+I", SparseObservable("r1"), {"01": 1.0, "ZZ": 2.0, "II": 0.5}]
    values = ESTIMATORS[kind]().run([(circuit, observables)]).result()[0].data.evs
    state = Statevector(circuit)
    # Qubit 1 is the first letter, and the more significant bit.
    plus, right = np.array([1, 1]) / np.sqrt(2), np.array([1, -1j]) / np.sqrt(2)
    amplitudes = state.data.reshape(2, 2)
    expected = [
        abs(amplitudes[0, 0]) ** 2,
        np.sum(np.abs(plus @ amplitudes) ** 2),
        abs((right @ amplitudes)[1]) ** 2,
        abs(amplitudes[0, 1]) ** 2 + 2 * state.expectation_value(Pauli("ZZ")).real + 0.5,
    ]
    np.testing.assert_allclose(values, expected, atol=1e-10)


@pytest.mark.parametrize(
    "observable",
    [SparsePauliOp("ZZ", 1j), {"ZZ": 1j}, Pauli("iZZ"), SparsePauliOp("ZZ", 0.0), "ZZZ"],
    ids=["operator", "mapping", "phase", "zero", "width"],
)
def test_what_cannot_be_measured_is_refused_as_by_qiskit(estimator, observable):
    for each in (estimator, StatevectorEstimator()):
        with pytest.raises(ValueError):
            each.run([(turned(), observable, [0.1, 0.2])]).result()


@pytest.mark.parametrize("values", [[0.1], [0.1, 0.2, 0.3], None, {"a[0]": 0.1}])
def test_another_number_of_values_is_refused_as_by_qiskit(estimator, values):
    for each in (estimator, StatevectorEstimator()):
        with pytest.raises(ValueError):
            each.run([(turned(), "ZZ", values)]).result()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_must_be_finite(estimator, value):
    with pytest.raises(UserError, match="finite"):
        estimator.run([(turned(), "ZZ", [0.1, value])]).result()


def test_a_device_is_not_asked_for_nothing():
    asked = []
    job = metered(asked).run([(turned(), "ZZ", np.zeros((0, 2))), (turned(), [], [0.1, 0.2])])
    assert [item.data.evs.shape for item in job.result()] == [(0,), (0,)]
    assert not asked


def test_precision_in_the_metadata():
    circuit = turned()
    circuit.metadata = {"kept": 1}
    pubs = [(circuit, "ZZ", [0.1, 0.2]), EstimatorPub.coerce((circuit, "ZZ", [0.1, 0.2], 0.5))]

    def precisions(made, **how):
        results = made.run(pubs, **how).result()
        assert all(item.metadata["circuit_metadata"] == {"kept": 1} for item in results)
        return [item.metadata["target_precision"] for item in results]

    assert precisions(EngineEstimator()) == precisions(StatevectorEstimator()) == [0.0, 0.5]
    assert precisions(EngineEstimator(), precision=0.1) == [0.1, 0.5]
    assert precisions(ESTIMATORS["shots"]()) == [0.01, 0.5]
    assert precisions(ESTIMATORS["shots"](), precision=0.1) == [0.1, 0.5]


def turn():
    circuit, angle = QuantumCircuit(1), Parameter("x")
    circuit.h(0)
    circuit.p(angle, 0)
    circuit.h(0)
    return circuit


ONE, TWO = turn(), turned()
Z, ZZ = SparsePauliOp("Z"), SparsePauliOp("ZZ")
TAKEN = {
    "a circuit that is no list": (ONE, Z, [[0.3]]),
    "a Pauli": ([ONE], [Pauli("Z")], [[0.3]]),
    "a Pauli that is no list": (ONE, Pauli("-X"), [[0.3]]),
    "a sparse observable": ([ONE], [SparseObservable("Z")], [[0.3]]),
    "an array": ([ONE], [Z], np.array([[0.3]])),
    "tuples": ((ONE, ONE), (Z, Z), ((0.1,), (0.2,))),
    "all parameters": ([TWO], [ZZ], [[0.3, 0.4]], [None]),
    "a parameter twice": ([TWO], [ZZ], [[0.3, 0.4]], [[A[1], A[1]]]),
    "no parameter": ([TWO], [ZZ], [[0.3, 0.4]], [[]]),
    "several circuits": ([TWO, ONE], [ZZ, Z], [[0.3, 0.4], [0.5]], [[A[1]], None]),
}
REFUSED = {
    "width": ([ONE], [ZZ], [[0.3]]),
    "width of three": ([turned().tensor(turn())], [ZZ], [[0.3, 0.4, 0.5]]),
    "too few values": ([TWO], [ZZ], [[0.3]]),
    "too many values": ([TWO], [ZZ], [[0.3, 0.4, 0.5]]),
    "values that are no list": (TWO, ZZ, [0.3, 0.4]),
    "fewer observables": ([ONE, ONE], [Z], [[0.3], [0.4]]),
    "fewer sets": ([ONE, ONE], [Z, Z], [[0.3]]),
    "fewer lists of parameters": ([ONE, ONE], [Z, Z], [[0.3], [0.4]], [None]),
    "a parameter of another circuit": ([ONE], [Z], [[0.3]], [[A[0]]]),
    "no parameters": ([QuantumCircuit(1)], [Z], [[]]),
    "not Hermitian": ([ONE], [1j * Z], [[0.3]]),
    "zero": ([ONE], [0 * Z], [[0.3]]),
}


def stock_gradient():
    return ParamShiftEstimatorGradient(StatevectorEstimator())


@pytest.mark.parametrize("call", TAKEN)
def test_gradients_take_what_qiskit_takes(call):
    ours = EngineGradient().run(*TAKEN[call]).result()
    theirs = stock_gradient().run(*TAKEN[call]).result()
    for mine, other in zip(ours.gradients, theirs.gradients, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-10)
    for mine, other in zip(ours.metadata, theirs.metadata, strict=True):
        assert list(mine["parameters"]) == list(other["parameters"])


@pytest.mark.parametrize("call", REFUSED)
def test_gradients_refuse_what_qiskit_refuses(call):
    for gradient in (EngineGradient(), stock_gradient()):
        with pytest.raises(ValueError):
            gradient.run(*REFUSED[call]).result()


@pytest.mark.parametrize("noise", [None, IDEAL], ids=["exact", "noisy"])
def test_layers_read_observables_alike(noise):
    def layer(operator):
        circuit = QuantumCircuit(1)
        circuit.ry(A[0], 0)
        circuit.rx(A[1], 0)
        return engine_layer(Ansatz(circuit, (A[0],), (A[1],), (operator,)), noise)

    real = layer(SparsePauliOp(["Z", "Z"], [1j, 1 - 1j]))
    plain = layer(Z)
    with torch.no_grad():
        plain.weight.copy_(real.weight)
    inputs = torch.tensor([[0.3], [0.7]])
    torch.testing.assert_close(real(inputs), plain(inputs))
    for operator in (1j * Z, SparsePauliOp(["Z", "X"], [1.0, 1e-3j]), 0 * Z):
        with pytest.raises(UserError, match="observable 0 cannot be measured"):
            layer(operator)(inputs)
