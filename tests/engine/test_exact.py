"""The exact programs against Qiskit's own simulation."""

from itertools import product

import numpy as np
import pytest
import torch
from engine_circuits import ansatzes, bound, ring, values, z_observables
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit.library import UnitaryGate, efficient_su2, real_amplitudes, zz_feature_map
from qiskit.quantum_info import SparsePauliOp, Statevector, random_unitary

from qhu.engine.angles import Parameters
from qhu.engine.ansatz import Ansatz
from qhu.engine.gates import elementary_gates
from qhu.engine.heisenberg import HeisenbergProgram
from qhu.engine.program import compile_circuit
from qhu.engine.schedule import exact_levels
from qhu.engine.statevector import StatevectorProgram
from qhu.engine.unitary import UnitaryProgram
from qhu.errors import UserError


def reference(ansatz: Ansatz, inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Expectation values from Qiskit's ``Statevector``, sample by sample."""
    rows = []
    for sample in inputs:
        state = Statevector(bound(ansatz, [*sample, *weights]))
        rows.append([state.expectation_value(o).real for o in ansatz.observables])
    return np.array(rows)


def assert_exact(ansatz: Ansatz, seed: int = 0) -> None:
    inputs, weights = values(ansatz, 3, seed)
    program = compile_circuit(ansatz, dtype=torch.complex128)
    ours = program(torch.from_numpy(inputs), torch.from_numpy(weights)).numpy()
    np.testing.assert_allclose(ours, reference(ansatz, inputs, weights), atol=1e-10)


@settings(deadline=None, max_examples=80)
@given(ansatzes(), st.integers(0, 99))
def test_random_circuits(ansatz: Ansatz, seed: int) -> None:
    assert_exact(ansatz, seed)


@pytest.mark.parametrize(
    ("num_qubits", "layers", "kind"),
    [
        (1, 1, HeisenbergProgram),
        (4, 2, HeisenbergProgram),
        (4, 4, UnitaryProgram),
        (7, 3, HeisenbergProgram),
        (6, 4, StatevectorProgram),
        (11, 5, StatevectorProgram),
    ],
)
def test_ring_on_each_program(num_qubits: int, layers: int, kind: type) -> None:
    ansatz = ring(num_qubits, layers)
    assert isinstance(compile_circuit(ansatz), kind)
    assert_exact(ansatz)


@pytest.mark.parametrize("num_qubits", [3, 6])
def test_library_circuits_with_products_of_parameters(num_qubits: int) -> None:
    encoding = zz_feature_map(num_qubits, reps=2)
    for trained in (real_amplitudes(num_qubits, reps=2), efficient_su2(num_qubits, reps=1)):
        circuit = encoding.compose(trained)
        observables = (
            SparsePauliOp.from_list([("X" * num_qubits, 0.5), ("Z" * num_qubits, 1.0)]),
            SparsePauliOp("Y" + "I" * (num_qubits - 1)),
        )
        inputs, weights = tuple(encoding.parameters), tuple(trained.parameters)
        assert_exact(Ansatz(circuit, inputs, weights, observables))


@pytest.mark.parametrize(
    ("num_qubits", "entanglement"),
    [*product([4, 6], ["linear", "reverse_linear", "circular", "full"]), (13, "circular")],
)
def test_ladders_of_cx(num_qubits: int, entanglement: str) -> None:
    """Reordered amplitudes on every program, between phases of inputs and of weights."""
    x = ParameterVector("x", num_qubits)
    circuit = QuantumCircuit(num_qubits)
    for q, angle in enumerate(x):
        circuit.h(q)
        circuit.p(angle, q)
    circuit.cx(range(num_qubits - 1), range(1, num_qubits))
    circuit.rzz(x[0] * x[1] + 0.3, 0, 2)
    circuit.rz(x[1], 1)
    trained = real_amplitudes(num_qubits, reps=2, entanglement=entanglement)
    observables = SparsePauliOp("XYZ" + "I" * (num_qubits - 3)), SparsePauliOp("Z" * num_qubits)
    weights = tuple(trained.parameters)
    assert_exact(Ansatz(circuit.compose(trained), tuple(x), weights, observables))


@pytest.mark.parametrize("num_qubits", [4, 6])
def test_second_derivatives_through_cx(num_qubits: int) -> None:
    trained = real_amplitudes(num_qubits, reps=3)
    observable = SparsePauliOp("X" + "Z" * (num_qubits - 1))
    ansatz = Ansatz(trained, (), tuple(trained.parameters), (observable,))
    program = compile_circuit(ansatz, dtype=torch.complex128)
    weights = torch.rand(len(ansatz.weights), dtype=torch.float64, requires_grad=True)

    def value(w: torch.Tensor) -> torch.Tensor:
        return program(w.new_zeros(1, 0), w).sum()

    assert torch.autograd.gradcheck(value, weights)
    shifts = torch.func.hessian(value)(weights.detach())
    reverse = torch.autograd.functional.hessian(value, weights.detach())
    torch.testing.assert_close(shifts, reverse)
    assert torch.autograd.gradgradcheck(value, weights)


def test_a_ladder_of_cx_takes_one_level() -> None:
    trained = real_amplitudes(6, reps=3, entanglement="circular")
    parameters = Parameters((), tuple(trained.parameters))
    assert len(exact_levels(elementary_gates(trained), 6, parameters)) == 4


def test_a_phase_of_inputs_leaves_operators_to_all_samples() -> None:
    encoding = zz_feature_map(5, reps=2)
    parameters = Parameters(tuple(encoding.parameters), ())
    levels = exact_levels(elementary_gates(encoding), 5, parameters)
    assert len(levels) == 2
    assert [row.source for row in levels[1].rows] == [None]
    assert not any(level.flips for level in levels)  # CX P CX is a phase


def test_inputs_entered_again_between_layers() -> None:
    x, w = ParameterVector("x", 3), ParameterVector("w", 9)
    circuit = QuantumCircuit(3)
    for layer in range(3):
        for q in range(3):
            circuit.rx(x[q], q)
            circuit.ry(w[3 * layer + q] * x[q], q)
            circuit.rz(w[3 * layer + q] + x[q], q)
        circuit.cx(0, 1)
        circuit.cx(1, 2)
    assert_exact(Ansatz(circuit, tuple(x), tuple(w), z_observables(3)))


def test_gates_known_only_by_definition() -> None:
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.append(UnitaryGate(random_unitary(4, seed=1)), [0, 2])
    circuit.u(a, b, a + b, 1)
    circuit.crx(a, 0, 1)
    circuit.ccx(0, 1, 2)
    circuit.swap(0, 2)
    circuit.barrier()
    circuit.r(a, b, 2)
    circuit.append(UnitaryGate(random_unitary(2, seed=2)), [1])
    inner = QuantumCircuit(2, name="inner")
    inner.ry(b, 1)
    inner.cy(1, 0)
    circuit.append(inner.to_gate(), [2, 1])
    assert_exact(Ansatz(circuit, (a,), (b,), z_observables(3)))


def test_without_parameters_or_gates() -> None:
    empty = Ansatz(QuantumCircuit(2), (), (), (*z_observables(2), SparsePauliOp("II")))
    program = compile_circuit(empty)
    assert program(torch.zeros(5, 0), torch.zeros(0)).tolist() == [[1.0, 1.0, 1.0]] * 5


def test_default_is_single_precision() -> None:
    ansatz = ring(3, 4)
    inputs, weights = (torch.from_numpy(v) for v in values(ansatz, 2, 0))
    single = compile_circuit(ansatz)(inputs, weights)
    double = compile_circuit(ansatz, dtype=torch.complex128)(inputs.float(), weights.float())
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(single.double(), double, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("num_qubits", "layers"), [(4, 2), (4, 4), (6, 4)])
def test_many_models_at_once(num_qubits: int, layers: int) -> None:
    ansatz = ring(num_qubits, layers)
    program = compile_circuit(ansatz, dtype=torch.complex128)
    inputs = torch.rand(3, 5, len(ansatz.inputs), dtype=torch.float64)
    weights = torch.rand(3, 1, len(ansatz.weights), dtype=torch.float64)
    together = program(inputs, weights)
    alone = torch.stack([program(x, w[0]) for x, w in zip(inputs, weights, strict=True)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)
    shared = program(inputs[0], weights)
    torch.testing.assert_close(shared[1], program(inputs[0], weights[1, 0]), atol=1e-12, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("num_qubits", "layers"), [(4, 2), (4, 4), (6, 4)])
def test_device_follows_the_tensors(num_qubits: int, layers: int) -> None:
    ansatz = ring(num_qubits, layers)
    program = compile_circuit(ansatz, dtype=torch.complex128)
    inputs, weights = (torch.from_numpy(v) for v in values(ansatz, 3, 0))
    found = program(inputs.cuda(), weights.cuda())
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), program(inputs, weights), atol=1e-10, rtol=0)


def test_what_it_cannot_do_is_named() -> None:
    a = Parameter("a")
    measured = QuantumCircuit(1, 1)
    measured.measure(0, 0)
    with pytest.raises(UserError, match="'measure'"):
        compile_circuit(Ansatz(measured, (), (), z_observables(1)))
    unlisted = QuantumCircuit(1)
    unlisted.rx(a.sin(), 0)
    with pytest.raises(UserError, match="'a'"):
        compile_circuit(Ansatz(unlisted, (), (), z_observables(1)))
    with pytest.raises(UserError, match="Hermitian"):
        compile_circuit(Ansatz(QuantumCircuit(1), (), (), (SparsePauliOp("Z", 1j),)))


@pytest.mark.parametrize("noise", [None, object()])
def test_a_circuit_whose_state_no_machine_holds_is_refused(make_ansatz, noise):
    with pytest.raises(UserError, match=r"qubits are simulated .* takes 40: use fewer"):
        compile_circuit(make_ansatz(qubits=40, layers=20), noise=noise)
