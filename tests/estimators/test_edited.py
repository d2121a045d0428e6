"""Circuits, observables and noise models that are edited in place between two calls."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.circuit.library import CXGate, RYGate, UnitaryGate, XGate
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient

from qhu.backends.aer import AerBackend
from qhu.backends.aer import Options as AerOptions
from qhu.engine.cache import content
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.engine.outcomes import Outcomes
from qhu.estimators.noise import figures_noise
from qhu.estimators.noisy import NoisyEstimator
from qhu.estimators.param_shift import MergedParamShift
from qhu.hardware.cost import Cost
from qhu.hardware.metered import MeteredEstimator
from qhu.hardware.questions import Answer

IDEAL = NoiseModel(["rx", "ry", "rz", "h", "x", "cz"])
OBSERVABLE = SparsePauliOp(["XX", "YX", "ZZ", "IZ"], [1.0, -0.4, 0.6, 0.8])
FIGURES = figures_noise((0.01, 0.05), (0.02, 0.07), None, (60e-9, 660e-9))


def ask(questions):
    """Answers to questions, exact."""
    exact = StatevectorEstimator()
    data = {q.key: exact.run([q.pub], precision=0).result()[0].data for q in questions}
    return {key: Answer(item.evs, item.stds) for key, item in data.items()}


def metered():
    """Over a book that gives every key one answer, once."""
    book = {}

    def answered(questions):
        book.update(ask([question for question in questions if question.key not in book]))
        return {question.key: book[question.key] for question in questions}

    return MeteredEstimator(answered, lambda *_: Cost(1, 1, 1, 0.1), {})


def noisy(noise=IDEAL):
    return NoisyEstimator(noise, 0.0, np.random.default_rng(0))


ESTIMATORS = {
    "exact": EngineEstimator,
    "exact under noise": lambda: EngineEstimator(IDEAL),
    "noisy": noisy,
    "metered": metered,
}
GRADIENTS = {
    "exact": EngineGradient,
    "exact under noise": lambda: EngineGradient(EngineEstimator(IDEAL)),
    "noisy": lambda: MergedParamShift(noisy(), 0.0),
    "metered": lambda: MergedParamShift(metered(), 0.0),
}


def evs(estimator, circuit, observable=OBSERVABLE, values=(0.4, 1.1)):
    return estimator.run([(circuit, observable, values)]).result()[0].data.evs


def stock(circuit, observable=OBSERVABLE, values=(0.4, 1.1)):
    return evs(StatevectorEstimator(), circuit, observable, values)


def start():
    """Two qubits, two parameters, six gates."""
    a = ParameterVector("a", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(a[0], 0)
    circuit.rx(0.7, 1)
    circuit.h(1)
    circuit.cz(0, 1)
    circuit.rz(2 * a[1] + 0.1, 0)
    circuit.ry(a[1] * a[0], 1)
    return circuit


def replace_gate(gate):
    """Another gate for the first one on one qubit without parameters."""

    def edit(circuit):
        at = next(
            n
            for n, item in enumerate(circuit.data)
            if len(item.qubits) == 1 and not item.operation.is_parameterized()
        )
        circuit.data[at] = circuit.data[at].replace(operation=gate)

    return edit


def swap_gates(circuit):
    circuit.data[0], circuit.data[2] = circuit.data[2], circuit.data[0]


def swap_qubits(circuit):
    for at, item in enumerate(circuit.data):
        other = [circuit.qubits[1 - circuit.find_bit(qubit).index] for qubit in item.qubits]
        circuit.data[at] = item.replace(qubits=other)


def exchange_parameters(circuit):
    """Both parameters stay, in other gates."""
    first, second = circuit.parameters
    turn = {first: second, second: first}
    for at, item in enumerate(circuit.data):
        (angle,) = item.params or (0.0,)
        if isinstance(angle, Parameter):
            circuit.data[at] = item.replace(operation=RYGate(turn[angle]))


def rename_a_parameter(circuit):
    # The new name sorts last, so the first value goes to the other parameter.
    first, last = circuit.parameters
    circuit.assign_parameters({first: Parameter(last.name + "z")}, inplace=True)


def move_a_gate(circuit):
    circuit.append(circuit.data[1])
    del circuit.data[1]


EDITS = {
    "angle": replace_gate(RYGate(1.9)),
    "slightly other angle": replace_gate(RYGate(0.7 + 1e-7)),
    "other gate": replace_gate(XGate()),
    "matrix": replace_gate(UnitaryGate([[0, 1j], [1, 0]])),
    "gates": swap_gates,
    "qubits": swap_qubits,
    "parameters": exchange_parameters,
    "name of a parameter": rename_a_parameter,
    "order": move_a_gate,
    "phase": lambda circuit: setattr(circuit, "global_phase", 1.0),
    "metadata": lambda circuit: setattr(circuit, "metadata", {"edited": True}),
}


@pytest.mark.parametrize("kind", ESTIMATORS)
@settings(deadline=None, max_examples=15)
@given(edits=st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4))
def test_values_follow_every_edit(kind, edits):
    estimator, circuit = ESTIMATORS[kind](), start()
    np.testing.assert_allclose(evs(estimator, circuit), stock(circuit), atol=1e-10)
    for name in edits:
        EDITS[name](circuit)
        np.testing.assert_allclose(evs(estimator, circuit), stock(circuit), atol=1e-10)


@pytest.mark.parametrize("kind", GRADIENTS)
@pytest.mark.parametrize("edit", ["angle", "gates", "qubits", "parameters", "name of a parameter"])
def test_gradients_follow_every_edit(kind, edit):
    gradient, circuit = GRADIENTS[kind](), start()
    right = ParamShiftEstimatorGradient(StatevectorEstimator())
    call = [circuit], [OBSERVABLE], [[0.4, 1.1]]
    gradient.run(*call).result()
    EDITS[edit](circuit)
    # The stock gradient keeps circuits, too: it gets one that it has not seen.
    expected = right.run([circuit.copy()], *call[1:]).result().gradients
    np.testing.assert_allclose(gradient.run(*call).result().gradients, expected, atol=1e-9)


@pytest.mark.parametrize("kind", ["exact", "metered"])
def test_values_follow_the_definition_of_a_block(kind):
    block = QuantumCircuit(2, name="block")
    block.ry(0.3, 0)
    circuit, estimator = QuantumCircuit(2), ESTIMATORS[kind]()
    circuit.append(block.to_gate(), [0, 1])
    assert evs(estimator, circuit, "IZ", ()) == pytest.approx(np.cos(0.3))
    definition = circuit.data[0].operation.definition
    definition.data[0] = definition.data[0].replace(operation=RYGate(1.2))
    assert evs(estimator, circuit, "IZ", ()) == pytest.approx(np.cos(1.2))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_values_follow_the_coefficients_of_an_observable(kind):
    estimator, circuit = ESTIMATORS[kind](), start()
    observable = SparsePauliOp(["XZ", "ZI"], [1.0, 0.5])
    evs(estimator, circuit, observable)
    observable.coeffs[0] = 2.0
    assert evs(estimator, circuit, observable) == pytest.approx(stock(circuit, observable))


def test_a_question_keeps_its_circuit():
    circuit, asked = start(), []
    estimator = MeteredEstimator(
        lambda questions: asked.extend(questions) or ask(questions), lambda *_: None, {}
    )
    evs(estimator, circuit)
    before = stock(circuit)
    EDITS["angle"](circuit)
    sent = StatevectorEstimator().run([asked[0].pub], precision=0).result()[0].data.evs
    assert sent.item() == pytest.approx(before.item())


def test_what_does_not_change_is_compiled_once():
    compiled = []

    def simulator(circuit, noise):
        compiled.append(circuit)
        return Outcomes(circuit, noise)

    estimator = NoisyEstimator(IDEAL, 0.0, np.random.default_rng(0), simulator)
    circuit = start()
    circuit.append(CXGate(ctrl_state=0), [0, 1])
    for _ in range(3):
        evs(estimator, circuit, "ZZ")
        circuit.global_phase += 0.1
        circuit.metadata = {"calls": len(compiled)}
    evs(estimator, circuit.copy(), "ZZ")
    assert len(compiled) == 1


def test_a_class_that_cannot_be_pickled_is_never_stale():
    class Turn(Gate):
        def __init__(self):
            super().__init__("turn", 1, [])
            self.angle = 0.3

        def __array__(self, dtype=None, copy=None):
            return RYGate(self.angle).__array__(dtype)

        def _define(self):
            self.definition = QuantumCircuit(1)
            self.definition.ry(self.angle, 0)

    gate, circuit, estimator = Turn(), QuantumCircuit(1), EngineEstimator()
    circuit.append(gate, [0], copy=False)
    assert evs(estimator, circuit, "Z", ()) == pytest.approx(np.cos(0.3))
    gate.angle = 1.2
    assert evs(estimator, circuit, "Z", ()) == pytest.approx(np.cos(1.2))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Parameter("a"), Parameter("a")),
        (0.3, np.nextafter(0.3, 1)),
        (2 * Parameter("a"), 2 * Parameter("a")),
    ],
    ids=["parameters of equal name", "angles", "expressions"],
)
def test_content_tells_apart(first, second):
    circuits = [QuantumCircuit(1), QuantumCircuit(1)]
    for circuit, angle in zip(circuits, (first, second), strict=True):
        circuit.ry(angle, 0)
    assert content(circuits[0]) != content(circuits[1])
    assert content(circuits[0]) == content(circuits[0].copy())


def test_content_tells_products_from_names():
    a, b, product = (Parameter(name) for name in ("a", "b", "a*b"))
    circuits = [QuantumCircuit(1), QuantumCircuit(1)]
    for circuit, angle in zip(circuits, (2 * product, 2 * a * b), strict=True):
        for other in (a, b, product):
            circuit.rx(other, 0)
        circuit.ry(angle, 0)
    assert content(circuits[0]) != content(circuits[1])


def edited(noise):
    noise.add_all_qubit_quantum_error(depolarizing_error(0.5, 1), ["ry"])
    return noise


def model():
    return NoiseModel(["rx", "ry", "rz", "h", "x", "cz"])


@pytest.mark.parametrize("make", [EngineEstimator, noisy], ids=["exact under noise", "noisy"])
def test_an_estimator_keeps_the_noise_that_it_was_made_with(make):
    noise = model()
    estimator, circuit = make(noise), start()
    edited(noise)
    np.testing.assert_allclose(evs(estimator, circuit), stock(circuit), atol=1e-10)


def test_a_layer_keeps_what_it_was_made_of(make_ansatz):
    ansatz, noise = make_ansatz(2), model()
    inputs = torch.rand(3, 2)
    layer, noisy_layer = engine_layer(ansatz), engine_layer(ansatz, noise)
    expected = layer(inputs)
    weights = layer.weight.detach()
    with torch.no_grad():
        noisy_layer.weight.copy_(weights)
    edited(noise)
    ansatz.circuit.data[0] = ansatz.circuit.data[3]
    ansatz.observables[0].coeffs[0] = 2.0
    torch.testing.assert_close(layer.double()(inputs).float(), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(noisy_layer(inputs), expected, atol=1e-5, rtol=0)
    for network in (layer.neural_network, noisy_layer.neural_network):
        again = network.forward(inputs.numpy(), weights.numpy())
        np.testing.assert_allclose(again, expected.detach().numpy(), atol=1e-5)


def test_the_noise_of_a_backend_is_its_own(make_ansatz):
    options = AerOptions(device="fake_manila")
    ansatz = make_ansatz(2)
    first = AerBackend("one", options).isa(ansatz).noise
    count = len(first.to_dict()["errors"])
    first.add_all_qubit_quantum_error(depolarizing_error(0.5, 1), ["h"])
    assert len(AerBackend("two", options).isa(ansatz).noise.to_dict()["errors"]) == count


def test_shots_do_not_depend_on_which_job_is_awaited_first(make_ansatz, draw):
    ansatz = make_ansatz(2)
    (row,) = draw(ansatz, 1)

    def simulator(circuit, noise):
        distribution = Outcomes(circuit, noise)

        def slow(values):
            time.sleep(0.1 * (len(values) > 1))
            return distribution(values)

        return slow

    def drawn(at_once):
        estimator = NoisyEstimator(FIGURES, 0.1, np.random.default_rng(3), simulator)
        pubs = [(ansatz.circuit, "ZZ", [row, row]), (ansatz.circuit, "ZZ", row)]
        if at_once:
            return [job.result()[0].data.evs for job in [estimator.run([pub]) for pub in pubs]]
        return [estimator.run([pub]).result()[0].data.evs for pub in pubs]

    for one, other in zip(drawn(True), drawn(False), strict=True):
        np.testing.assert_array_equal(one, other)
