"""What every registered encoding, ansatz and set of observables owes: run over the registries."""

import itertools
import json
import pickle

import numpy as np
import pytest
import torch

from qhu import registry
from qhu.backends.named import open_backend
from qhu.errors import UserError
from qhu.model.circuit import build_ansatz
from qhu.model.hybrid import HybridNet
from qhu.settings.model import DEFAULTS, ModelSpec

KINDS = ("encoding", "ansatz", "observables")
PARTS = [(kind, name) for kind in DEFAULTS for name in getattr(registry, kind).names()]
PAIRS = list(itertools.product(registry.encoding.names(), registry.ansatz.names()))
NEEDED = {"paulis": {"terms": ["ZIX", "0.5*YYI-2*.Z."]}, "amplitude": {"pad": 0.5}}
"""Options of the entries that cannot be made without, for three qubits."""
QUBITS, ROWS, STEP = 3, 2, 1e-5


def model(encoding="rotations", ansatz="rotations_cz", observables="z", **short):
    """A small network of registered parts."""
    depth = "reps" if "reps" in registry.ansatz[ansatz].options.model_fields else "layers"
    if encoding == "amplitude":  # three features are filled up
        encoding = {"name": encoding, **NEEDED[encoding]}
    parts = {"encoding": encoding, "ansatz": {"name": ansatz, depth: 1}}
    given = {"name": observables, **NEEDED.get(observables, {})}
    return ModelSpec(**parts, observables=given, head={"name": "mlp", "hidden": []}, **short)


def net_of(spec):
    return HybridNet(spec, (QUBITS,), 2, open_backend("statevector"))


def samples(ansatz, seed=0):
    """Inputs and weights of a few rows."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (ROWS, ansatz.features)) + 0.0
    x += rng.uniform(-0.9, 0.9, x.shape)
    return x, rng.uniform(-3, 3, len(ansatz.weights))


def features(net, x, w):
    weights = torch.tensor(w, requires_grad=True)
    layer = net.quantum.double()
    named = {name: weights for name, _ in layer.named_parameters()}
    return weights, torch.func.functional_call(layer, named, (x,))


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_explained_in_a_line_each_and_wrong_options_refused(kind, name):
    entry = getattr(registry, kind)[name]
    assert entry.summary.endswith(".") and len(entry.summary) <= 100
    assert all(field.description for field in entry.options.model_fields.values())
    with pytest.raises(UserError, match=f"{kind} '{name}'.*no_such_option"):
        getattr(registry, kind).options(name, {**NEEDED.get(name, {}), "no_such_option": 1})


@pytest.mark.parametrize(("kind", "name"), [part for part in PARTS if part[0] in KINDS])
def test_settings_pass_through_json_and_pickle(kind, name):
    spec = model(**{kind: name})
    assert ModelSpec.model_validate(json.loads(spec.model_dump_json())) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    again = build_ansatz(pickle.loads(pickle.dumps(spec)), QUBITS)
    assert str(again.circuit.draw()) == str(build_ansatz(spec, QUBITS).circuit.draw())


@pytest.mark.parametrize(("encoding", "ansatz"), PAIRS)
def test_values_and_gradients_are_qiskits(encoding, ansatz, exact):
    spec = model(encoding, ansatz)
    made = build_ansatz(spec, QUBITS)
    net = net_of(spec)
    x, w = samples(made)
    assert_exact(net, made, x, w, exact)


@pytest.mark.parametrize("name", registry.observables.names())
def test_observables_are_hermitian_and_one_output_each(name, exact):
    spec = model(observables=name)
    made = build_ansatz(spec, QUBITS)
    assert all(np.isreal(item.coeffs).all() for item in made.observables)
    net = net_of(spec)
    x, w = samples(made)
    assert_exact(net, made, x, w, exact)


def assert_exact(net, made, x, w, exact):
    """Values are those of Qiskit's Statevector, gradients their differences."""
    rows = torch.tensor(x, requires_grad=True)
    weights, outputs = features(net, rows, w)

    def by_qiskit(x, w):
        inputs = made.values(torch.tensor(x)).numpy()
        return exact(made, np.concatenate([inputs, np.tile(w, (ROWS, 1))], axis=1))

    np.testing.assert_allclose(outputs.detach().numpy(), by_qiskit(x, w), atol=1e-10)
    rng = np.random.default_rng(1)
    cotangent = rng.normal(size=outputs.shape)
    along_x, along_w = rng.normal(size=x.shape), rng.normal(size=w.shape)
    outputs.backward(torch.tensor(cotangent))
    slope = (rows.grad.numpy() * along_x).sum() + weights.grad.numpy() @ along_w
    ends = [by_qiskit(x + step * along_x, w + step * along_w) for step in (STEP, -STEP)]
    expected = ((ends[0] - ends[1]) * cotangent).sum() / (2 * STEP)
    assert abs(slope - expected) < 1e-6 * max(1, abs(expected))


@pytest.mark.parametrize(("encoding", "ansatz"), PAIRS)
def test_a_step_lowers_the_loss_and_layers_add_up(encoding, ansatz):
    torch.manual_seed(0)
    net = net_of(model(encoding, ansatz))
    quantum = [place for name, place in net.theta.layers.items() if name.startswith("quantum.")]
    weights = sum(p.numel() for p in net.quantum.parameters())
    assert sum(place.stop - place.start for place in quantum) == weights > 0
    x, y = torch.randint(0, 2, (8, QUBITS)).float(), torch.arange(8) % 2
    state = net.initial(torch.Generator().manual_seed(1))
    theta = state.theta.requires_grad_()
    before = torch.nn.functional.cross_entropy(net.logits(theta, x, state.buffers), y)
    (slope,) = torch.autograd.grad(before, theta)
    assert slope[net.theta.mask("quantum")].abs().max() > 0
    after = net.logits(theta - 1e-2 * slope / slope.norm(), x, state.buffers)
    assert torch.nn.functional.cross_entropy(after, y) < before


@pytest.mark.parametrize("name", registry.encoding.names())
def test_uploading_again_repeats_the_encoding_before_every_layer(name, exact):
    if "reupload" not in registry.encoding[name].options.model_fields:
        pytest.skip("it is a state, not a gate")
    spec = model({"name": name, "reupload": True}, "real_amplitudes")  # two layers
    once, again = build_ansatz(model(name, "real_amplitudes"), QUBITS), build_ansatz(spec, QUBITS)
    encoding = registry.encoding[name].make(registry.encoding.options(name, {}))
    gates = encoding.circuit(list(once.inputs)).size()
    assert again.circuit.size() == once.circuit.size() + gates
    assert_exact(net_of(spec), again, *samples(again), exact)
