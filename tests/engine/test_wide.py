"""Wide circuits: what no observable depends on takes no memory."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from engine_circuits import ansatzes, bound, ring, values, z_observables
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import transpile
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_ibm_runtime.fake_provider import FakeBrisbane

from qhu.engine import cones, diagonal, observables, statevector
from qhu.engine.ansatz import Ansatz
from qhu.engine.cones import ConeProgram
from qhu.engine.estimator import EngineEstimator
from qhu.engine.heisenberg import HeisenbergProgram
from qhu.engine.program import compile_circuit
from qhu.engine.statevector import StatevectorProgram
from qhu.errors import UserError

WINDOW = 9
"""Qubits around one that hold its light cone, with one to spare on both sides."""


def line(num_qubits: int, layers: int, x, w) -> QuantumCircuit:
    """Inputs before every layer, rotations, RZZ on neighbours; ``w`` is (layers, 2, n)."""
    circuit = QuantumCircuit(num_qubits)
    for layer in range(layers):
        for q in range(num_qubits):
            circuit.ry(x[q], q)
            circuit.rx(w[layer][0][q], q)
        for q in range(num_qubits - 1):
            circuit.rzz(w[layer][1][q], q, q + 1)
    return circuit


def expected(circuit: QuantumCircuit, observable: SparsePauliOp) -> float:
    return Statevector(circuit).expectation_value(observable).real


@pytest.mark.parametrize("num_qubits", [30, 60, 100])
@pytest.mark.parametrize(("layers", "kind"), [(2, HeisenbergProgram), (3, ConeProgram)])
def test_wide_shallow_circuits_compile_and_train(num_qubits, layers, kind):
    """Against ``Statevector`` on the neighbourhood of a qubit, gradients by central differences."""
    if kind is HeisenbergProgram:
        ansatz, radius = ring(num_qubits, layers), 4
    else:
        x, w = ParameterVector("x", num_qubits), ParameterVector("w", layers * 2 * num_qubits)
        shaped = np.array(list(w), dtype=object).reshape(layers, 2, num_qubits)
        circuit = line(num_qubits, layers, list(x), shaped)
        ansatz, radius = Ansatz(circuit, tuple(x), tuple(w), z_observables(num_qubits)), 4
    program = compile_circuit(ansatz, dtype=torch.complex128)
    assert isinstance(program, kind)
    inputs, weights = (torch.from_numpy(v).requires_grad_() for v in values(ansatz, 2, 0))
    outputs = program(inputs, weights)
    qubit = num_qubits // 2

    def near(row: np.ndarray) -> float:
        """The same on the qubits around it alone."""
        x, w = row[:num_qubits], row[num_qubits:].reshape(layers, -1, num_qubits)
        window = slice(qubit - radius, qubit + radius + 1)
        if kind is HeisenbergProgram:
            small = ring(WINDOW, layers)
            circuit = bound(small, np.concatenate([x[window], w[:, :, window].ravel()]))
        else:
            circuit = line(WINDOW, layers, x[window], w[:, :, window])
        return expected(circuit, z_observables(WINDOW)[radius])

    rows = np.hstack([inputs.detach().numpy(), np.tile(weights.detach().numpy(), (2, 1))])
    assert outputs[:, qubit].tolist() == pytest.approx([near(row) for row in rows], abs=1e-9)
    outputs[0, qubit].backward()
    for place, gradient in [(qubit, inputs.grad[0]), (num_qubits + qubit - 1, weights.grad)]:
        step = np.eye(len(rows[0]))[place] * 1e-5
        slope = (near(rows[0] + step) - near(rows[0] - step)) / 2e-5
        assert float(gradient[place % num_qubits]) == pytest.approx(slope, abs=1e-7)
    assert weights.grad.isfinite().all()


def test_the_parity_of_a_hundred_qubits():
    x = ParameterVector("x", 100)
    circuit = QuantumCircuit(100)
    for qubit, angle in enumerate(x):
        circuit.rx(angle, qubit)
    circuit.cz(range(99), range(1, 100))
    observables = SparsePauliOp("Z" * 100), SparsePauliOp("I" * 100), SparsePauliOp("ZI" * 50)
    program = compile_circuit(Ansatz(circuit, tuple(x), (), observables), dtype=torch.complex128)
    angles = torch.linspace(-0.3, 0.4, 100, dtype=torch.float64)
    cosines = angles.cos()
    closed = torch.stack([cosines.prod(), torch.ones(()), cosines[1::2].prod()])
    torch.testing.assert_close(program(angles, torch.zeros(0)), closed, check_dtype=False)


def test_sums_over_a_wide_circuit():
    """An observable with terms in many cones, of which one holds several observables."""
    x = ParameterVector("x", 40)
    circuit = QuantumCircuit(40)
    for qubit, angle in enumerate(x):
        circuit.ry(angle, qubit)
    for qubit in range(0, 39, 2):
        circuit.cp(0.3, qubit, qubit + 1)
        circuit.crx(x[qubit], qubit, qubit + 1)
    sums = [
        [("X", [q], 0.1 * (q + 1)) for q in range(40)],
        [("ZZ", [4, 5], 1.0), ("YX", [30, 31], -2.0), ("", [], 0.5)],
        [("ZX", [4, 5], 1.0)],
    ]
    observables = tuple(SparsePauliOp.from_sparse_list(terms, num_qubits=40) for terms in sums)
    program = compile_circuit(Ansatz(circuit, tuple(x), (), observables), dtype=torch.complex128)
    assert isinstance(program, ConeProgram)
    row = np.linspace(-1, 2, 40)

    def pair(q: int, label: str) -> float:
        """A string on qubits q and q + 1, the letter of q last."""
        alone = QuantumCircuit(2)
        alone.ry(row[q], 0)
        alone.ry(row[q + 1], 1)
        alone.cp(0.3, 0, 1)
        alone.crx(row[q], 0, 1)
        return expected(alone, SparsePauliOp(label))

    first = sum(0.1 * (q + 1) * pair(q - q % 2, ["IX", "XI"][q % 2]) for q in range(40))
    closed = [first, pair(4, "ZZ") - 2 * pair(30, "XY") + 0.5, pair(4, "XZ")]
    outputs = program(torch.from_numpy(row), torch.zeros(0, dtype=torch.float64))
    assert outputs.tolist() == pytest.approx(closed, abs=1e-10)


@settings(deadline=None, max_examples=60)
@given(ansatzes(), st.integers(0, 99))
def test_taken_apart_and_folded_it_is_the_same(ansatz: Ansatz, seed: int) -> None:
    """Random circuits with cones of any size, and with tables that reach over one qubit."""
    inputs, weights = (torch.from_numpy(v) for v in values(ansatz, 3, seed))
    whole = compile_circuit(ansatz, dtype=torch.complex128)(inputs, weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cones, "LAUNCH_QUBITS", 0)
        for module in (diagonal, observables):
            patch.setattr(module, "TABLE_QUBITS", 1)
        apart = compile_circuit(ansatz, dtype=torch.complex128)(inputs, weights)
    torch.testing.assert_close(apart, whole, atol=1e-10, rtol=0)


def test_a_deep_circuit_wider_than_its_tables():
    ansatz = ring(14, 4)
    program = compile_circuit(
        replace(ansatz, observables=(*ansatz.observables[:2], SparsePauliOp("XY" * 7))),
        dtype=torch.complex128,
    )
    assert isinstance(program, StatevectorProgram)
    inputs, weights = values(ansatz, 1, 0)
    state = Statevector(bound(ansatz, [*inputs[0], *weights]))
    wanted = [*ansatz.observables[:2], SparsePauliOp("XY" * 7)]
    outputs = program(torch.from_numpy(inputs), torch.from_numpy(weights))[0]
    exact = [state.expectation_value(observable).real for observable in wanted]
    assert outputs.tolist() == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize(("num_qubits", "layers"), [(24, 2), (18, 3)])
def test_compiling_takes_little_memory(num_qubits, layers):
    ansatz = ring(num_qubits, layers)
    tracemalloc.start()
    try:
        compile_circuit(ansatz)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200e6


def test_a_batch_that_the_machine_cannot_hold_is_refused(monkeypatch):
    ansatz = ring(6, 4)
    program = compile_circuit(ansatz)
    rows, weights = (torch.from_numpy(v) for v in values(ansatz, 100, 0))
    monkeypatch.setattr(statevector, "memory", lambda: 2**16)
    with torch.no_grad():
        program(rows, weights)
        with pytest.raises(UserError, match=r"states of 800 samples on 6 qubits take .*smaller"):
            program(rows.repeat(8, 1), weights)
    with pytest.raises(UserError, match="states of 100 samples on 6 qubits take"):
        program(rows, weights)  # for a gradient they are kept


def test_observables_under_noise_that_no_machine_holds_are_refused():
    with pytest.raises(UserError, match="14 observables on 14 qubits take 28 GiB under noise"):
        compile_circuit(ring(14, 2), noise=object())


def test_idle_qubits_of_a_device_take_no_memory():
    circuit = efficient_su2(4, reps=2)
    native = transpile(circuit, FakeBrisbane(), optimization_level=1, seed_transpiler=0)
    observable = SparsePauliOp(["ZZII", "XYZI"], [0.5, 2.0])
    row = np.linspace(0, 2, circuit.num_parameters)
    wide = (native, observable.apply_layout(native.layout), row)
    (result,) = EngineEstimator().run([wide]).result()
    assert native.num_qubits == 127
    assert float(result.data.evs) == pytest.approx(
        expected(circuit.assign_parameters(row), observable), abs=1e-9
    )


def test_tables_that_no_machine_holds_are_refused(monkeypatch):
    monkeypatch.setattr(observables, "MAX_TABLE_BYTES", 2**30)
    random = np.random.default_rng(0)
    strings = ["".join(random.choice(list("XYZ"), 13)) for _ in range(200)]
    measured = (SparsePauliOp(strings),) * 200
    with pytest.raises(UserError, match=r"1\.2 GiB of tables, more than 1\.0: measure fewer"):
        compile_circuit(replace(ring(13, 8), observables=measured))
