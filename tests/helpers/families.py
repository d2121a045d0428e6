"""A small network of every registered encoding and ansatz, and what Qiskit says of it."""

import itertools
import json

import numpy as np
import torch
from qiskit.quantum_info import Statevector

from qhu import registry
from qhu.backends.named import open_backend
from qhu.engine.connector import engine_layer
from qhu.model.hybrid import HybridNet
from qhu.settings.model import ModelSpec

ENCODINGS, ANSATZE = registry.encoding.names(), registry.ansatz.names()
PAIRS = list(itertools.product(ENCODINGS, ANSATZE))
CHOSEN = {
    "paulis": {"terms": ["ZIX", "0.5*YYI-2*.Z."]},
    "amplitude": {"pad": 0.5},
    "pauli_feature_map": {"paulis": ["Y", "ZX"], "entanglement": "linear"},
}
"""Options of entries that cannot be made without for three features, or that differ by them."""
FEATURES, ROWS, STEP = 3, 2, 1e-5


def model(encoding="rotations", ansatz="rotations_cz", observables="z", **short):
    """A small network of registered parts."""
    depth = "reps" if "reps" in registry.ansatz[ansatz].options.model_fields else "layers"
    if encoding in CHOSEN:
        encoding = {"name": encoding, **CHOSEN[encoding]}
    parts = {"encoding": encoding, "ansatz": {"name": ansatz, depth: 1}}
    given = {"name": observables, **CHOSEN.get(observables, {})}
    return ModelSpec(**parts, observables=given, head={"name": "mlp", "hidden": []}, **short)


def samples(ansatz, seed=0):
    """Rows of features and the weights of all of them."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (ROWS, ansatz.features)) + 0.0
    x += rng.uniform(-0.9, 0.9, x.shape)
    return x, rng.uniform(-3, 3, len(ansatz.weights))


def by_qiskit(ansatz, x, w):
    """Exact values (rows, observables) by Qiskit's Statevector."""
    inputs = ansatz.values(torch.tensor(x)).numpy()
    order = [*ansatz.inputs, *ansatz.weights]
    bound = (dict(zip(order, (*row, *w), strict=True)) for row in inputs)
    states = [Statevector(ansatz.circuit.assign_parameters(values)) for values in bound]
    return np.array([[s.expectation_value(o).real for o in ansatz.observables] for s in states])


def exact_errors(ansatz):
    """Of the exact layer: of its values, and of its slope along a line against differences."""
    x, w = samples(ansatz)
    layer = engine_layer(ansatz).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(w))
    rows = torch.tensor(x, requires_grad=True)
    outputs = layer(rows)
    off = np.abs(outputs.detach().numpy() - by_qiskit(ansatz, x, w)).max()
    rng = np.random.default_rng(1)
    cotangent = rng.normal(size=outputs.shape)
    along_x, along_w = rng.normal(size=x.shape), rng.normal(size=w.shape)
    outputs.backward(torch.tensor(cotangent))
    slope = (rows.grad.numpy() * along_x).sum() + layer.weight.grad.numpy() @ along_w
    ends = [by_qiskit(ansatz, x + s * along_x, w + s * along_w) for s in (STEP, -STEP)]
    expected = ((ends[0] - ends[1]) * cotangent).sum() / (2 * STEP)
    return off, abs(slope - expected) / max(1, abs(expected))


def losses(spec, steps=20):
    """Cross-entropy of a network on a few rows before and after exact training by Adam."""
    net = HybridNet(spec, (FEATURES,), 2, open_backend("statevector"))
    net.load(net.initial(torch.Generator().manual_seed(1)))
    x = torch.rand((8, FEATURES), generator=torch.Generator().manual_seed(0)).round()
    y, adam = torch.arange(8) % 2, torch.optim.Adam(net.parameters(), 0.02)
    found = []
    for _ in range(steps + 1):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        found.append(loss.item())
        adam.zero_grad()
        loss.backward()
        adam.step()
    return found[0], found[-1]


def values(layer, x, w):
    """Values of a layer, in single precision."""
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(w))
        return layer(torch.tensor(x, dtype=torch.float32)).double().numpy()


def noisy_error(ansatz, **device):
    """Of exact values under a device's noise, against Aer's density matrices."""
    kind = registry.backend["aer"]
    found = []
    for simulator in ("qhu", "aer"):
        options = registry.backend.options("aer", {**device, "simulator": simulator})
        found.append(values(kind.make("twin", options).layer(ansatz, 0), *samples(ansatz)))
    return np.abs(found[0] - found[1]).max()


def emulated_sigmas(ansatz, backend):
    """Of values measured on an emulated device: standard errors from those of its noise."""
    x, w = samples(ansatz)
    layer = backend.layer(ansatz, 0)
    found = values(layer, x, w)
    declared = backend.recorded(json.loads(json.dumps(backend.effective())), ansatz)
    expected = values(engine_layer(declared.ansatz, declared.noise), x, w)
    sizes = np.array([np.abs(observable.coeffs).sum() for observable in ansatz.observables])
    return (np.abs(found - expected) / (layer.neural_network.default_precision * sizes)).max()
