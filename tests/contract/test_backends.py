"""What every backend owes: run over the registry and over the entries of ``backends.yaml``."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator

from qhu import registry
from qhu.backends.base import STAGES
from qhu.backends.named import known_backends, open_backend
from qhu.backends.paid import PaidBackend
from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.engine.ansatz import Ansatz
from qhu.engine.preparation import Amplitudes
from qhu.errors import UserError
from qhu.hardware.access import Access, redirected

FILE = Path(__file__).parents[2] / "backends.yaml"
PAGES = Path(__file__).parents[2] / "docs"
ENTRIES = yaml.safe_load(FILE.read_text())
SIGMAS = 5
"""Standard errors that a sampled value may be off: all of some 300 are within in 9,998 of 10,000
runs, and only a device draws anew in every run."""
ROUNDING = 2e-6
"""Error of values in single precision; layers that ask an estimator hand on single precision."""
DEVICE, MEASURED_AS_IS = "ibm_manila", {"resilience_level": 0, "max_qpu_seconds": 1000}
"""An emulated device, and options under which its values are those of the noisy circuit."""


def opens_by_name(kind):
    """Whether a kind needs no options."""
    try:
        open_backend(kind, FILE)
    except UserError:
        return False
    return True


NAMES = sorted({*ENTRIES, *filter(opens_by_name, registry.backend.names())})


def test_every_kind_is_tested():
    tested = {ENTRIES.get(name, {}).get("kind", name) for name in NAMES}
    assert tested == set(registry.backend.names())


@pytest.fixture(scope="module")
def emulator():
    with Emulator("fake_manila", rules=Rules(queue_seconds=0, settle_seconds=0)) as running:
        yield running


@pytest.fixture(params=NAMES)
def backend(request, tmp_path, monkeypatch):
    """A backend, ready to be asked; a device is emulated."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = open_backend(request.param, FILE)
    if not isinstance(made, PaidBackend):
        yield made
        return
    emulator = request.getfixturevalue("emulator")
    options = made.options.model_copy(update=MEASURED_AS_IS)
    made = type(made)(DEVICE, options)
    made.access = Access(emulator.url, emulator.token, emulator.instance, None)
    made.attach("run", "evaluate", lambda line: None)
    with redirected(made.access):
        yield made
        made.close(settle=False)


@pytest.fixture(scope="module")
def ansatz():
    """Two qubits; angles shared, scaled and shifted; outputs that differ; one with a weight."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    circuit = QuantumCircuit(2)
    circuit.rx(0.7 * x[0] + 0.2, 0)
    circuit.ry(x[1], 1)
    circuit.ry(w[0], 0)
    circuit.cz(0, 1)
    circuit.rx(w[1] - x[0], 1)
    circuit.rz(w[2], 0)
    circuit.rx(w[0], 0)
    outputs = (SparsePauliOp("IZ"), SparsePauliOp("ZI"), SparsePauliOp(["ZZ", "IZ"], [0.5, -0.3]))
    return Ansatz(circuit, tuple(x), tuple(w), outputs)


X = np.array([[0.3, -1.2], [2.0, 0.9], [-0.4, 2.8]])
W = np.array([1.1, -0.6, 0.5])
ROWS = np.array([[0.7, -0.4, 1.1, 0.9], [0.0, 0.0, -2.0, 0.5], [-3.0, 0.0, 0.0, 0.0]])
COTANGENT = np.array([[0.7, -1.0, 0.4], [0.2, 0.5, -0.9], [-0.6, 0.8, 0.3]])
STEP, DIFFERENCES = 1e-4, 1e-5
"""Of central differences: the step, and their error together with single precision."""


def truth(backend, ansatz, x, w):
    """Expectation values (B, M) by Qiskit alone, under the noise that the record declares."""
    declared = backend.recorded(json.loads(json.dumps(backend.effective())), ansatz)
    if declared is None:
        return np.array([pure(ansatz, row, w) for row in x])
    return noisy(declared.ansatz, declared.noise, x, w)


def pure(ansatz, row, w):
    values = dict(zip((*ansatz.inputs, *ansatz.weights), (*row, *w), strict=True))
    state = Statevector(ansatz.circuit.assign_parameters(values))
    return [state.expectation_value(observable).real for observable in ansatz.observables]


def noisy(ansatz, noise, x, w):
    """Aer's density matrices, then the readout error of each qubit; observables of Z alone."""
    order = (*ansatz.inputs, *ansatz.weights)
    circuits = []
    for row in x:
        bound = ansatz.circuit.assign_parameters(dict(zip(order, (*row, *w), strict=True)))
        bound.save_density_matrix()
        circuits.append(bound)
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    found = simulator.run(circuits).result()
    states = [np.diag(found.data(k)["density_matrix"].data).real for k in range(len(x))]
    qubits = ansatz.circuit.num_qubits
    for item in noise.to_dict()["errors"]:
        if item["type"] == "roerror":
            states = [read(p, np.array(item["probabilities"]), item, qubits) for p in states]
    return np.array([[p @ diagonal(o) for o in ansatz.observables] for p in states])


def read(outcomes, confusion, item, qubits):
    """Outcomes as read: one error of every qubit that the item names, or of all."""
    where = [q for (q,) in item["gate_qubits"]] if "gate_qubits" in item else range(qubits)
    outcomes = outcomes.reshape([2] * qubits)
    for qubit in where:
        axis = qubits - 1 - qubit
        outcomes = np.moveaxis(np.moveaxis(outcomes, axis, -1) @ confusion, -1, axis)
    return outcomes.ravel()


def diagonal(observable):
    matrix = observable.to_matrix(sparse=True)
    assert abs(matrix - np.diag(matrix.diagonal())).max() == 0
    return matrix.diagonal().real


def error_of(layer, ansatz):
    """Standard error (M,) at most of one value of each output, as the layer declares it."""
    weights = np.array([np.abs(observable.coeffs).sum() for observable in ansatz.observables])
    return layer.neural_network.default_precision * weights


def made(backend, ansatz, seed=0):
    layer = backend.layer(ansatz, seed)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(W))
    return layer


def values(layer, x):
    with torch.no_grad():
        return layer(torch.tensor(x, dtype=torch.float32)).double().numpy()


def test_values_are_qiskits_within_the_declared_noise(backend, ansatz):
    layer = made(backend, ansatz)
    bound = ROUNDING + SIGMAS * error_of(layer, ansatz)
    expected = truth(backend, ansatz, X, W)
    assert (np.abs(values(layer, X) - expected) < bound).all()
    network = layer.neural_network.forward(X, W)  # in double precision
    assert (np.abs(network - expected) < bound - ROUNDING + 1e-10).all()


def test_gradients_are_finite_differences(backend, ansatz):
    layer = made(backend, ansatz)
    x = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    layer(x).backward(torch.tensor(COTANGENT, dtype=torch.float32))

    def total(x, w):
        return (truth(backend, ansatz, x, w) * COTANGENT).sum(axis=1)

    by_w = [(total(X, W + h) - total(X, W - h)).sum() / (2 * STEP) for h in STEP * np.eye(3)]
    by_x = [(total(X + h, W) - total(X - h, W)) / (2 * STEP) for h in STEP * np.eye(2)]
    # A parameter stands in two places at most, in each with half the difference of two values.
    single = 2 * math.sqrt(0.5) * np.linalg.norm(error_of(layer, ansatz) * COTANGENT, axis=1)
    off_x = np.abs(x.grad.numpy().T - by_x)
    off_w = np.abs(layer.weight.grad.numpy() - by_w)
    assert (off_x < DIFFERENCES + SIGMAS * single).all()
    assert (off_w < DIFFERENCES + SIGMAS * np.linalg.norm(single)).all()


def test_a_prepared_state_is_encoded_from_the_rows(backend):
    """Values by Qiskit's own preparation; derivatives by rows through every angle."""
    ansatz = prepared_ansatz()
    layer = made(backend, ansatz)
    rows = torch.tensor(ROWS, dtype=torch.float32, requires_grad=True)
    found = layer(rows)
    if backend.recorded(json.loads(json.dumps(backend.effective())), ansatz) is None:
        rest = ansatz.rest.assign_parameters(dict(zip(ansatz.weights, W, strict=True)))
        states = [Statevector(row / np.linalg.norm(row)).evolve(rest) for row in ROWS]
        expected = [[s.expectation_value(o).real for o in ansatz.observables] for s in states]
    else:
        expected = truth(backend, ansatz, ansatz.values(torch.tensor(ROWS)).numpy(), W)
    bound = ROUNDING + SIGMAS * error_of(layer, ansatz)
    assert (np.abs(found.detach().double().numpy() - expected) < bound).all()
    found.sum().backward()
    assert rows.grad.isfinite().all() and rows.grad.any() and layer.weight.grad.any()
    if not error_of(layer, ansatz).any():
        steps = [torch.tensor(step, dtype=torch.float32) for step in 1e-2 * np.eye(4)]
        by_rows = torch.stack([layer(rows + s).sum(1) - layer(rows - s).sum(1) for s in steps], 1)
        assert torch.allclose(rows.grad[0], by_rows[0] / 2e-2, atol=2e-3)


def prepared_ansatz():
    """Two qubits: amplitudes, then a circuit of three weights."""
    w = ParameterVector("w", 3)
    rest = QuantumCircuit(2)
    rest.ry(w[0], 0)
    rest.cz(0, 1)
    rest.rx(w[1], 1)
    rest.ry(w[2], 0)
    preparation = Amplitudes(4)
    x = ParameterVector("x", preparation.num_angles)
    outputs = (SparsePauliOp("IZ"), SparsePauliOp("ZI"), SparsePauliOp(["ZZ", "IZ"], [0.5, -0.3]))
    circuit = preparation.circuit(list(x)).compose(rest)
    return Ansatz(circuit, tuple(x), tuple(w), outputs, (), preparation, rest)


def test_a_row_does_not_depend_on_its_batch(backend, ansatz):
    layer = made(backend, ansatz)
    bound = ROUNDING + SIGMAS * math.sqrt(2) * error_of(layer, ansatz)
    batch = values(layer, X)
    for order in ([0], [2, 1], [1, 1, 0, 2]):
        assert (np.abs(values(layer, X[order]) - batch[order]) < bound).all()
    nested = values(layer, X.reshape(3, 1, 2))
    assert nested.shape == (3, 1, 3)
    assert (np.abs(nested[:, 0] - batch) < bound).all()


def test_the_seed_decides(backend, ansatz):
    def draws(seed):
        layer = made(backend, ansatz, seed)
        return np.stack([values(layer, X), values(layer, X)])

    first = draws(1)
    torch.rand(3), np.random.default_rng().random()  # whatever else ran in this process
    assert np.array_equal(draws(1), first)
    assert np.array_equal(draws(2), first) != backend.sampled
    assert np.array_equal(first[0], first[1]) != backend.sampled


def test_a_copy_in_another_process_gives_the_same(backend, ansatz):
    copy = pickle.loads(pickle.dumps(backend))
    assert type(copy) is type(backend) and copy.options == backend.options
    assert (copy.name, copy.label, copy.identity) == (backend.name, backend.label, backend.identity)
    if isinstance(backend, PaidBackend):
        assert copy.access == backend.access
    assert copy.effective() == backend.effective()
    expected = values(made(backend, ansatz, 3), X)
    for other in (copy, pickle.loads(pickle.dumps(backend))):
        assert np.array_equal(values(made(other, ansatz, 3), X), expected)
        assert np.array_equal(truth(other, ansatz, X, W), truth(backend, ansatz, X, W))


def test_what_is_recorded_is_json(backend, ansatz):
    before = backend.effective()
    made(backend, ansatz)
    for record in (backend.identity, before, backend.effective()):
        text = json.dumps(record, allow_nan=False, sort_keys=True)
        assert json.dumps(json.loads(text), sort_keys=True) == text
    assert backend.effective()["kind"] in registry.backend.names()


def test_options_decide_what_is_identified(backend):
    written = json.loads(json.dumps(backend.options.model_dump(mode="json")))
    kind = backend.effective()["kind"]
    assert registry.backend.options(kind, written) == backend.options
    fields = set(type(backend.options).model_fields)
    assert backend.incidental <= fields
    changed = backend.options.model_dump(exclude_defaults=True).keys() - backend.incidental
    assert changed <= backend.identity.keys()


def test_a_differentiable_layer_is_made_of_tensor_operations(backend, ansatz):
    if not backend.differentiable:
        pytest.skip("it asks an estimator")
    layer = made(backend, ansatz).double()
    x, w = torch.tensor(X), torch.tensor(W)

    def outputs(weights):
        return torch.func.functional_call(layer, {"_weights": weights, "weight": weights}, (x,))

    stack = torch.stack([w, w + 0.3, w - 1.0])
    mapped = torch.func.vmap(outputs)(stack)
    assert torch.allclose(mapped, torch.stack([outputs(one) for one in stack]), atol=1e-12)
    second = torch.func.hessian(lambda weights: outputs(weights).sum())(w)
    for row, h in zip(second, STEP * torch.eye(3, dtype=torch.double), strict=True):
        slope = torch.func.grad(lambda weights: outputs(weights).sum())
        assert torch.allclose(row, (slope(w + h) - slope(w - h)) / (2 * STEP), atol=1e-6)


def test_stages_are_known_and_names_explained(backend, request):
    assert backend.stages and set(backend.stages) <= set(STAGES)
    assert backend.label and isinstance(backend.label, str)
    name = request.node.callspec.params["backend"]
    assert known_backends(FILE)[name]


@pytest.mark.parametrize("kind", registry.backend.names())
def test_explained_in_a_line_each_and_wrong_options_refused(kind):
    entry = registry.backend[kind]
    assert entry.summary.endswith(".") and len(entry.summary) <= 100
    assert all(field.description for field in entry.options.model_fields.values())
    with pytest.raises(UserError, match=f"backend '{kind}'"):
        registry.backend.options(kind, {"no_such_option": 1})
