"""Exact, noisy and device estimators read PUBs and fill results as Qiskit's own do."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import BackendEstimatorV2, StatevectorEstimator
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from test_edited import GRADIENTS, IDEAL, metered, noisy

from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator
from qhu.errors import UserError
from qhu.estimators.layer import estimator_layer
from qhu.estimators.noise import figures_target
from qhu.estimators.noisy import NoisyEstimator
from qhu.layout.isa import compile_ansatz

ESTIMATORS = {
    "exact": EngineEstimator,
    "exact under noise": lambda: EngineEstimator(IDEAL),
    "noisy": noisy,
    "metered": metered,
}
A = ParameterVector("a", 2)
VALUES = [0.4, 1.1]


def circuit(**more):
    made = QuantumCircuit(2, **more)
    made.ry(A[0], 0)
    made.rx(A[1], 1)
    made.cz(0, 1)
    made.ry(0.3, 0)
    return made


MATRICES = {
    **{letter: Pauli(letter).to_matrix() for letter in "IXYZ"},
    **{
        letter: np.outer(state, np.conj(state))
        for letter, state in {
            "0": [1, 0],
            "1": [0, 1],
            "+": [0.5**0.5, 0.5**0.5],
            "-": [0.5**0.5, -(0.5**0.5)],
            "r": [0.5**0.5, 1j * 0.5**0.5],
            "l": [0.5**0.5, -1j * 0.5**0.5],
        }.items()
    },
}
OBSERVABLES = {
    "0I": {"0I": 1.0},
    "+r": {"+r": 1.0},
    "-l": {"-l": 1.0},
    "01": {"01": 1.0},
    "ZX": {"ZX": 1.0},
    "mapping": {"0Z": 0.5, "X+": 2.0, "YY": -1.0},
    "SparseObservable": {"0X": 0.5, "ZZ": 1.0, "1l": -0.3},
    "Pauli": {"ZX": -1.0},
    "SparsePauliOp": {"ZX": 0.5, "YY": 2.0},
}


def given(name):
    """An observable in the form of its name."""
    terms = OBSERVABLES[name]
    forms = {
        "mapping": lambda: terms,
        "SparseObservable": lambda: SparseObservable.from_list(list(terms.items())),
        "Pauli": lambda: Pauli("-ZX"),
        "SparsePauliOp": lambda: SparsePauliOp(list(terms), list(terms.values())),
    }
    return forms.get(name, lambda: name)()


def right(name, values=VALUES):
    state = Statevector(circuit().assign_parameters(values)).data
    return sum(
        coefficient * (state.conj() @ np.kron(*(MATRICES[c] for c in term)) @ state).real
        for term, coefficient in OBSERVABLES[name].items()
    )


def slope(name):
    steps = 1e-6 * np.eye(2)
    return [(right(name, VALUES + s) - right(name, VALUES - s)) / 2e-6 for s in steps]


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_estimators_take_every_observable(kind, name):
    pubs = [(circuit(), given(name), VALUES), (circuit(), [[given(name)], ["0I"]], VALUES)]
    pubs.append((circuit(), ObservablesArray([given(name), {"+1": 1.0}]), VALUES))
    single, column, array = (result.data.evs for result in ESTIMATORS[kind]().run(pubs).result())
    np.testing.assert_allclose(single, right(name), atol=1e-10)
    np.testing.assert_allclose(column, [[right(name)], [right("0I")]], atol=1e-10)
    np.testing.assert_allclose(array[0], right(name), atol=1e-10)


@pytest.mark.parametrize("name", OBSERVABLES)
@pytest.mark.parametrize("kind", GRADIENTS)
def test_gradients_take_every_observable(kind, name):
    call = [circuit()], [given(name)], [VALUES]
    found = GRADIENTS[kind]().run(*call).result().gradients[0]
    np.testing.assert_allclose(found, slope(name), atol=1e-6)


@pytest.mark.parametrize("name", OBSERVABLES)
def test_layers_and_devices_take_every_observable(name):
    ansatz = Ansatz(circuit(), tuple(A), (), (given(name),))
    placed = compile_ansatz(ansatz, figures_target(2), optimization_level=1, seed=0)
    layers = (
        engine_layer(ansatz),
        engine_layer(ansatz, IDEAL),
        estimator_layer(ansatz, noisy(), 0.0),
    )
    for layer in (*layers, engine_layer(placed)):
        assert layer(torch.tensor(VALUES)).item() == pytest.approx(right(name), abs=1e-5)


NOT_HERMITIAN = {
    "imaginary": SparsePauliOp("ZZ", 1j),
    "a little": SparsePauliOp(["ZZ", "XX"], [1.0, 1e-3j]),
    "Pauli": Pauli("iZX"),
    "mapping": {"ZZ": 1j},
    "zero": SparsePauliOp("ZZ", 0.0),
    "infinite": {"ZZ": float("inf")},
    "no letters": "ZQ",
}


@pytest.mark.parametrize("name", NOT_HERMITIAN)
def test_what_cannot_be_measured_is_refused_everywhere(name):
    observable = NOT_HERMITIAN[name]
    for kind in ESTIMATORS.values():
        with pytest.raises((ValueError, UserError)):
            kind().run([(circuit(), observable, VALUES)]).result()
    for kind in GRADIENTS.values():
        with pytest.raises(ValueError):
            kind().run([circuit()], [observable], [VALUES]).result()
    with pytest.raises(UserError, match="observable 0 cannot be measured"):
        Ansatz(circuit(), tuple(A), (), (observable,))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_pub_that_was_not_checked_is(kind):
    observable = SparseObservable.from_list([("ZZ", 1.0), ("XX", 1j)])
    observables = ObservablesArray([observable], validate=False)
    pub = EstimatorPub.coerce((circuit(), ["ZZ"], VALUES))
    pub = EstimatorPub(circuit(), observables, pub.parameter_values, 0.0, validate=False)
    with pytest.raises(UserError, match="Non-Hermitian"):
        ESTIMATORS[kind]().run([pub]).result()


def test_an_observable_on_other_qubits_is_refused():
    with pytest.raises(UserError, match="on 3 qubits and the circuit on 2"):
        Ansatz(circuit(), tuple(A), (), ("ZZZ",))


PUBS = {
    "plain": lambda: (circuit(metadata={"run": 1}), "ZZ", VALUES),
    "with precision": lambda: (circuit(metadata={"run": 1}), "ZZ", VALUES, 0.25),
    "no metadata": lambda: (circuit(), ["ZZ", "XI"], VALUES),
    "no parameters": lambda: (circuit().assign_parameters(VALUES), "ZZ"),
    "no observables": lambda: (circuit(metadata={"run": 2}), [], VALUES),
    "nothing and no values": lambda: (circuit().assign_parameters(VALUES), []),
    "no sets": lambda: (circuit(), "ZZ", np.zeros((0, 2))),
    "no sets in a shape": lambda: (circuit(), [["ZZ"], ["XI"]], np.zeros((0, 2))),
    "neither": lambda: (circuit(), np.zeros((0, 1), dtype=object), np.zeros((0, 2))),
    "rows of no sets": lambda: (circuit(), "ZZ", np.zeros((3, 0, 2))),
}


@pytest.mark.parametrize("precision", [None, 0.5])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_results_have_shapes_and_metadata_of_the_stock_ones(kind, precision):
    pubs = [make() for make in PUBS.values()]
    theirs = StatevectorEstimator().run(pubs, precision=precision).result()
    ours = ESTIMATORS[kind]().run(pubs, precision=precision).result()
    assert ours.metadata == theirs.metadata
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.data.shape == other.data.shape
        for name in ("evs", "stds"):
            array = mine.data[name]
            assert isinstance(array, np.ndarray) and array.shape == other.data[name].shape
            assert array.dtype == other.data[name].dtype
        expected = other.metadata
        if kind == "metered" and precision is None:  # whose shots are the job's
            expected = {**expected, "target_precision": mine.metadata["target_precision"]}
        assert expected.items() <= mine.metadata.items()


@pytest.mark.parametrize("precision", [None, 0.5])
def test_sampled_results_have_the_metadata_of_sampled_stock_ones(precision):
    pubs = [PUBS[name]() for name in ("plain", "with precision", "no metadata", "no parameters")]
    options = {"default_precision": 0.125, "seed_simulator": 1}
    stock = BackendEstimatorV2(backend=AerSimulator(), options=options)
    ours = NoisyEstimator(IDEAL, 0.125, np.random.default_rng(0))
    theirs = stock.run(pubs, precision=precision).result()
    for mine, other in zip(ours.run(pubs, precision=precision).result(), theirs, strict=True):
        assert mine.metadata == other.metadata


def test_options_are_read_and_set_by_executors():
    sampled = NoisyEstimator(IDEAL, 0.125, np.random.default_rng(0))
    assert sampled.options.default_precision == 0.125
    for estimator in (EngineEstimator(), sampled):
        estimator.options.default_precision = 0.5
        (result,) = estimator.run([(circuit(), "ZZ", VALUES)]).result()
        assert result.metadata["target_precision"] == 0.5
    assert result.metadata["shots"] == 4


@pytest.mark.parametrize("kind", GRADIENTS)
def test_gradients_of_nothing(kind):
    assert GRADIENTS[kind]().run([], [], np.zeros((0, 2))).result().gradients == []
