import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import BaseEstimatorV2, StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qhu.errors import UserError
from qhu.estimators.noise import figures_noise
from qhu.estimators.noisy import NoisyEstimator
from qhu.estimators.param_shift import MergedParamShift, unroll

NOISE = figures_noise((0.02, 0.05), (0.02, 0.07), (80e-6, 70e-6), (60e-9, 660e-9))


class Spy(BaseEstimatorV2):
    """Passes everything on and remembers what it saw."""

    def __init__(self, inner):
        self.inner, self.seen = inner, []

    def run(self, pubs, *, precision=None):
        self.seen.append((pubs, precision))
        return self.inner.run(pubs, precision=precision)


def network(ansatz, estimator, precision=0.0, input_gradients=True):
    return EstimatorQNN(
        circuit=ansatz.circuit,
        observables=list(ansatz.observables),
        input_params=list(ansatz.inputs),
        weight_params=list(ansatz.weights),
        estimator=estimator,
        gradient=MergedParamShift(estimator, precision),
        input_gradients=input_gradients,
        default_precision=precision,
    )


def noisy(precision=0.0, seed=0):
    return NoisyEstimator(NOISE, precision, np.random.default_rng(seed))


def rz_ansatz(make_ansatz, expressions, inputs, weights):
    """Sandwich of rz(expression) and sx on two qubits."""
    circuit = QuantumCircuit(2)
    for k, expression in enumerate(expressions):
        circuit.sx(k % 2)
        circuit.rz(expression, k % 2)
        circuit.sx(k % 2)
        circuit.cz(0, 1)
    base = make_ansatz(2)
    return type(base)(circuit, tuple(inputs), tuple(weights), base.observables)


def test_gradients_are_finite_differences_of_the_noisy_values(make_ansatz, draw):
    ansatz = make_ansatz(2)
    net = network(ansatz, noisy())
    rows = draw(ansatz, 2)
    x, w = rows[:, :2], rows[0, 2:]
    by_input, by_weight = net.backward(x, w)
    step = 1e-4
    for k in range(2):
        shift = step * np.eye(2)[k]
        slope = (net.forward(x + shift, w) - net.forward(x - shift, w)) / (2 * step)
        np.testing.assert_allclose(by_input[:, :, k], slope, atol=1e-7)
    for k in range(len(w)):
        shift = step * np.eye(len(w))[k]
        slope = (net.forward(x, w + shift) - net.forward(x, w - shift)) / (2 * step)
        np.testing.assert_allclose(by_weight[:, :, k], slope, atol=1e-7)


def test_products_and_shared_parameters_agree_with_the_stock_gradient(make_ansatz):
    x, w = ParameterVector("x", 2), ParameterVector("w", 2)
    expressions = [2 * (np.pi - x[0]) * (np.pi - x[1]), w[0], x[0], 0.5 * w[0] + w[1], x[1] - w[1]]
    ansatz = rz_ansatz(make_ansatz, expressions, x, w)
    estimator = StatevectorEstimator()
    ours, stock = network(ansatz, estimator), network(ansatz, estimator)
    stock.gradient = ParamShiftEstimatorGradient(estimator)
    rows = np.random.default_rng(0).uniform(-2, 2, (3, 2))
    for got, expected in zip(
        ours.backward(rows, [0.3, 1.1]), stock.backward(rows, [0.3, 1.1]), strict=True
    ):
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_the_chain_rule_holds_for_angles_of_any_kind(make_ansatz):
    x, w = ParameterVector("x", 2), ParameterVector("w", 2)
    expressions = [
        2 * x[0].arccos() + w[0],
        (x[1] * w[1]).exp() / 3,
        w[0].sin() ** 2 - abs(w[1]) * x[1],
        w[0] * x[0].sign() + 2 ** x[1],
        abs((w[0] - 3) ** 0.5) + w[1].conjugate(),
    ]
    net = network(rz_ansatz(make_ansatz, expressions, x, w), noisy())
    rows, at, step = np.array([[0.3, -0.8], [-0.6, 0.2]]), np.array([0.4, -1.1]), 1e-5
    by_input, by_weight = net.backward(rows, at)
    for k in range(2):
        shift = step * np.eye(2)[k]
        slope = (net.forward(rows + shift, at) - net.forward(rows - shift, at)) / (2 * step)
        np.testing.assert_allclose(by_input[:, :, k], slope, atol=1e-8)
        slope = (net.forward(rows, at + shift) - net.forward(rows, at - shift)) / (2 * step)
        np.testing.assert_allclose(by_weight[:, :, k], slope, atol=1e-8)


def test_no_gradient_is_a_silent_nan(make_ansatz):
    x = ParameterVector("x", 1)
    net = network(rz_ansatz(make_ansatz, [x[0].arccos()], x, []), noisy())
    with pytest.raises(UserError, match=r"derivative of the angle 'acos\(.*\)' is not finite"):
        net.backward([[0.3], [1.0]], [])
    with pytest.raises(UserError, match=r"value of the angle 'acos\(.*\)' is not a finite"):
        net.backward([[0.3], [1.1]], [])


def test_no_circuits_have_no_gradients():
    for gradient in (
        MergedParamShift(StatevectorEstimator(), 0.0),
        ParamShiftEstimatorGradient(StatevectorEstimator()),
    ):
        assert list(gradient.run([], [], []).result().gradients) == []


def test_a_gradient_is_one_pub_over_the_wanted_parameters_only(make_ansatz, draw):
    ansatz = make_ansatz(2)
    rows = draw(ansatz, 3)
    pubs = {}
    for inputs in (True, False):
        spy = Spy(StatevectorEstimator())
        net = network(ansatz, spy, input_gradients=inputs)
        by_input, by_weight = net.backward(rows[:, :2], rows[0, 2:])
        ((pubs[inputs], _),) = spy.seen
        assert (by_input is not None) == inputs and by_weight.shape == (3, 2, 4)
    # Per sample: 4 weights and 2 encodings, up and down.
    assert [len(pub[2]) for pub in pubs[True]] == [3 * 2 * 6]
    assert [len(pub[2]) for pub in pubs[False]] == [3 * 2 * 4]


def test_forward_and_gradient_ask_for_one_precision(make_ansatz, draw):
    ansatz = make_ansatz(2)
    rows = draw(ansatz, 1)
    spy = Spy(noisy())
    net = network(ansatz, spy, precision=0.05)
    net.forward(rows[:, :2], rows[0, 2:])
    net.backward(rows[:, :2], rows[0, 2:])
    assert [precision for _, precision in spy.seen] == [0.05, 0.05]


def test_shot_noise_of_a_gradient_has_its_full_size(make_ansatz):
    """Were the noise of both shifts equal, it would cancel and leave 1e-17 (a known trap)."""
    x, shots, repeats = Parameter("x"), 100, 2000
    ansatz = rz_ansatz(make_ansatz, [x], [x], [])
    shifted = [[0.4 + np.pi / 2], [0.4 - np.pi / 2]]
    up, down = network(ansatz, noisy()).forward(shifted, [])[:, 0]
    net = network(ansatz, noisy(), precision=shots**-0.5)
    draws = net.backward(np.full((repeats, 1), 0.4), [])[0][:, 0, 0]
    sigma = np.sqrt((1 - up**2 + 1 - down**2) / (4 * shots))
    assert draws.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * repeats))
    assert abs(draws.mean() - (up - down) / 2) < 5 * sigma / np.sqrt(repeats)


def test_equal_samples_have_noise_of_their_own(make_ansatz, draw):
    ansatz = make_ansatz(2)
    row = draw(ansatz, 1)[0]
    net = network(ansatz, noisy(), precision=0.1)
    by_weight = net.backward(np.tile(row[:2], (4, 1)), row[2:])[1]
    assert len(np.unique(by_weight[:, 0, 0])) > 1


def test_a_parameter_of_the_global_phase_has_gradient_zero(make_ansatz):
    w = ParameterVector("w", 2)
    ansatz = rz_ansatz(make_ansatz, [w[0]], [], w)
    ansatz.circuit.global_phase = w[1]
    gradient = network(ansatz, StatevectorEstimator()).backward([], [0.3, 0.4])[1]
    assert np.all(gradient[..., 1] == 0) and abs(gradient[0, 0, 0]) > 0.1


def test_gates_of_three_angles_obey_the_rule_in_each(make_ansatz):
    w = ParameterVector("w", 3)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.u(w[0], w[1], w[2], 0)
    circuit.rzz(w[0], 0, 1)
    base = make_ansatz(2, observables=["XX", "ZY", "IX"])
    ansatz = type(base)(circuit, (), tuple(w), base.observables)
    net, at, step = network(ansatz, StatevectorEstimator()), np.array([0.3, 0.7, -1.1]), 1e-5
    gradient = net.backward([], at)[1][0]
    for k in range(3):
        shift = step * np.eye(3)[k]
        slope = (net.forward([], at + shift) - net.forward([], at - shift))[0] / (2 * step)
        np.testing.assert_allclose(gradient[:, k], slope, atol=1e-8)


def test_a_gate_without_the_rule_is_named():
    circuit = QuantumCircuit(2)
    circuit.crx(Parameter("a"), 0, 1)
    with pytest.raises(UserError, match="gate 'crx'"):
        unroll(circuit)


def test_two_circuits_in_one_call_are_refused(make_ansatz):
    one, two = make_ansatz(2), make_ansatz(2)
    gradient = MergedParamShift(StatevectorEstimator(), 0.0)
    with pytest.raises(UserError, match="one circuit"):
        gradient.run(
            [one.circuit, two.circuit], [SparsePauliOp("ZZ")] * 2, np.zeros((2, 6))
        ).result()


def test_a_users_gate_is_not_taken_for_the_one_it_is_called_after():
    angle = Parameter("a")
    inner = QuantumCircuit(1, name="rx")
    inner.rx(3 * angle, 0)
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_gate(), [0])
    with pytest.raises(UserError, match=r"no parameter-shift rule .* 'rx'"):
        unroll(circuit)
