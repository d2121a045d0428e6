"""The engine behind Qiskit's interfaces against the stock classes."""

import copy
import pickle

import numpy as np
import pytest
import torch
from engine_circuits import ansatzes, ring, values
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.errors import UserError


def stock(ansatz: Ansatz) -> EstimatorQNN:
    """The network as Qiskit evaluates it."""
    estimator = StatevectorEstimator()
    return EstimatorQNN(
        circuit=ansatz.circuit,
        estimator=estimator,
        observables=ansatz.observables,
        input_params=ansatz.inputs,
        weight_params=ansatz.weights,
        gradient=ParamShiftEstimatorGradient(estimator),
        input_gradients=True,
        default_precision=0.0,
    )


@settings(deadline=None, max_examples=12)
@given(ansatzes(max_qubits=4, max_gates=8), st.integers(0, 99))
def test_network_and_its_gradients(ansatz: Ansatz, seed: int) -> None:
    inputs, weights = values(ansatz, 2, seed)
    expected, network = stock(ansatz), engine_layer(ansatz).neural_network
    np.testing.assert_allclose(
        network.forward(inputs, weights), expected.forward(inputs, weights), atol=1e-10
    )
    for ours, theirs in zip(
        network.backward(inputs, weights), expected.backward(inputs, weights), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_layer_equals_stock_connector() -> None:
    ansatz = ring(3, 2)
    layer = engine_layer(ansatz)
    connector = TorchConnector(stock(ansatz), layer.weight.detach().numpy())
    ours = torch.rand(4, 3, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    layer(ours).square().sum().backward()
    connector(theirs).square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=0)
    torch.testing.assert_close(layer.weight.grad, connector.weight.grad, atol=1e-5, rtol=0)
    assert layer.state_dict().keys() == connector.state_dict().keys()
    assert layer(ours[0].detach()).shape == connector(theirs[0].detach()).shape == (3,)


def test_layer_copies_pickles_and_follows_the_dtype() -> None:
    layer = engine_layer(ring(3, 4))
    inputs = torch.rand(4, 3)
    expected = layer(inputs)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(inputs), expected)
        assert other.weight is not layer.weight
        other.neural_network.forward(inputs.numpy(), other.weight.detach().numpy())
    assert expected.dtype == torch.float32 and layer.double()(inputs).dtype == torch.float64
    with pytest.raises(UserError, match="3 features, got 2"):
        layer(inputs[:, :2])


def test_estimator_broadcasts_like_the_stock_one() -> None:
    a = ParameterVector("a", 2)
    circuit = QuantumCircuit(2)
    circuit.rx(a[0], 0)
    circuit.ry(a[1], 1)
    circuit.cx(0, 1)
    angles = np.random.default_rng(0).uniform(-3, 3, (3, 4, 2))
    bound = circuit.assign_parameters([0.1, 0.2])
    pubs = [
        (circuit, [["ZZ"], ["XY"], [{"ZI": 0.5, "IX": 2.0}]], angles),
        (circuit, SparsePauliOp(["ZZ", "XI"], [1, -1]), angles[0]),
        (circuit, "YY", angles[0, 0]),
        (bound, ["ZZ", "IZ"]),
        (circuit, "ZI", {tuple(a): angles}),
    ]
    ours = EngineEstimator().run(pubs, precision=0.01).result()
    theirs = StatevectorEstimator().run(pubs).result()
    for mine, stock_result in zip(ours, theirs, strict=True):
        assert mine.data.evs.shape == stock_result.data.evs.shape
        np.testing.assert_allclose(mine.data.evs, stock_result.data.evs, atol=1e-10)
        assert not np.any(mine.data.stds)


def test_a_circuit_changed_in_place_is_compiled_again() -> None:
    circuit, estimator = QuantumCircuit(1), EngineEstimator()
    assert estimator.run([(circuit, "Z")]).result()[0].data.evs == pytest.approx(1.0)
    circuit.x(0)
    assert estimator.run([(circuit, "Z")]).result()[0].data.evs == pytest.approx(-1.0)


def test_gradient_of_chosen_parameters_and_mixed_circuits() -> None:
    ansatz = ring(2, 1)
    other = ring(2, 2).circuit
    rng = np.random.default_rng(1)
    circuits = [ansatz.circuit, other, ansatz.circuit]
    observables = [ansatz.observables[0], ansatz.observables[1], SparsePauliOp("XX")]
    points = [rng.uniform(-3, 3, circuit.num_parameters) for circuit in circuits]
    chosen = [list(ansatz.weights[2:4]), None, [ansatz.inputs[1]]]
    ours = EngineGradient().run(circuits, observables, points, chosen).result()
    stock_gradient = ParamShiftEstimatorGradient(StatevectorEstimator())
    theirs = stock_gradient.run(circuits, observables, points, chosen).result()
    for mine, stock_result in zip(ours.gradients, theirs.gradients, strict=True):
        np.testing.assert_allclose(mine, stock_result, atol=1e-10)
