"""What every registered encoding, ansatz and set of observables owes: run over the registries."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from families import CHOSEN, FEATURES, PAIRS, exact_errors, model

from qhu import registry
from qhu.backends.named import open_backend
from qhu.errors import UserError
from qhu.model.circuit import build_ansatz
from qhu.model.hybrid import HybridNet
from qhu.settings.model import DEFAULTS, ModelSpec

KINDS = ("encoding", "ansatz", "observables")
PARTS = [(kind, name) for kind in DEFAULTS for name in getattr(registry, kind).names()]
LISTED = [
    (kind, name)
    for kind, names in registry.REGISTRIES.items()
    if names.package.startswith("qhu.model.")
    for name in names.names()
]
DOCS = Path(__file__).parents[2] / "docs" / "networks"


def net_of(spec):
    return HybridNet(spec, (FEATURES,), 2, open_backend("statevector"))


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_explained_in_a_line_each_and_wrong_options_refused(kind, name):
    entry = getattr(registry, kind)[name]
    assert entry.summary.endswith(".") and len(entry.summary) <= 100
    assert all(field.description for field in entry.options.model_fields.values())
    with pytest.raises(UserError, match=f"{kind} '{name}'.*no_such_option"):
        getattr(registry, kind).options(name, {**CHOSEN.get(name, {}), "no_such_option": 1})


@pytest.mark.parametrize(("kind", "name"), LISTED)
def test_its_section_names_every_option_and_its_default(kind, name):
    page = (DOCS / f"{kind}.md").read_text()
    (own,) = re.findall(rf"^## `{name}`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    shared = "".join(re.findall(r"^## What.*?(?=^## )", page, re.MULTILINE | re.DOTALL))
    for option, field in registry.REGISTRIES[kind][name].options.model_fields.items():
        row = rf"^\| `{option}` \| (.*?) \| .+ \|$"
        (default,) = re.findall(row, own, re.M) or re.findall(row, shared, re.M)
        assert f"`{option}`" in own
        required, given = field.is_required(), field.default
        assert default == "–" if required else yaml.safe_load(default) == jsonable(given), option


def jsonable(value):
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(("kind", "name"), [part for part in PARTS if part[0] in KINDS])
def test_settings_pass_through_json_and_pickle(kind, name):
    spec = model(**{kind: name})
    assert ModelSpec.model_validate(json.loads(spec.model_dump_json())) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    again = build_ansatz(pickle.loads(pickle.dumps(spec)), FEATURES)
    assert str(again.circuit.draw()) == str(build_ansatz(spec, FEATURES).circuit.draw())


@pytest.mark.parametrize(("encoding", "ansatz"), PAIRS)
def test_values_and_gradients_are_qiskits(encoding, ansatz):
    off, slope_off = exact_errors(build_ansatz(model(encoding, ansatz), FEATURES))
    assert off < 1e-10 and slope_off < 1e-6


@pytest.mark.parametrize("name", registry.observables.names())
def test_observables_are_hermitian_and_one_output_each(name):
    made = build_ansatz(model(observables=name), FEATURES)
    assert all(np.isreal(item.coeffs).all() for item in made.observables)
    off, slope_off = exact_errors(made)
    assert off < 1e-10 and slope_off < 1e-6


@pytest.mark.parametrize(("encoding", "ansatz"), PAIRS)
def test_a_step_lowers_the_loss_and_layers_add_up(encoding, ansatz):
    torch.manual_seed(0)
    net = net_of(model(encoding, ansatz))
    quantum = [place for name, place in net.theta.layers.items() if name.startswith("quantum.")]
    weights = sum(p.numel() for p in net.quantum.parameters())
    assert sum(place.stop - place.start for place in quantum) == weights > 0
    x, y = torch.randint(0, 2, (8, FEATURES)).float(), torch.arange(8) % 2
    state = net.initial(torch.Generator().manual_seed(1))
    theta = state.theta.requires_grad_()
    before = torch.nn.functional.cross_entropy(net.logits(theta, x, state.buffers), y)
    (slope,) = torch.autograd.grad(before, theta)
    assert slope[net.theta.mask("quantum")].abs().max() > 0
    after = net.logits(theta - 1e-2 * slope / slope.norm(), x, state.buffers)
    assert torch.nn.functional.cross_entropy(after, y) < before


@pytest.mark.parametrize("name", registry.front.names())
def test_a_front_gives_the_features_that_the_encoding_takes(name):
    shape, width = ((FEATURES,), None) if name == "none" else ((8, 8), FEATURES)
    net = HybridNet(ModelSpec(front=name, qubits=width), shape, 2, open_backend("statevector"))
    features = net.front(torch.rand(5, *shape, requires_grad=True))
    assert features.shape == (5, FEATURES) and features.requires_grad


@pytest.mark.parametrize("name", registry.head.names())
@pytest.mark.parametrize("inputs", [1, 5])
def test_a_head_gives_a_logit_per_class(name, inputs):
    head = registry.head[name].make(inputs, 3, registry.head.options(name, {}))
    logits = head(torch.rand(4, inputs, requires_grad=True))
    assert logits.shape == (4, 3) and logits.requires_grad


@pytest.mark.parametrize("name", registry.encoding.names())
def test_uploading_again_repeats_the_encoding_before_every_layer(name):
    if "reupload" not in registry.encoding[name].options.model_fields:
        pytest.skip("it is a state, not a gate")
    once = build_ansatz(model(name, "real_amplitudes"), FEATURES)  # two layers
    again = build_ansatz(model(name, "real_amplitudes", reupload=True), FEATURES)
    encoding = registry.encoding[name].make(registry.encoding.options(name, CHOSEN.get(name, {})))
    gates = encoding.circuit(list(once.inputs)).size()
    assert again.circuit.size() == once.circuit.size() + gates
    off, slope_off = exact_errors(again)
    assert off < 1e-10 and slope_off < 1e-6
