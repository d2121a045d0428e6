"""A device as a simulator, against Aer's density matrix of the whole circuit."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.errors import ProgramError
from qhu.emulator.machine import Machine, draw
from qhu.emulator.meter import Load, quantum_seconds
from qhu.emulator.parts import split
from qhu.errors import UserError
from qhu.layout.snapshots import snapshot


@pytest.fixture(scope="module")
def machine():
    return Machine(snapshot("fake_manila").target)


def native(circuit):
    layout = list(range(circuit.num_qubits))
    return transpile(circuit, snapshot("fake_manila"), initial_layout=layout, optimization_level=1)


def two_pairs():
    """Pairs 0-1 and 3-4 entangled, qubit 2 alone, read crosswise into two registers."""
    angle, other = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(
        QuantumRegister(5), ClassicalRegister(2, "x"), ClassicalRegister(3, "y")
    )
    for first, parameter in ((0, angle), (3, other)):
        circuit.ry(parameter, first)
        circuit.cx(first, first + 1)
    circuit.ry(2 * angle + other, 2)
    circuit.barrier()
    circuit.measure([4, 0, 2, 1, 3], [0, 1, 2, 3, 4])
    return native(circuit)


def test_the_parts_of_a_circuit():
    found = split(two_pairs())
    assert [part.qubits for part in found] == [(0, 1), (2,), (3, 4)]
    assert [part.columns for part in found] == [(0,), (0, 1), (1,)]
    assert [part.clbits for part in found] == [(1, 3), (2,), (4, 0)]


def test_shots_follow_the_distribution_of_the_whole_circuit(machine):
    circuit, sets, shots = two_pairs(), np.array([[0.7, 1.9], [2.5, 0.3]]), 40_000
    read = machine.run(circuit, sets, shots, np.random.default_rng(0))
    assert {name: bits.shape for name, bits in read.items()} == {
        "x": (2, shots, 2),
        "y": (2, shots, 3),
    }
    simulator = AerSimulator(
        method="density_matrix",
        noise_model=NoiseModel.from_backend(snapshot("fake_manila")),
        seed_simulator=1,
    )
    bits = np.concatenate([read["x"], read["y"]], axis=-1)
    for row, values in enumerate(sets):
        ours = np.bincount(bits[row] @ 2 ** np.arange(5), minlength=32) / shots
        bound = circuit.assign_parameters(values)
        counts = simulator.run(bound, shots=10 * shots).result().get_counts()
        theirs = np.zeros(32)
        for outcome, count in counts.items():
            theirs[int(outcome.replace(" ", ""), 2)] = count / (10 * shots)
        error = np.sqrt(theirs * (1 - theirs) * 1.1 / shots)
        assert np.all(np.abs(ours - theirs) < 4.5 * error + 1e-4)


def test_draws_from_many_rows_at_once():
    outcomes = np.array([[0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [1.0, 0.0, 0.0]])
    drawn = draw(np.repeat(outcomes, [1, 2000, 1], axis=0), 50, np.random.default_rng(0))
    assert np.all(drawn[0] == 1)
    assert np.all(drawn[-1] == 0)
    middle = np.bincount(drawn[1:-1].ravel(), minlength=3) / drawn[1:-1].size
    assert np.allclose(middle, [0.25, 0.25, 0.5], atol=0.008)


def test_measured_bits_may_not_be_used_again(machine):
    reused, steered = QuantumCircuit(5, 2), QuantumCircuit(5, 2)
    for circuit in (reused, steered):
        circuit.measure(0, 0)
    reused.x(0)
    with steered.if_test((0, 1)):
        steered.x(1)
    for circuit, message in ((reused, "follows a measurement"), (steered, "if_else")):
        with pytest.raises(ProgramError, match=message):
            machine.run(circuit, np.zeros((1, 0)), 10, np.random.default_rng(0))


def test_too_many_shots_are_refused_before_they_are_drawn(machine):
    circuit = QuantumCircuit(5, 5)
    circuit.measure(range(5), range(5))
    with pytest.raises(ProgramError, match="exceed") as refused:
        machine.run(circuit, np.zeros((1, 0)), 10**9, np.random.default_rng(0))
    assert refused.value.code == 5302


def test_too_many_connected_qubits_are_refused():
    circuit = QuantumCircuit(127, 127)
    for qubit in range(11):
        circuit.ecr(qubit, qubit + 1)
    circuit.measure(range(127), range(127))
    machine = Machine(snapshot("fake_brisbane").target)
    with pytest.raises(UserError, match="up to 10 qubits"):
        machine.run(circuit, np.zeros((1, 0)), 10, np.random.default_rng(0))


def test_gates_that_are_not_native_have_no_price():
    circuit = QuantumCircuit(5)
    circuit.h(0)
    with pytest.raises(ProgramError, match="h on") as refused:
        Load.of(circuit, snapshot("fake_manila").target, 1)
    assert refused.value.code == 7001


def test_the_price_of_a_job():
    # 4096 shots of one circuit of 50 us with a pause of 250 us; the quick form gives 3.4 s, too.
    assert quantum_seconds([Load(50e-6, 4096)], 250e-6) == pytest.approx(2 + 4096 * 300e-6)
    million = [Load(100e-6, 12_000_000), Load(50e-6, 9_000_000)]
    seconds = 3 * 2 + 12e6 * 350e-6 + 9e6 * 300e-6
    assert quantum_seconds(million, 250e-6) == pytest.approx(seconds)


def test_a_circuit_takes_the_longest_way_through_its_gates():
    target = snapshot("fake_manila").target
    circuit = QuantumCircuit(5, 2)
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    durations = [
        target[name][where].duration
        for name, where in (("sx", (0,)), ("cx", (0, 1)), ("x", (1,)), ("measure", (1,)))
    ]
    assert Load.of(circuit, target, 1).seconds == pytest.approx(sum(durations), rel=0.01)


def test_a_device_has_the_target_of_its_snapshot():
    device, twin = EmulatedDevice("fake_manila", 0), snapshot("fake_manila")
    assert device.target(0).operation_names == twin.target.operation_names
    for name in ("cx", "sx", "measure"):
        for where, figures in twin.target[name].items():
            assert device.target(0)[name][where].error == figures.error


def test_later_calibrations_drift_and_repeat():
    device, again = EmulatedDevice("fake_manila", 3), EmulatedDevice("fake_manila", 3)
    errors = [device.target(v)["sx"][(0,)].error for v in range(3)]
    assert len(set(errors)) == 3
    assert errors == [again.target(v)["sx"][(0,)].error for v in range(3)]
    assert all(0.3 < error / errors[0] < 3 for error in errors)


@pytest.mark.parametrize("name", ["cx", "sx", "barrier", "delay", "measure"])
def test_a_gate_that_only_has_a_native_name_is_not_native(name):
    inner = QuantumCircuit(2 if name == "cx" else 1, name=name)
    inner.x(0)
    circuit = QuantumCircuit(2, 1)
    circuit.append(inner.to_gate(), range(inner.num_qubits))
    circuit.measure(0, 0)
    with pytest.raises(ProgramError, match=f"{name} .* not native"):
        Load.of(circuit, snapshot("fake_manila").target, 1)
    assert len(split(circuit)[0].circuit.data) == 1
