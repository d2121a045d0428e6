"""What no quantum layer can hold: one check, one message, exact, under noise and on devices."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Kraus, SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error
from qiskit_machine_learning.circuit.library import raw_feature_vector

from qhu.backends.named import open_backend
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.engine.lowering import refusal
from qhu.errors import UserError
from qhu.estimators.aer_outcomes import AerOutcomes
from qhu.estimators.noise import figures_noise, figures_target
from qhu.estimators.noisy import NoisyEstimator
from qhu.estimators.param_shift import MergedParamShift
from qhu.hardware.metered import MeteredEstimator
from qhu.layout.isa import compile_ansatz

NOISE = figures_noise((0.01, 0.05), (0.02, 0.07), None, (60e-9, 660e-9))
A = Parameter("a")
DAMPING = amplitude_damping_error(0.2)


def start(clbits=0):
    circuit = QuantumCircuit(2, clbits) if clbits else QuantumCircuit(2)
    circuit.ry(A, 0)
    circuit.cz(0, 1)
    return circuit


def with_block(block, clbits=0):
    circuit = start(clbits)
    with block(circuit):
        circuit.x(0)
    return circuit


def switched():
    circuit = start(1)
    with circuit.switch(circuit.clbits[0]) as case, case(0):
        circuit.x(0)
    return circuit


def appended(build, qubits=(0,), clbits=()):
    circuit = start(len(clbits))
    circuit.append(build, qubits, clbits)
    return circuit


def inner(method, clbits=0):
    made = QuantumCircuit(1, clbits, name="inner") if clbits else QuantumCircuit(1, name="inner")
    getattr(made, method)(*[0] * (1 + clbits))
    return made.to_instruction()


def called(method, *arguments, clbits=0):
    circuit = start(clbits)
    getattr(circuit, method)(*arguments)
    return circuit


def stored():
    circuit = start()
    circuit.add_var("v", expr.lift(True))
    return circuit


def state_first():
    circuit = raw_feature_vector(4)
    circuit.cz(0, 1)
    return circuit


REFUSED = {
    "reset": lambda: called("reset", 0),
    "reset of both": lambda: called("reset", [0, 1]),
    "reset inside": lambda: appended(inner("reset")),
    "initialize": lambda: called("initialize", [0.6, 0.8], 0),
    "measure": lambda: called("measure", 0, 0, clbits=1),
    "measure in the middle": lambda: called("measure", 0, 0, clbits=1).compose(start()),
    "measure_all": lambda: called("measure_all"),
    "measure inside": lambda: appended(inner("measure", 1), clbits=(0,)),
    "if_test": lambda: with_block(lambda c: c.if_test((0, 1)), 1),
    "while_loop": lambda: with_block(lambda c: c.while_loop((0, 1)), 1),
    "for_loop": lambda: with_block(lambda c: c.for_loop(range(2))),
    "switch": switched,
    "box": lambda: with_block(lambda c: c.box()),
    "store": stored,
    "raw_feature_vector": lambda: raw_feature_vector(4),
    "raw_feature_vector and gates": state_first,
    "kraus": lambda: appended(Kraus(DAMPING).to_instruction()),
    "quantum_channel": lambda: appended(DAMPING.to_instruction()),
    "save_density_matrix": lambda: called("save_density_matrix"),
}
NAMES = {
    "reset of both": "reset",
    "reset inside": "reset",
    "initialize": "reset",
    "measure in the middle": "measure",
    "measure_all": "measure",
    "measure inside": "inner",
    "if_test": "if_else",
    "switch": "switch_case",
    "raw_feature_vector": "ParameterizedInitialize",
    "raw_feature_vector and gates": "ParameterizedInitialize",
    "quantum_channel": "kraus",
}


def unasked(questions):
    raise AssertionError("a device was asked")


def noisy(*simulator):
    return NoisyEstimator(NOISE, 0.125, np.random.default_rng(0), *simulator)


def paths(circuit):
    """Every way that a circuit can take, by name."""
    values = np.linspace(0.3, 0.9, circuit.num_parameters)
    pub, call = (circuit, "ZZ", values), ([circuit], ["ZZ"], [values])
    ansatz = Ansatz(circuit, tuple(circuit.parameters), (), ("ZZ",))
    rows = torch.tensor(values)
    return {
        "exact": lambda: EngineEstimator().run([pub]).result(),
        "exact under noise": lambda: EngineEstimator(NOISE).run([pub]).result(),
        "noisy": lambda: noisy().run([pub]),
        "noisy by Aer": lambda: noisy(AerOutcomes).run([pub]),
        "metered": lambda: MeteredEstimator(unasked, lambda *_: None, {}).run([pub]),
        "no sets": lambda: EngineEstimator().run([(circuit, "ZZ", values[None][:0])]).result(),
        "no observables": lambda: noisy().run([(circuit, [], values)]),
        "exact gradient": lambda: EngineGradient().run(*call).result(),
        "gradient under noise": lambda: EngineGradient(EngineEstimator(NOISE)).run(*call).result(),
        "noisy gradient": lambda: MergedParamShift(noisy(), 0.0).run(*call).result(),
        "layer": lambda: engine_layer(ansatz)(rows),
        "layer under noise": lambda: engine_layer(ansatz, NOISE)(rows),
        "device": lambda: compile_ansatz(ansatz, figures_target(2), optimization_level=1, seed=0),
        "twin": lambda: open_backend("fake_manila").layer(ansatz, 0),
    }


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_alike_on_every_path(name):
    circuit = REFUSED[name]()
    message = str(refusal(QuantumCircuit(1, name=NAMES.get(name, name)).to_instruction()))
    for path, run in paths(circuit).items():
        with pytest.raises(UserError) as refused:
            run()
        assert str(refused.value) == message, path
    assert "\n" not in message


@pytest.mark.parametrize("name", ["measure", "reset", "if_test", "raw_feature_vector"])
def test_is_refused_before_anything_is_computed(name):
    good, bad = (start(), "ZZ", [0.3]), REFUSED[name]()
    values = np.linspace(0.3, 0.9, bad.num_parameters)
    random = np.random.default_rng(0)
    for each in (
        EngineEstimator(),
        NoisyEstimator(NOISE, 0.125, random),
        MeteredEstimator(unasked, lambda *_: None, {}),
    ):
        with pytest.raises(UserError, match="cannot hold"):
            each.run([good, (bad, "ZZ", values)]).result()
    assert random.random() == np.random.default_rng(0).random()  # no shots were drawn


def reset_first():
    circuit = QuantumCircuit(2)
    circuit.reset([0, 1, 1])
    return circuit.compose(start())


ALLOWED = {
    "unused clbits": lambda: start(2),
    "reset before use": reset_first,
    "delay": lambda: called("delay", 160, 0),
    "barrier": lambda: called("barrier"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_changes_no_state_is_allowed_on_every_path(name):
    circuit = ALLOWED[name]()
    ansatz = Ansatz(circuit, (A,), (), ("ZZ",))
    plain = Ansatz(start(), (A,), (), ("ZZ",))
    pubs = [(made, SparsePauliOp("ZZ"), [0.4]) for made in (circuit, start())]
    (expected,) = StatevectorEstimator().run(pubs[1:]).result()
    for estimator in (EngineEstimator(), EngineEstimator(NOISE), NoisyEstimator(NOISE, 0.0, None)):
        ours, without = (result.data.evs for result in estimator.run(pubs).result())
        assert ours == pytest.approx(without)
    assert EngineEstimator().run(pubs[:1]).result()[0].data.evs == pytest.approx(expected.data.evs)
    for backend in ("fake_manila", "fake_brisbane"):
        x = torch.tensor([[0.4]])
        ours, without = (open_backend(backend).layer(a, 0)(x) for a in (ansatz, plain))
        torch.testing.assert_close(ours, without)
    compile_ansatz(ansatz, figures_target(2), optimization_level=1, seed=0)


def test_a_delay_has_the_error_that_belongs_to_it():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.3, 1), ["delay"])
    bound = called("delay", 160, 0).assign_parameters([0.4])
    saved = bound.copy()
    saved.save_expectation_value(SparsePauliOp("ZZ"), [0, 1], "zz")
    right = (
        AerSimulator(method="density_matrix", noise_model=noise).run(saved).result().data()["zz"]
    )
    (ours,) = EngineEstimator(noise).run([(bound, "ZZ")]).result()
    assert ours.data.evs == pytest.approx(right)
