"""The engine for users of plain Qiskit: what they have goes in, what they know comes out."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from qiskit_machine_learning.algorithms import NeuralNetworkClassifier
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN
from qiskit_machine_learning.optimizers import L_BFGS_B

import qhu

PUBLIC = ("EngineEstimator", "EngineGradient", "NoisyEstimator", "engine_layer")


def network(estimator=None, gradient=None, **settings) -> EstimatorQNN:
    estimator = estimator or StatevectorEstimator()
    encoding, trained = zz_feature_map(3), real_amplitudes(3, reps=1)
    return EstimatorQNN(
        circuit=encoding.compose(trained),
        input_params=encoding.parameters,
        weight_params=trained.parameters,
        observables=[SparsePauliOp("ZII"), SparsePauliOp(["XXI", "IIY"], [0.5, 2.0])],
        estimator=estimator,
        gradient=gradient or ParamShiftEstimatorGradient(estimator),
        default_precision=0.0,
        **settings,
    )


def test_the_public_names_of_the_engine_bring_no_more_of_qhu():
    names = ", ".join(PUBLIC)
    code = f"from qhu import {names}; import json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    rooms = {module.split(".")[1] for module in loaded if module.startswith("qhu.")}
    assert rooms <= {"engine", "errors", "estimators", "layout"}
    assert not loaded & {"pandas", "pydantic", "matplotlib", "distributed", "qiskit_ibm_runtime"}


def test_a_layer_is_what_torch_connector_makes_of_a_network():
    stock = network(input_gradients=True)
    start = np.linspace(-1, 1, stock.num_weights)
    theirs, ours = TorchConnector(stock, start).double(), qhu.engine_layer(stock, None, start)
    ours = ours.double()
    assert isinstance(ours, TorchConnector)
    assert ours.neural_network is stock
    ours.load_state_dict(theirs.state_dict())
    rows = torch.rand(4, 3, dtype=torch.float64)
    results = []
    for layer in (theirs, ours):
        inputs = rows.clone().requires_grad_()
        outputs = layer(inputs)
        outputs.square().sum().backward()
        results.append([outputs.detach(), layer.weight.grad, inputs.grad])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, check_dtype=False, atol=1e-6, rtol=1e-6)


def test_a_classifier_learns_the_same():
    estimator = qhu.EngineEstimator()
    rows = np.random.default_rng(0).uniform(-1, 1, (6, 3))
    labels = np.where(rows[:, 0] > 0, 1.0, -1.0)
    encoding, trained = zz_feature_map(3), real_amplitudes(3, reps=1)
    losses = []
    stock = StatevectorEstimator()
    for used, gradient in [
        (stock, ParamShiftEstimatorGradient(stock)),
        (estimator, qhu.EngineGradient(estimator)),
    ]:
        qnn = EstimatorQNN(
            circuit=encoding.compose(trained),
            input_params=encoding.parameters,
            weight_params=trained.parameters,
            estimator=used,
            gradient=gradient,
            default_precision=0.0,
        )
        seen = []
        NeuralNetworkClassifier(
            qnn,
            optimizer=L_BFGS_B(maxiter=3),
            initial_point=np.full(qnn.num_weights, 0.1),
            callback=lambda weights, loss, seen=seen: seen.append(loss),
        ).fit(rows, labels)
        losses.append(seen)
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


@pytest.fixture(scope="module")
def native():
    """A circuit in the gates of a device of five qubits, laid out observables, values."""
    circuit = real_amplitudes(3, reps=1)
    isa = transpile(circuit, FakeManilaV2(), optimization_level=1, seed_transpiler=0)
    observables = [SparsePauliOp(label).apply_layout(isa.layout) for label in ("ZZI", "IXY")]
    return isa, observables, np.linspace(0, 2, circuit.num_parameters)


def evs(estimator, circuit, observables, values):
    (result,) = estimator.run([(circuit, observables, values)]).result()
    return result.data.evs


def test_noise_by_name_by_backend_and_by_model(native):
    sources = ["fake_manila", "ibm_manila", FakeManilaV2(), NoiseModel.from_backend(FakeManilaV2())]
    by_name, *others = [evs(qhu.NoisyEstimator(source), *native) for source in sources]
    ideal = evs(qhu.EngineEstimator(), *native)
    assert np.abs(by_name - ideal).max() > 1e-3
    for other in others:
        np.testing.assert_allclose(other, by_name, atol=1e-7)


@pytest.mark.parametrize("places", [[0, 1, 2, 3, 4], [70, 3, 12, 99, 41]])
def test_idle_qubits_of_a_device_are_left_out(native, places):
    """The same circuit somewhere on a hundred qubits, under noise that is the same there."""
    circuit, observables, values = native
    model = NoiseModel.from_backend(FakeManilaV2(), thermal_relaxation=False)
    elsewhere = NoiseModel(basis_gates=model.basis_gates)
    for name, errors in model._local_quantum_errors.items():
        for qubits, error in errors.items():
            elsewhere.add_quantum_error(error, name, [places[q] for q in qubits])
    for qubits, error in model._local_readout_errors.items():
        elsewhere.add_readout_error(error, [places[q] for q in qubits])
    wide = QuantumCircuit(100)
    wide.compose(circuit, places, inplace=True)
    laid = [observable.apply_layout(places, 100) for observable in observables]
    expected = evs(qhu.NoisyEstimator(model), circuit, observables, values)
    found = evs(qhu.NoisyEstimator(elsewhere), wide, laid, values)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_shots_are_drawn_from_a_number(native):
    first, second = (evs(qhu.NoisyEstimator("fake_manila", 0.1, seed=1), *native) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert first.tolist() != evs(qhu.NoisyEstimator("fake_manila"), *native).tolist()


def test_a_circuit_of_other_gates_would_have_no_noise_and_is_refused():
    circuit = real_amplitudes(3, reps=1)
    pub = circuit, "ZZZ", np.zeros(circuit.num_parameters)
    with pytest.raises(qhu.UserError, match=r"'ry' is no gate of the device.*transpile"):
        qhu.NoisyEstimator("fake_manila").run([pub])
    with pytest.raises(qhu.UserError, match="fake_nowhere"):
        qhu.NoisyEstimator("fake_nowhere")
