"""Which error an instruction has, and what it does: Aer's density matrix is right."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from foreign_circuits import users
from numpy.typing import NDArray
from qiskit.circuit import Barrier, Delay, Gate, Instruction, Parameter, QuantumCircuit, Reset
from qiskit.circuit import library as lib
from qiskit.quantum_info import (
    Kraus,
    SparsePauliOp,
    SuperOp,
    random_quantum_channel,
    random_unitary,
)
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    mixed_unitary_error,
    pauli_error,
    phase_amplitude_damping_error,
    reset_error,
    thermal_relaxation_error,
)
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qhu.backends.named import open_backend
from qhu.engine.ansatz import Ansatz
from qhu.engine.estimator import EngineEstimator
from qhu.engine.outcomes import Outcomes
from qhu.errors import UserError
from qhu.estimators.aer_outcomes import AerOutcomes
from qhu.estimators.noisy import NoisyEstimator

FLIP = pauli_error([("X", 0.3), ("I", 0.7)])
DAMPING = amplitude_damping_error(0.2)
MATRIX = random_unitary(4, seed=1).data


def circuit_of(width: int, *items: tuple[Any, ...]) -> QuantumCircuit:
    circuit = QuantumCircuit(width)
    for operation, *qubits in items:
        circuit.append(operation, qubits)
    return circuit


def prepared(*items: tuple[Any, ...]) -> QuantumCircuit:
    """Three entangled qubits, then the items, then one more gate."""
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(0.3 + 0.5 * qubit, qubit)
        circuit.rz(0.7 - 0.4 * qubit, qubit)
    circuit.rzz(0.6, [0, 1], [1, 2])
    circuit.compose(circuit_of(3, *items), inplace=True)
    circuit.rx(0.4, 0)
    return circuit


def model(error: QuantumError, name: str, qubits: list[int] | None = None) -> NoiseModel:
    noise = NoiseModel()
    if qubits is None:
        noise.add_all_qubit_quantum_error(error, [name])
    else:
        noise.add_quantum_error(error, [name], qubits)
    return noise


def distributions(outcomes: Callable[..., Any], circuit: QuantumCircuit) -> NDArray[np.float64]:
    """What is read with all qubits measured along X, along Y and along Z."""
    found = []
    for angles in ((-np.pi / 2, 0, 0), (np.pi / 2, -np.pi / 2, np.pi / 2), (0, 0, 0)):
        rotated = circuit.copy()
        for qubit in range(circuit.num_qubits):
            rotated.u(*angles, qubit)  # no model here has errors of u
        found.append(outcomes(rotated))
    return np.array(found)


def by_aer(circuit: QuantumCircuit, noise: NoiseModel) -> NDArray[np.float64]:
    circuit = circuit.copy()
    circuit.save_probabilities()
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    return np.asarray(simulator.run(circuit).result().data()["probabilities"])


def assert_as_aer(
    circuit: QuantumCircuit, noise: NoiseModel, for_aer: QuantumCircuit | None = None
) -> None:
    nothing = np.zeros((1, 0))
    right = distributions(lambda rotated: by_aer(rotated, noise), for_aer or circuit)
    for simulator in (Outcomes, AerOutcomes):
        ours = distributions(lambda c, s=simulator: s(c, noise)(nothing)[0], circuit)
        np.testing.assert_allclose(ours, right, atol=1e-9)


def mixture(*items: tuple[Any, ...]) -> QuantumError:
    """The items with probability 0.4."""
    return QuantumError([(circuit_of(2, *items), 0.4), (QuantumCircuit(2), 0.6)])


CHANNEL = random_quantum_channel(4, 4, seed=1)
A = Parameter("a")
ERRORS: dict[str, Callable[[], QuantumError]] = {
    "first qubit": lambda: mixture((lib.XGate(), 0)),
    "second qubit": lambda: mixture((lib.XGate(), 1)),
    "damped first qubit": lambda: mixture((Kraus(DAMPING).to_instruction(), 0)),
    "damped second qubit": lambda: mixture((Kraus(DAMPING).to_instruction(), 1)),
    "reset of the first qubit": lambda: mixture((Reset(), 0)),
    "Pauli on the first qubit": lambda: pauli_error([("IY", 0.2), ("II", 0.8)]),
    "Pauli on part": lambda: mixture((lib.PauliGate("Y"), 1)),
    "Paulis": lambda: pauli_error([("YZ", 0.3), ("XI", 0.1), ("II", 0.6)]),
    "rx": lambda: mixture((lib.RXGate(0.3), 0)),
    "rzz": lambda: mixture((lib.RZZGate(0.3), 1, 0)),
    "several": lambda: mixture(
        (lib.UGate(0.3, 0.2, 0.1), 1), (lib.CXGate(), 1, 0), (lib.TGate(), 0)
    ),
    "old gates": lambda: mixture(
        (lib.U1Gate(0.3), 0), (lib.U2Gate(0.3, 0.1), 1), (lib.U3Gate(0.3, 0.2, 0.1), 0)
    ),
    "r": lambda: mixture((lib.RGate(0.3, 0.2), 1), (lib.PhaseGate(0.4), 0)),
    "matrix": lambda: mixture((lib.UnitaryGate(MATRIX, label="named"), 1, 0)),
    "matrices": lambda: mixed_unitary_error([(MATRIX, 0.3), (np.eye(4), 0.7)]),
    "Kraus": lambda: QuantumError(Kraus(CHANNEL)),
    "Kraus, reversed": lambda: mixture((Kraus(CHANNEL).to_instruction(), 1, 0)),
    "superoperator": lambda: mixture((SuperOp(CHANNEL).to_instruction(), 1, 0)),
    "nothing to see": lambda: mixture((Barrier(2), 0, 1), (Delay(10), 0), (lib.XGate(), 0)),
    "resets": lambda: reset_error(0.2, 0.1).tensor(reset_error(0.1)),
    "relaxation": lambda: thermal_relaxation_error(50, 60, 10).tensor(
        thermal_relaxation_error(50, 80, 10, 0.1)
    ),
    "on one qubit": lambda: phase_amplitude_damping_error(0.1, 0.2, 0.3).expand(
        QuantumError(lib.IGate())
    ),
    "composed": lambda: depolarizing_error(0.2, 2).compose(DAMPING.tensor(FLIP)),
}


@pytest.mark.parametrize("place", [None, [2, 0]], ids=["everywhere", "on one pair"])
@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_every_kind(error: str, place: list[int] | None) -> None:
    circuit = prepared((lib.CXGate(), 2, 0), (lib.CXGate(), 0, 1))
    assert_as_aer(circuit, model(ERRORS[error](), "cx", place))


PAIR = depolarizing_error(0.2, 2)
TRIPLE = pauli_error([("XYZ", 0.2), ("III", 0.8)])
INSTRUCTIONS: dict[str, tuple[QuantumError, tuple[Any, ...]]] = {
    "id": (FLIP, (lib.IGate(), 1)),
    "delay": (FLIP, (Delay(10), 1)),
    "barrier": (FLIP, (Barrier(1), 1)),  # which has none
    "unitary": (FLIP, (lib.UnitaryGate(random_unitary(2, seed=1)), 1)),
    "unitary of two": (PAIR, (lib.UnitaryGate(MATRIX), 2, 0)),
    "diagonal": (PAIR, (lib.DiagonalGate([1, 1j, -1, 1]), 2, 0)),
    "rzz": (PAIR, (lib.RZZGate(0.3), 2, 0)),
    "ecr": (PAIR, (lib.ECRGate(), 2, 0)),
    "ccx": (TRIPLE, (lib.CCXGate(), 2, 0, 1)),
    "unitary of three": (TRIPLE, (lib.UnitaryGate(random_unitary(8, seed=1)), 2, 0, 1)),
}


@pytest.mark.parametrize("local", [False, True], ids=["everywhere", "there"])
@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_errors_of_every_instruction(name: str, local: bool) -> None:
    error, (operation, *qubits) = INSTRUCTIONS[name]
    noise = model(error, operation.name, qubits if local else None)
    assert_as_aer(prepared((operation, *qubits)), noise)


def test_an_error_of_another_place_is_not_applied() -> None:
    circuit = prepared((lib.CXGate(), 2, 0), (lib.XGate(), 1))
    noise = model(PAIR, "cx", [0, 2])
    noise.add_quantum_error(FLIP, ["x"], [0])
    assert_as_aer(circuit, noise)


def test_a_places_own_error_replaces_the_general_one() -> None:
    noise = model(FLIP, "x")
    noise.add_quantum_error(DAMPING, ["x"], [0])
    assert_as_aer(prepared((lib.XGate(), 0), (lib.XGate(), 1)), noise)


def test_one_label_on_gates_of_several_widths() -> None:
    """An error on fewer qubits than the gate has is one of its first qubits."""
    matrix = lib.UnitaryGate(MATRIX, label="noisy")
    circuit = prepared(
        (lib.XGate(label="noisy"), 1), (matrix, 2, 0), (lib.CXGate(label="noisy"), 1, 0)
    )
    assert_as_aer(circuit, model(FLIP, "noisy"))
    assert_as_aer(circuit, model(DAMPING, "noisy", [1]))


def test_a_label_of_which_the_model_has_no_errors_takes_none_away() -> None:
    """Aer would drop the noise of such a gate; a device does not know what it is called."""
    noise = model(FLIP, "x")
    noise.add_all_qubit_quantum_error(PAIR, ["cx"])
    noise.add_all_qubit_quantum_error(DAMPING, ["rx"])
    gates = (lib.XGate, 1), (lib.CXGate, 2, 0), (lambda label=None: lib.RXGate(0.3, label=label), 2)
    plain = prepared(*[(gate(), *qubits) for gate, *qubits in gates])
    drawn = prepared(*[(gate(label="drawn"), *qubits) for gate, *qubits in gates])
    assert_as_aer(drawn, noise, for_aer=plain)
    named = prepared((lib.HGate(label="x"), 1))  # the error of its label
    assert_as_aer(named, noise)


def test_a_users_gate_with_a_label_has_the_noise_of_its_parts() -> None:
    inner = users("cz", 2, 0.4, label="drawn")
    noise = model(FLIP, "h")
    assert_as_aer(prepared((inner, 2, 0)), noise, for_aer=prepared((inner, 2, 0)).decompose("cz"))


@pytest.mark.parametrize("backend", ["fake_manila", "fake_brisbane"])
def test_labels_take_no_noise_away_on_a_device(backend: str) -> None:
    def layer(label: str | None) -> torch.Tensor:
        circuit = QuantumCircuit(2)
        circuit.rx(A, 0, label=label)
        circuit.x(1, label=label)
        circuit.cx(0, 1, label=label)
        ansatz = Ansatz(circuit, (A,), (), (SparsePauliOp("ZZ"), SparsePauliOp("XI")))
        return open_backend(backend).layer(ansatz, 0)(torch.tensor([[0.3]]))

    assert torch.equal(layer("drawn"), layer(None))


def test_errors_before_a_measurement() -> None:
    circuit = prepared()
    noise = model(DAMPING, "measure")
    noise.add_quantum_error(reset_error(0.3), ["measure"], [1])
    noise.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [0])
    shots, nothing = 10**6, np.zeros((1, 0))
    simulator = AerSimulator(method="density_matrix", noise_model=noise, seed_simulator=1)
    counts = simulator.run(circuit.measure_all(inplace=False), shots=shots).result().get_counts()
    read = [counts.get(f"{outcome:03b}", 0) / shots for outcome in range(8)]
    np.testing.assert_allclose(Outcomes(circuit, noise)(nothing)[0], read, atol=4e-3)
    np.testing.assert_allclose(AerOutcomes(circuit, noise)(nothing)[0], read, atol=4e-3)
    for estimator in (EngineEstimator(noise), NoisyEstimator(noise, 0.0, np.random.default_rng(0))):
        evs = estimator.run([(circuit, ["ZZI", "IIZ"])]).result()[0].data.evs
        bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
        signs = (-1.0) ** np.array([bits[:, 1] + bits[:, 2], bits[:, 0]])
        np.testing.assert_allclose(evs, signs @ read, atol=8e-3)


@pytest.mark.parametrize("gates", [["unitary"], ["unitary", "cx"], ["pauli", "sx", "rz", "cx"], []])
def test_bases_are_measured_whatever_the_native_gates(gates: list[str]) -> None:
    noise = NoiseModel(gates)
    circuit = prepared()
    exact = EngineEstimator().run([(circuit, ["XYZ", "YIX"])]).result()[0].data.evs
    for estimator in (EngineEstimator(noise), NoisyEstimator(noise, 0.0, np.random.default_rng(0))):
        evs = estimator.run([(circuit, ["XYZ", "YIX"])]).result()[0].data.evs
        np.testing.assert_allclose(evs, exact, atol=1e-10)


def opaque() -> Instruction:
    return circuit_of(2, (lib.HGate(), 0)).to_gate()


def unnamed() -> NoiseModel:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(FLIP, lib.XGate())
    return noise


def correlated() -> NoiseModel:
    noise = NoiseModel()
    noise.add_readout_error(ReadoutError(np.full((4, 4), 0.25)), [0, 1])
    return noise


WIDE = depolarizing_error(0.1, 3).tensor(depolarizing_error(0.1, 2))
REFUSED: dict[str, tuple[Callable[[], NoiseModel], tuple[Any, ...]]] = {
    "acts on 2 qubits": (lambda: model(PAIR, "drawn"), (lib.XGate(label="drawn"), 0)),
    "5 qubits": (
        lambda: model(WIDE, "drawn"),
        (lib.UnitaryGate(np.eye(32), label="drawn"), *range(5)),
    ),
    "operation 'circuit": (lambda: model(mixture((opaque(), 0, 1)), "cx"), (lib.CXGate(), 0, 1)),
    "operation 'initialize'": (
        lambda: model(mixture((lib.Initialize([0.6, 0.8]), 0)), "cx"),
        (lib.CXGate(), 0, 1),
    ),
    "operation 'cx_o0'": (
        lambda: model(mixture((lib.CXGate(ctrl_state=0), 0, 1)), "cx"),
        (lib.CXGate(), 0, 1),
    ),
    "belongs to no instruction": (unnamed, (lib.XGate(), 0)),
    "correlated": (correlated, (lib.XGate(), 0)),
    "'delay' depends on its length": (
        lambda: NoiseModel.from_backend(FakeManilaV2()),
        (Delay(10), 0),
    ),
    "instruction 'opaque'": (lambda: model(FLIP, "opaque"), (Gate("opaque", 1, []), 0)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_simulated_is_refused_in_one_line(message: str) -> None:
    make, item = REFUSED[message]
    noise, circuit = make(), circuit_of(5, item)
    for estimator in (EngineEstimator(noise), NoisyEstimator(noise, 0.0, np.random.default_rng(0))):
        with pytest.raises(UserError, match=message) as refused:
            estimator.run([(circuit, "ZIIII")]).result()
        assert "\n" not in str(refused.value)
