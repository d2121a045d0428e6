"""The noisy program against Aer's density-matrix simulation, readout errors included."""

import pickle

import numpy as np
import pytest
import torch
from engine_circuits import ring, values, z_observables
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import transpile
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
    thermal_relaxation_error,
)
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.program import compile_circuit
from qhu.errors import UserError


def noise_model(seed: int, num_qubits: int) -> NoiseModel:
    """Errors of several kinds: on all qubits, on one, on an ordered pair, of the readout."""
    rng = np.random.default_rng(seed)
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.03, 1), ["sx", "x"])
    model.add_quantum_error(amplitude_damping_error(rng.uniform(0, 0.2)), ["sx"], [0])
    model.add_quantum_error(pauli_error([("Y", 0.05), ("I", 0.95)]), ["rx"], [0])
    relaxation = thermal_relaxation_error(50e-6, 70e-6, 1e-6)
    pair = depolarizing_error(0.05, 2).compose(relaxation.tensor(amplitude_damping_error(0.1)))
    model.add_all_qubit_quantum_error(pair, ["ecr", "cz"])
    if num_qubits > 1:
        correlated = pauli_error([("XZ", 0.1), ("IY", 0.05), ("II", 0.85)])
        model.add_quantum_error(correlated, ["ecr"], [1, 0])
    model.add_all_qubit_readout_error(ReadoutError([[0.97, 0.03], [0.06, 0.94]]))
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.02, 0.98]]), [0])
    return model


@st.composite
def native_circuits(draw: st.DrawFn) -> Ansatz:
    """Random circuits of native gates with inputs and weights anywhere, also in one angle."""
    n = draw(st.integers(1, 5))
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    symbols = [*x, *w]
    circuit = QuantumCircuit(n)
    qubits = st.permutations(range(n)).map(lambda order: order[:2])
    for _ in range(draw(st.integers(1, 20))):
        a, *rest = draw(qubits)
        kind = draw(st.sampled_from(["rz", "rx", "sx", "x", "ecr", "cz"][: 6 if n > 1 else 4]))
        if kind in ("rz", "rx"):
            first, second = draw(st.sampled_from(symbols)), draw(st.sampled_from(symbols))
            getattr(circuit, kind)(draw(st.sampled_from([first, first + 0.5 * second - 1, 0.3])), a)
        elif kind in ("sx", "x"):
            getattr(circuit, kind)(a)
        else:
            getattr(circuit, kind)(a, rest[0])
    labels = st.text(alphabet="IZ", min_size=n, max_size=n)
    terms = st.dictionaries(labels, st.sampled_from([1.0, -0.5]), min_size=1, max_size=2)
    observables = [
        SparsePauliOp.from_list(list(o.items()))
        for o in draw(st.lists(terms, min_size=1, max_size=3))
    ]
    return Ansatz(circuit, tuple(x), tuple(w), tuple(observables))


def aer_values(
    ansatz: Ansatz, noise: NoiseModel, inputs: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Expectation values from Aer's probabilities, after the readout."""
    n = ansatz.circuit.num_qubits
    simulator = AerSimulator(method="density_matrix", noise_model=noise, zero_threshold=0.0)
    readout = readout_matrices(noise, n)
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    rows = []
    for sample in inputs:
        binding = dict(zip(ansatz.inputs, sample, strict=True))
        binding |= dict(zip(ansatz.weights, weights, strict=True))
        used = {p: v for p, v in binding.items() if p in ansatz.circuit.parameters}
        circuit = ansatz.circuit.assign_parameters(used)
        circuit.save_probabilities()
        found = simulator.run(circuit).result().data()["probabilities"].reshape([2] * n)
        for qubit in range(n):
            axis = n - 1 - qubit
            found = np.moveaxis(np.tensordot(found, readout[qubit], axes=(axis, 0)), -1, axis)
        signs = [
            sum(
                c.real * np.prod(1 - 2 * bits[:, p.z], axis=1)
                for p, c in zip(o.paulis, o.coeffs, strict=True)
            )
            for o in ansatz.observables
        ]
        rows.append([found.reshape(-1) @ sign for sign in signs])
    return np.array(rows)


def readout_matrices(noise: NoiseModel, num_qubits: int) -> list[np.ndarray]:
    matrices = [np.eye(2)] * num_qubits
    errors = [e for e in noise.to_dict()["errors"] if e["type"] == "roerror"]
    for error in sorted(errors, key=lambda e: "gate_qubits" in e):
        for (qubit,) in error.get("gate_qubits", [(q,) for q in range(num_qubits)]):
            matrices[qubit] = np.array(error["probabilities"])
    return matrices


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
    circuit = QuantumCircuit(2)
    circuit.rzz(ParameterVector("w", 1)[0], 0, 1)
    ansatz = Ansatz(circuit, (), tuple(circuit.parameters), z_observables(2))
    with pytest.raises(UserError, match="'rzz'"):
        compile_circuit(ansatz, noise=NoiseModel())
    idle = QuantumCircuit(1)
    idle.delay(100, 0)
    with pytest.raises(UserError, match="'delay'"):
        compile_circuit(Ansatz(idle, (), (), z_observables(1)), noise=NoiseModel())
    correlated = NoiseModel()
    correlated.add_readout_error(ReadoutError(np.full((4, 4), 0.25)), [0, 1])
    with pytest.raises(UserError, match="correlated"):
        compile_circuit(ring(2, 1), noise=correlated)
