"""States prepared from rows, against Qiskit's ``initialize`` and finite differences."""

import pickle

import numpy as np
import pytest
import torch
from engine_circuits import bound
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import DensityMatrix, Statevector
from qiskit_aer import AerSimulator
from torch.func import grad, hessian, jacrev, vmap

from qhu.backends.aer import AerBackend, Options
from qhu.compare.twin import GATES, NoiseOfKind
from qhu.engine.connector import engine_layer
from qhu.engine.preparation import Amplitudes
from qhu.engine.program import compile_circuit
from qhu.errors import UserError
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec

NUMBERS = st.one_of(st.just(0.0), st.floats(-3, 3).filter(lambda number: abs(number) > 1e-3))
ROWS = st.lists(NUMBERS, min_size=1, max_size=17).filter(any)
ODD = torch.tensor([[0.3, 0, -1.2, 0], [0, 0, 0, -2.0], [0, 0.5, 0, 0], [-1, 1, -1, 1.0]]).double()
"""Rows with zeros, empty halves and negative entries."""


def initialised(row, pad=0.0):
    """Qiskit's circuit that prepares the row."""
    qubits = max(1, int(np.ceil(np.log2(len(row)))))
    filled, circuit = np.full(2**qubits, pad), QuantumCircuit(qubits)
    filled[: len(row)] = row
    circuit.initialize(filled / np.linalg.norm(filled))
    return circuit


def layer(qubits, layers=2, **options):
    outputs = ["Z" + "." * (qubits - 1), "." * (qubits - 1) + "X", "Y" * qubits]
    spec = ModelSpec(encoding="amplitude", observables=outputs, layers=layers, **options)
    return build_ansatz(spec, 2**qubits)


def drawn(ansatz, samples, seed=0):
    """Rows with zeros among them, and weights."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(samples, ansatz.features))
    rows[::2, : ansatz.features // 2] = 0
    return torch.from_numpy(rows), torch.from_numpy(random.uniform(-3, 3, len(ansatz.weights)))


def by_qiskit(ansatz, rows, weights):
    rest = ansatz.rest.assign_parameters(dict(zip(ansatz.weights, weights.tolist(), strict=True)))
    states = [Statevector(initialised(row).compose(rest)) for row in rows.numpy()]
    return np.array([[s.expectation_value(o).real for o in ansatz.observables] for s in states])


@given(ROWS, st.sampled_from([0.0, 0.4, -1.5]))
@settings(max_examples=60, deadline=None)
def test_the_state_and_the_circuit_are_qiskits(numbers, pad):
    preparation, row = Amplitudes(len(numbers), pad), torch.tensor(numbers, dtype=torch.float64)
    expected = Statevector(initialised(row.numpy(), pad)).data
    np.testing.assert_allclose(preparation.state(row).numpy(), expected, atol=1e-12)
    angles = ParameterVector("a", preparation.num_angles)
    circuit = preparation.circuit(list(angles))
    found = Statevector(circuit.assign_parameters(preparation.angles(row).numpy()))
    np.testing.assert_allclose(found.data, expected, atol=1e-12)
    assert set(circuit.count_ops()) <= {"ry", "cx"}
    assert circuit.size() == 2 * preparation.num_angles - 1


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e30])
def test_a_multiple_of_a_row_is_the_same_state_in_single_precision(scale):
    preparation, rows = Amplitudes(4), ODD.float().requires_grad_()
    expected = preparation.state(rows)
    found = preparation.state(scale * rows)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(preparation.angles(scale * rows), preparation.angles(rows))
    slope, other = (torch.autograd.grad(state[:, 2].sum(), rows)[0] for state in (expected, found))
    torch.testing.assert_close(slope, other)


def test_the_state_has_all_derivatives_where_entries_are_zero_or_negative():
    preparation = Amplitudes(4)
    assert torch.autograd.gradcheck(preparation.state, ODD.clone().requires_grad_())
    assert torch.autograd.gradgradcheck(preparation.state, ODD.clone().requires_grad_())


def test_angles_have_finite_derivatives_which_are_right_where_they_exist():
    preparation = Amplitudes(8)
    rows = torch.cat([ODD, ODD.flip(1)], dim=1).requires_grad_()
    first = torch.autograd.grad(preparation.angles(rows).sum(), rows, create_graph=True)[0]
    (second,) = torch.autograd.grad(first.square().sum(), rows)
    assert first.isfinite().all() and second.isfinite().all()
    smooth = drawn(layer(3), 2, seed=1)[0][1:]
    assert torch.autograd.gradcheck(preparation.angles, smooth.requires_grad_())
    assert torch.autograd.gradgradcheck(preparation.angles, smooth.requires_grad_())


MAPPED = {
    "plain": lambda function: function,
    "mapped": vmap,
    "mapped twice": lambda function: vmap(vmap(function)),
    "jacobians": lambda function: vmap(vmap(jacrev(function))),
}


@pytest.mark.parametrize("transform", MAPPED.values(), ids=MAPPED)
@pytest.mark.parametrize("method", ["state", "angles"])
def test_a_row_of_zeros_is_refused_whoever_maps_over_it(transform, method):
    rows = torch.ones(2, 3, 4)
    function = transform(getattr(Amplitudes(4), method))
    function(rows)
    rows[1, 2] = 0
    with pytest.raises(UserError, match="a row of zeros reached the quantum layer"):
        function(rows)


@pytest.mark.parametrize("qubits", [1, 2, 3, 5, 6, 7])
def test_exact_values_are_qiskits(qubits):
    ansatz = layer(qubits)
    rows, weights = drawn(ansatz, 3)
    expected = by_qiskit(ansatz, rows, weights)
    program = compile_circuit(ansatz, dtype=torch.complex128)
    np.testing.assert_allclose(program(rows, weights).numpy(), expected, atol=1e-12)
    single = compile_circuit(ansatz)(rows.float(), weights.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("qubits", [3, 6])
def test_leading_dimensions_broadcast_and_map(qubits):
    ansatz = layer(qubits)
    program = pickle.loads(pickle.dumps(compile_circuit(ansatz, dtype=torch.complex128)))
    rows, weights = drawn(ansatz, 6)
    many = torch.stack([weights, -weights])
    expected = torch.stack([program(rows, w) for w in many])
    models = rows.expand(2, 6, -1)
    for found in (
        program(models, many[:, None]),
        vmap(program)(models, many),
        torch.stack([torch.stack([program(row, w) for row in rows]) for w in many]),
        program(models.unflatten(1, (2, 3)), many[:, None, None]).flatten(1, 2),
    ):
        torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("qubits", [2, 6])
def test_derivatives_by_rows_and_weights(qubits):
    ansatz = layer(qubits)
    program = compile_circuit(ansatz, dtype=torch.complex128)
    rows, weights = (tensor.requires_grad_() for tensor in drawn(ansatz, 2))
    assert torch.autograd.gradcheck(program, (rows, weights), fast_mode=True)
    assert torch.autograd.gradgradcheck(program, (rows, weights), fast_mode=True)
    loss = lambda row, w: program(row, w).square().sum()  # noqa: E731
    each = vmap(grad(loss, argnums=1), in_dims=(0, None))(rows, weights)
    torch.testing.assert_close(each[1], grad(loss, argnums=1)(rows[1], weights))
    curved = hessian(loss, argnums=1)(rows, weights)
    torch.testing.assert_close(curved, curved.T, atol=1e-12, rtol=0)


@pytest.mark.parametrize("qubits", [2, 3])
def test_noisy_values_are_those_of_aers_density_matrix(qubits):
    spec = ModelSpec(encoding="amplitude", layers=1)
    isa = AerBackend("aer", Options(device="fake_brisbane")).isa(build_ansatz(spec, 2**qubits))
    assert isa.ansatz.features == 2**qubits and isa.ansatz.rest is None
    rows, weights = drawn(isa.ansatz, 3)
    program = compile_circuit(isa.ansatz, dtype=torch.complex128, noise=isa.noise)
    expected = []
    for row in rows:
        angles = isa.ansatz.preparation.angles(row)
        circuit = bound(isa.ansatz, torch.cat([angles, weights]).numpy())
        circuit.save_density_matrix()
        simulator = AerSimulator(method="density_matrix", noise_model=isa.noise)
        state = DensityMatrix(simulator.run(circuit).result().data()["density_matrix"])
        expected.append([state.expectation_value(o).real for o in isa.ansatz.observables])
    gates = NoiseOfKind(isa.noise, GATES)
    found = compile_circuit(isa.ansatz, dtype=torch.complex128, noise=gates)(rows, weights)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)
    assert not torch.allclose(program(rows, weights), found, atol=1e-4)
    generic = rows[1:2].requires_grad_()
    assert torch.autograd.gradcheck(program, (generic, weights.requires_grad_()), fast_mode=True)


def test_without_noise_the_gates_are_the_state():
    ansatz = layer(3)
    rows, weights = drawn(ansatz, 3)
    as_gates = engine_layer(ansatz).neural_network.forward(ansatz.values(rows).numpy(), weights)
    np.testing.assert_allclose(as_gates, by_qiskit(ansatz, rows, weights), atol=1e-12)


def test_a_layer_keeps_what_it_was_made_of():
    ansatz = layer(2)
    made = engine_layer(ansatz).double()
    rows, weights = drawn(ansatz, 3)
    expected = by_qiskit(ansatz, rows, weights)
    ansatz.rest.x(0)
    with torch.no_grad():
        made.weight.copy_(weights)
    np.testing.assert_allclose(made(rows).detach().numpy(), expected, atol=1e-12)
    with pytest.raises(UserError, match="takes 4 features, got 3"):
        made(rows[:, :3])
