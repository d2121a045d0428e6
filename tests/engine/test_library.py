"""All of ``qiskit.circuit.library`` through the estimator, against ``Statevector``."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from library_catalogue import CIRCUITS, FUNCTIONS, GATES, A, Build, standard
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    InverseModifier,
    PowerModifier,
    QuantumCircuit,
)
from qiskit.circuit import library as lib
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel

from qhu.engine.ansatz import Ansatz
from qhu.engine.estimator import EngineEstimator
from qhu.engine.program import compile_circuit
from qhu.engine.states import compile_states
from qhu.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore")  # old classes, and Qiskit's sparse matrices
EVERYTHING = {**standard(), **GATES, **CIRCUITS, **FUNCTIONS}
FRESH = {"Initialize"}  # resets its qubits: taken where these are fresh
NOT_ONE = {
    "BlueprintCircuit": "an abstract class",
    "FunctionalPauliRotations": "an abstract class",
    "C3XGate": "another name of MCXGate(3)",
    "C4XGate": "another name of MCXGate(4)",
    "Measure": "refused by name, in test_lowering",
    "PauliProductMeasurement": "refused by name, below",
    "Reset": "refused by name, in test_lowering",
    "get_standard_gate_name_mapping": "a table",
}
IDENTITIES = ("clifford_", "rzx_", "template_")  # templates of the transpiler: fixed circuits
REFUSED = {"WeightedSumGate"}  # by Qiskit's own simulator, too: its ancillas are found by no rule


def test_the_catalogue_is_whole() -> None:
    offered = {
        name
        for name, item in vars(lib).items()
        if (inspect.isclass(item) or inspect.isfunction(item))
        and not name.startswith(("_", *IDENTITIES))
    }
    assert offered == EVERYTHING.keys() | NOT_ONE.keys()


def around(operation: Any, prepared: bool) -> QuantumCircuit:
    """A circuit that no operation in the middle can leave as it is by accident."""
    width = operation.num_qubits
    circuit = QuantumCircuit(max(width, 1))
    for qubit in range(width if prepared else 0):
        circuit.ry(0.4 + 0.5 * qubit, qubit)
        circuit.rz(0.3 - 0.2 * qubit, qubit)
    if isinstance(operation, QuantumCircuit):
        circuit.compose(operation, range(width), inplace=True)
    else:
        circuit.append(operation, range(width))
    for qubit in range(width):
        circuit.rx(A - 0.3 * qubit, qubit)
    if width > 1:
        circuit.cx(0, 1)
    return circuit


def assert_as_statevector(circuit: QuantumCircuit, noisy: bool) -> None:
    width = circuit.num_qubits
    labels = ["Z" * width, "X" + "Y" * (width - 1), "I" * (width - 1) + "Z"]
    row = np.random.default_rng(1).uniform(-0.9, 0.9, circuit.num_parameters)
    state = Statevector(circuit.assign_parameters(row))
    right = [state.expectation_value(SparsePauliOp(label)).real for label in labels]
    for noise in (None, NoiseModel()) if noisy and width <= 5 else (None,):
        ours = EngineEstimator(noise).run([(circuit, labels, row)]).result()[0].data.evs
        np.testing.assert_allclose(ours, right, atol=1e-9)
    unmeasured = compile_states(Ansatz(circuit, tuple(circuit.parameters), (), ()))
    psi = unmeasured(torch.from_numpy(row), torch.zeros(0)).numpy()
    assert abs(np.vdot(state.data, psi)) == pytest.approx(1, abs=1e-9)


def assert_refused(circuit: QuantumCircuit, name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}'"):
        EngineEstimator().run([(circuit, "Z" * circuit.num_qubits)]).result()


@pytest.mark.parametrize("name", EVERYTHING)
def test_everything_in_the_library(name: str) -> None:
    for build in EVERYTHING[name]:
        circuit = around(build(), prepared=name not in FRESH)
        if name in REFUSED:
            assert_refused(circuit.assign_parameters([0.3]), "WeightedSum")
        else:
            assert_as_statevector(circuit, noisy=True)


def test_what_measures_is_refused_by_name() -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.append(lib.PauliProductMeasurement(SparsePauliOp("XZ").paulis[0]), [0, 1], [0])
    assert_refused(circuit, "pauli_product_measurement")


MODIFIED: dict[str, Callable[[Any], Any]] = {
    "controlled": lambda gate: gate.control(1),
    "controlled by two": lambda gate: gate.control(2, ctrl_state=1),
    "controlled, annotated": lambda gate: AnnotatedOperation(gate, ControlModifier(1)),
    "inverse": lambda gate: gate.inverse(),
    "inverse, annotated": lambda gate: AnnotatedOperation(gate, InverseModifier()),
    "squared": lambda gate: gate.power(2),
    "squared, annotated": lambda gate: AnnotatedOperation(gate, PowerModifier(2)),
    "root": lambda gate: gate.power(0.5),
    "controlled inverse": lambda gate: AnnotatedOperation(
        gate, [ControlModifier(1, 0), InverseModifier()]
    ),
    "repeated": lambda gate: gate.repeat(2),
}


def modified(build: Build, how: str) -> QuantumCircuit | None:
    try:
        return around(MODIFIED[how](build()), prepared=True)
    except Exception:  # whatever Qiskit says where it cannot make the gate
        return None


@pytest.mark.slow
@pytest.mark.parametrize("how", MODIFIED)
@pytest.mark.parametrize("name", [*standard(), *GATES])
def test_every_modified_gate_is_right_or_refused(name: str, how: str) -> None:
    for build in EVERYTHING[name]:
        circuit = modified(build, how)
        if circuit is None or circuit.num_qubits > 6:
            continue
        z = SparsePauliOp("Z" * circuit.num_qubits)
        try:
            compile_circuit(Ansatz(circuit, tuple(circuit.parameters), (), (z,)))
        except UserError as refusal:
            assert "\n" not in str(refusal) and "instruction '" in str(refusal)
        else:
            assert_as_statevector(circuit, noisy=False)
