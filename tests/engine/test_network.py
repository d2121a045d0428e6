"""Whatever parameters are called: what Qiskit's own replacement confuses, and what it asks for."""

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel

from qhu.emulator.parts import split
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator
from qhu.engine.program import compile_circuit
from qhu.errors import UserError
from qhu.estimators.layer import estimator_layer
from qhu.estimators.noisy import NoisyEstimator

Z = (SparsePauliOp("Z"),)
X3, W3 = ParameterVector("inputs", 3), ParameterVector("weights", 3)
NAMES = {
    "the network's own": ([*X3], [*W3]),
    "the network's own in another order": ([X3[2], X3[0], X3[1]], [W3[1], W3[2], W3[0]]),
    "the wrong way round": ([*W3], [*X3]),
    "all inputs": ([*X3, *W3], []),
    "all weights": ([], [*W3, *X3]),
    "underscores": ([Parameter("_" * n) for n in (1, 2, 3)], [Parameter(c) for c in "abc"]),
}


def turned(inputs, weights):
    """Every angle is of several parameters."""
    p = [*inputs, *weights]
    circuit = QuantumCircuit(1, global_phase=sum(p))
    circuit.ry(p[0] + 2 * p[1] - p[2], 0)
    circuit.rx(p[3] * p[4] + p[5] + p[0], 0)
    circuit.ry((p[1] * p[5]).sin() + p[2], 0)
    return Ansatz(circuit, tuple(inputs), tuple(weights), Z)


@pytest.mark.parametrize("names", NAMES)
def test_any_names_of_parameters(names):
    ansatz = turned(*NAMES[names])
    rows = np.random.default_rng(0).uniform(-2, 2, (2, 6))
    rows[:, len(ansatz.inputs) :] = rows[0, len(ansatz.inputs) :]
    x, w = rows[:, : len(ansatz.inputs)], rows[0, len(ansatz.inputs) :]
    order = [*ansatz.inputs, *ansatz.weights]
    right = [
        Statevector(
            ansatz.circuit.assign_parameters(dict(zip(order, row, strict=True)))
        ).expectation_value(Z[0])
        for row in rows
    ]
    layers = [
        engine_layer(ansatz),
        engine_layer(ansatz, NoiseModel()),
        estimator_layer(ansatz, StatevectorEstimator(), 0.0),
    ]
    slopes = []
    for layer in layers:
        values = layer.neural_network.forward(x if x.size else None, w)
        np.testing.assert_allclose(values[:, 0], np.real(right)[: len(values)], atol=1e-12)
        slopes.append(layer.neural_network.backward(x if x.size else None, w))
        assert layer.neural_network.circuit == ansatz.circuit  # with the caller's parameters
    for others in slopes[1:]:
        for mine, theirs in zip(slopes[0], others, strict=True):
            assert (mine is None) == (theirs is None)
            if mine is not None:
                np.testing.assert_allclose(mine, theirs, atol=1e-10)


def test_a_parameter_that_the_circuit_has_lost_changes_nothing():
    x, w = ParameterVector("x", 2), ParameterVector("w", 2)
    circuit = QuantumCircuit(1)
    circuit.ry(x[1] + w[0], 0)
    ansatz = Ansatz(circuit, tuple(x), tuple(w), Z)
    for layer in (engine_layer(ansatz), estimator_layer(ansatz, StatevectorEstimator(), 0.0)):
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([0.4, 0.9]))
        row = torch.tensor([[5.0, 0.3]], requires_grad=True)
        value = layer(row)
        assert value.item() == pytest.approx(np.cos(0.7), abs=1e-6)
        value.sum().backward()
        slope = -np.sin(0.7)
        np.testing.assert_allclose(row.grad, [[0, slope]], atol=1e-6)
        np.testing.assert_allclose(layer.weight.grad, [slope, 0], atol=1e-6)


def test_a_parameter_that_nobody_listed_is_named():
    circuit = QuantumCircuit(1)
    circuit.ry(X3[0] + Parameter("other"), 0)
    ansatz = Ansatz(circuit, (X3[0],), (), Z)
    for make in (engine_layer, lambda a: estimator_layer(a, StatevectorEstimator(), 0.0)):
        with pytest.raises(UserError, match="'other' of the circuit is neither input nor weight"):
            make(ansatz)


def test_nothing_to_measure_is_refused():
    circuit = QuantumCircuit(1)
    circuit.ry(X3[0], 0)
    for make in (engine_layer, lambda a: estimator_layer(a, StatevectorEstimator(), 0.0)):
        with pytest.raises(UserError, match="at least one observable"):
            make(Ansatz(circuit, (X3[0],), (), ()))
    for noise in (None, NoiseModel()):
        with pytest.raises(UserError, match="one qubit and one observable"):
            compile_circuit(Ansatz(circuit, (X3[0],), (), ()), noise=noise)
        with pytest.raises(UserError, match="one qubit and one observable"):
            EngineEstimator(noise).run([(QuantumCircuit(0), "")]).result()
    with pytest.raises(UserError, match="no qubits"):
        NoisyEstimator(NoiseModel(), 0.0, np.random.default_rng(0)).run(
            [(QuantumCircuit(0), "")]
        ).result()


def test_the_emulator_takes_parameters_of_its_own_names():
    p = ParameterVector("p", 4)
    circuit = QuantumCircuit(2, 2)
    circuit.rz(p[3] + p[0], 1)
    circuit.rz(p[1] * p[2] + p[3], 1)
    circuit.measure(1, 1)
    (part,) = split(circuit)
    values = np.array([0.1, 0.2, 0.3, 0.4])
    small = part.circuit.assign_parameters(values[list(part.columns)])
    assert [float(item.operation.params[0]) for item in small.data] == pytest.approx([0.5, 0.46])
