"""States, their quantum Fisher information and entanglement, against Qiskit and closed forms."""

import numpy as np
import pytest
import torch
from engine_circuits import ansatzes, bound, ring, values
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Statevector, random_statevector
from qiskit.quantum_info import concurrence as wootters
from qiskit_machine_learning.gradients import QFI, LinCombQGT

from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.program import compile_circuit
from qhu.engine.states import compile_states, concurrence, quantum_fisher
from qhu.errors import UserError
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec

DOUBLE = torch.float64


def tensors(ansatz, samples, seed=0):
    return tuple(torch.from_numpy(part) for part in values(ansatz, samples, seed))


def assert_states(found, circuits):
    """Equal up to a global phase each."""
    for psi, circuit in zip(found.numpy(), circuits, strict=True):
        expected = Statevector(circuit).data
        aligned = psi * np.exp(1j * np.angle(np.vdot(psi, expected)))
        np.testing.assert_allclose(aligned, expected, atol=1e-10)


@settings(deadline=None, max_examples=60)
@given(ansatzes(), st.integers(0, 99))
def test_states_are_qiskits(ansatz, seed):
    inputs, weights = tensors(ansatz, 3, seed)
    found = compile_states(ansatz)(inputs, weights)
    assert found.dtype == torch.complex128
    assert_states(found, [bound(ansatz, [*x, *weights.numpy()]) for x in inputs.numpy()])


@pytest.mark.parametrize("rest", ["kept", "compiled as one"])
@pytest.mark.parametrize(("qubits", "features"), [(2, 3), (4, 16), (6, 64)])
def test_states_prepared_from_rows_are_qiskits(qubits, features, rest):
    ansatz = build_ansatz(ModelSpec(encoding={"name": "amplitude", "pad": 0}, layers=2), features)
    weights = torch.linspace(-3, 3, len(ansatz.weights), dtype=DOUBLE)
    rows = torch.randn(3, features, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    expected = []
    for row in rows.numpy():
        circuit = QuantumCircuit(qubits)
        filled = np.pad(row, (0, 2**qubits - features))
        circuit.initialize(filled / np.linalg.norm(filled))
        trained = dict(zip(ansatz.weights, weights.tolist(), strict=True))
        expected.append(circuit.compose(ansatz.rest.assign_parameters(trained)))
    whole = Ansatz(ansatz.circuit, ansatz.inputs, ansatz.weights, (), (), ansatz.preparation)
    program = compile_states(ansatz if rest == "kept" else whole)
    assert_states(program(rows, weights), expected)


def test_a_circuit_without_parameters_and_one_without_gates():
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    for circuit in (bell, QuantumCircuit(3)):
        found = compile_states(Ansatz(circuit, (), (), ()))(torch.zeros(2, 0), torch.zeros(0))
        assert_states(found, [circuit] * 2)


@pytest.mark.parametrize(("qubits", "layers"), [(3, 1), (4, 4), (6, 2)])
def test_a_stack_of_models_and_observables_of_its_states(qubits, layers):
    ansatz = ring(qubits, layers)
    inputs = torch.rand(3, 5, qubits, dtype=DOUBLE)
    weights = torch.rand(3, 1, len(ansatz.weights), dtype=DOUBLE)
    found = compile_states(ansatz)(inputs, weights)
    assert found.shape == (3, 5, 2**qubits)
    signs = torch.tensor([[1 - 2 * (k >> q & 1) for k in range(2**qubits)] for q in range(qubits)])
    expected = compile_circuit(ansatz, dtype=torch.complex128)(inputs, weights)
    torch.testing.assert_close(found.abs().square() @ signs.mT.to(DOUBLE), expected)


def test_what_has_no_states_is_refused_in_a_line():
    wide = Ansatz(QuantumCircuit(40), (), (), ())
    with pytest.raises(UserError, match=r"state vectors are held of up to 28 qubits, .* has 40"):
        compile_states(wide)
    with pytest.raises(UserError, match="at least one qubit"):
        compile_states(Ansatz(QuantumCircuit(0), (), (), ()))
    with pytest.raises(UserError, match="under noise has no state vectors"):
        engine_layer(ring(2, 1), noise=object()).states()


def test_layers_end_before_the_first_weight_of_the_next():
    spec = ModelSpec(layers=3, entanglement="linear")
    ansatz = build_ansatz(spec, 3)
    inputs, weights = tensors(ansatz, 1)
    for layers in (0, 1, 2, 3):
        shallow = build_ansatz(ModelSpec(layers=max(layers, 1), entanglement="linear"), 3)
        trained = weights[: len(shallow.weights)] * min(layers, 1)
        expected = bound(shallow, [*inputs[0], *trained])
        if not layers:  # what stays of a layer at angles of zero are its CZ
            expected.cz([0, 1], [1, 2])
        assert_states(compile_states(ansatz.until(layers))(inputs, weights), [expected])
    prepared = build_ansatz(ModelSpec(encoding="amplitude", layers=2), 4)
    psi = compile_states(prepared.until(0))(torch.eye(4, dtype=DOUBLE), torch.zeros(12).double())
    torch.testing.assert_close(psi.abs().real, torch.eye(4, dtype=DOUBLE))


# Quantum Fisher information


def fidelity_loss(program, x, weights, step):
    """1 - F of the states at w - step/2 and w + step/2."""
    before, after = (program(x, weights + sign * step / 2) for sign in (-1, 1))
    return 1 - (before.conj() * after).sum(-1).abs().square()


@settings(deadline=None, max_examples=25)
@given(ansatzes(max_qubits=4), st.integers(0, 99))
def test_the_information_is_the_curvature_of_the_fidelity(ansatz, seed):
    inputs, weights = tensors(ansatz, 4, seed)
    program = compile_states(ansatz)
    single = quantum_fisher(program, inputs.unsqueeze(1), weights)  # of each row alone
    step = torch.from_numpy(np.random.default_rng(seed).normal(size=len(weights))) * 1e-3
    expected = fidelity_loss(program, inputs, weights, step)
    torch.testing.assert_close(step @ single @ step / 4, expected, atol=3e-11, rtol=1e-4)
    torch.testing.assert_close(quantum_fisher(program, inputs, weights), single.mean(0))
    assert torch.linalg.eigvalsh(single).min() > -1e-9
    torch.testing.assert_close(single, single.mT)


def test_the_information_is_that_of_qiskit_machine_learning():
    ansatz = ring(2, 2)
    inputs, weights = tensors(ansatz, 2)
    found = quantum_fisher(compile_states(ansatz), inputs.unsqueeze(1), weights)
    theirs = QFI(LinCombQGT(StatevectorEstimator(default_precision=0.0)))
    for row, own in zip(inputs.numpy(), found, strict=True):
        circuit = ansatz.circuit.assign_parameters(dict(zip(ansatz.inputs, row, strict=True)))
        order = [ansatz.weights.index(parameter) for parameter in circuit.parameters]
        expected = theirs.run([circuit], [weights.numpy()[order]]).result().qfis[0]
        np.testing.assert_allclose(own.numpy()[np.ix_(order, order)], expected, atol=1e-8)


def test_closed_forms_a_turn_about_another_axis_has_information_one_about_its_own_none():
    w = ParameterVector("w", 3)
    circuit = QuantumCircuit(2)
    circuit.rz(w[0], 0)  # |0> stays
    circuit.ry(w[1], 0)
    circuit.ry(w[2] * 2, 1)
    program = compile_states(Ansatz(circuit, (), tuple(w), ()))
    found = quantum_fisher(program, torch.zeros(3, 0), torch.tensor([0.3, 0.4, 0.5]).double())
    torch.testing.assert_close(found, torch.diag(torch.tensor([0.0, 1.0, 4.0]).double()))


@settings(deadline=None, max_examples=15)
@given(ansatzes(max_qubits=3), st.integers(0, 99))
def test_no_measurement_has_more_information(ansatz, seed):
    """Braunstein and Caves: F of the states minus that of the outcomes is positive semidefinite."""
    inputs, weights = tensors(ansatz, 1, seed)
    program = compile_states(ansatz)

    def outcomes(w):
        return program(inputs[0], w).abs().square()

    p, slope = outcomes(weights), torch.func.jacfwd(outcomes)(weights)
    seen = p > 1e-9
    classical = (slope[seen] / p[seen, None]).mT @ slope[seen]
    rest = quantum_fisher(program, inputs, weights) - classical
    assert torch.linalg.eigvalsh(rest).min() > -1e-6


@pytest.mark.parametrize("rows", [1, 100_000_000])
def test_stacks_and_portions_give_what_one_by_one_gives(rows, monkeypatch):
    monkeypatch.setattr("qhu.engine.states.NUMBERS_AT_ONCE", rows)
    ansatz = ring(3, 2)
    program = compile_states(ansatz)
    inputs, weights = torch.rand(4, 5, 3).double(), torch.rand(4, len(ansatz.weights)).double()
    alone = [quantum_fisher(program, x, w) for x, w in zip(inputs, weights, strict=True)]
    torch.testing.assert_close(quantum_fisher(program, inputs, weights), torch.stack(alone))
    shared = quantum_fisher(program, inputs[0], weights)
    torch.testing.assert_close(shared[0], alone[0])


# Entanglement


def test_closed_forms_of_the_concurrence():
    bell = torch.tensor([1, 0, 0, 1], dtype=torch.complex128) / 2**0.5
    ghz, w = torch.zeros(16, dtype=torch.complex128), torch.zeros(8, dtype=torch.complex128)
    ghz[[0, -1]] = 0.5**0.5
    w[[1, 2, 4]] = 3**-0.5
    for state, expected in ((bell, 1), (ghz, 1), (w, 8**0.5 / 3), (bell[:2] * 2**0.5, 0)):
        assert concurrence(state).item() == pytest.approx(expected, abs=1e-7)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_of_two_qubits_it_is_wootters_and_local_gates_leave_it(seed):
    state, other = random_statevector(4, seed), random_statevector(2, seed)
    psi = torch.from_numpy(np.stack([state.data, np.kron(other.data, other.data)]))
    expected = [wootters(state), 0]
    np.testing.assert_allclose(concurrence(psi).numpy(), expected, atol=1e-7)
    turned = QuantumCircuit(3)
    turned.u(0.3, seed, 1.1, 0)
    turned.u(1.3, 0.2, seed, 2)
    three = random_statevector(8, seed)
    both = [torch.from_numpy(psi.data) for psi in (three, three.evolve(turned))]
    torch.testing.assert_close(concurrence(both[0]), concurrence(both[1]))
