"""The noisy program against Aer's density-matrix simulation, readout errors included."""

import pickle

import numpy as np
import pytest
import torch
from engine_circuits import ring, values
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy_circuits import aer_outcomes, native_circuits, noise_model
from qiskit import transpile
from qiskit_aer.noise import NoiseModel, ReadoutError
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.program import compile_circuit
from qhu.errors import UserError


def aer_values(
    ansatz: Ansatz, noise: NoiseModel, inputs: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Expectation values (K, M) of observables of I and Z from Aer's probabilities."""
    outcomes = aer_outcomes(ansatz, noise, np.array([[*sample, *weights] for sample in inputs]))
    n = ansatz.circuit.num_qubits
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    signs = [
        sum(
            c.real * np.prod(1 - 2 * bits[:, p.z], axis=1)
            for p, c in zip(o.paulis, o.coeffs, strict=True)
        )
        for o in ansatz.observables
    ]
    return outcomes @ np.transpose(signs)


@settings(deadline=None, max_examples=25)
@given(native_circuits(), st.integers(0, 99))
def test_random_circuits_and_errors(ansatz: Ansatz, seed: int) -> None:
    noise = noise_model(seed, ansatz.circuit.num_qubits)
    inputs, weights = values(ansatz, 2, seed)
    program = compile_circuit(ansatz, dtype=torch.complex128, noise=noise)
    ours = program(torch.from_numpy(inputs), torch.from_numpy(weights)).numpy()
    np.testing.assert_allclose(ours, aer_values(ansatz, noise, inputs, weights), atol=1e-8)


@pytest.fixture(scope="module")
def device_case() -> tuple[Ansatz, NoiseModel]:
    """The ring transpiled to a fake device whose five qubits it uses."""
    backend, ansatz = FakeManilaV2(), ring(5, 2)
    isa = transpile(ansatz.circuit, backend, optimization_level=3, seed_transpiler=1)
    observables = tuple(o.apply_layout(isa.layout) for o in ansatz.observables)
    return Ansatz(isa, ansatz.inputs, ansatz.weights, observables), NoiseModel.from_backend(backend)


def test_fake_device(device_case: tuple[Ansatz, NoiseModel]) -> None:
    ansatz, noise = device_case
    inputs, weights = values(ansatz, 3, 0)
    program = compile_circuit(ansatz, dtype=torch.complex128, noise=noise)
    ours = program(torch.from_numpy(inputs), torch.from_numpy(weights)).numpy()
    np.testing.assert_allclose(ours, aer_values(ansatz, noise, inputs, weights), atol=1e-8)


def test_gradients_under_noise(device_case: tuple[Ansatz, NoiseModel]) -> None:
    ansatz, noise = device_case
    program = compile_circuit(ansatz, dtype=torch.complex128, noise=noise)
    inputs, weights = (torch.from_numpy(v) for v in values(ansatz, 2, 1))
    arguments = (inputs.requires_grad_(), weights.requires_grad_())
    assert torch.autograd.gradcheck(program, arguments, fast_mode=True)
    assert torch.autograd.gradgradcheck(program, arguments, fast_mode=True)


def test_layer_under_noise(device_case: tuple[Ansatz, NoiseModel]) -> None:
    ansatz, noise = device_case
    layer = engine_layer(ansatz, noise).double()
    inputs, weights = values(ansatz, 2, 3)
    layer.weight.data = torch.from_numpy(weights)
    copied = pickle.loads(pickle.dumps(layer))
    expected = aer_values(ansatz, noise, inputs, weights)
    network = copied.neural_network
    np.testing.assert_allclose(network.forward(inputs, weights), expected, atol=1e-8)
    outputs = copied(torch.from_numpy(inputs))
    np.testing.assert_allclose(outputs.detach().numpy(), expected, atol=1e-8)
    outputs.sum().backward()
    jacobian = network.backward(inputs, weights)[1]
    np.testing.assert_allclose(copied.weight.grad, jacobian.sum((0, 1)), atol=1e-10)


def test_no_errors_is_exact() -> None:
    ansatz = ring(3, 2)
    native = transpile(ansatz.circuit, basis_gates=["rz", "sx", "x", "cz"], optimization_level=1)
    noisy = compile_circuit(
        Ansatz(native, ansatz.inputs, ansatz.weights, ansatz.observables),
        dtype=torch.complex128,
        noise=NoiseModel(),
    )
    exact = compile_circuit(ansatz, dtype=torch.complex128)
    inputs, weights = (torch.from_numpy(v) for v in values(ansatz, 3, 2))
    torch.testing.assert_close(noisy(inputs, weights), exact(inputs, weights), atol=1e-10, rtol=0)


def test_what_it_cannot_do_is_named() -> None:
    correlated = NoiseModel()
    correlated.add_readout_error(ReadoutError(np.full((4, 4), 0.25)), [0, 1])
    with pytest.raises(UserError, match="correlated"):
        compile_circuit(ring(2, 1), noise=correlated)
