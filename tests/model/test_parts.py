"""Parts of a network by name, by short form, and as classes of the user's own."""

import sys
import textwrap

import pytest
import torch

from qhu.errors import UserError
from qhu.settings.experiment import Experiment, make_experiment
from qhu.settings.model import ModelSpec


def test_short_forms_are_what_they_are_short_for():
    short = ModelSpec(layers=3, angle=0.5, reupload=True, hidden=[8], entanglement="full")
    long = ModelSpec(
        ansatz={"layers": 3, "entanglement": "full"},
        encoding={"name": "rotations", "angle": 0.5, "reupload": True},
        head={"name": "mlp", "hidden": [8]},
    )
    assert short == long
    assert ModelSpec.model_validate(short.model_dump(mode="json")) == short
    assert ModelSpec().model_dump(exclude_defaults=True) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layers": 3, "ansatz": {"layers": 2}}, "model.layers is short for model.ansatz.layers"),
        ({"head": "deep", "hidden": [8]}, "the head 'deep' has no such option"),
        ({"reps": 3}, "the encoding 'rotations' has .*; the ansatz 'rotations_cz' has no such"),
        ({"layer": 3}, "did you mean 'model.layers'"),
        ({"ansatz": 3}, "model.ansatz: give a name"),
        ({"ansatz": "rotation_cz"}, "did you mean 'rotations_cz'"),
        ({"observables": ["ZZ", "Q"]}, "'Q' is no sum of Pauli strings"),
        ({"observables": []}, "must hold 1 entries or more"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        ModelSpec(**given)


def made(model, *overrides):
    given = {"name": "x", "model": model, "scenarios": {"s": {"label": 0}}, "methods": ["none"]}
    return make_experiment(given, "here", overrides).model


def test_an_override_wins_in_either_form():
    for model in ({"layers": 2}, {"ansatz": {"layers": 2}}):
        for override in ("model.layers=5", "model.ansatz.layers=5"):
            assert made(model, override).ansatz.options.layers == 5
    assert made({"hidden": [8]}, "model.head=deep").head.name == "deep"


def test_an_override_reaches_the_options_of_a_part_given_by_name():
    model = made({"encoding": "iqp"}, "model.encoding.angle=0.5", "model.ansatz.layers=3")
    assert model.encoding.options.angle == 0.5 and model.ansatz.options.layers == 3
    model = made(
        {}, "model.ansatz=real_amplitudes", "model.ansatz.reps=1", "model.entanglement=sca"
    )
    assert (model.ansatz.options.reps, model.ansatz.options.entanglement) == (1, "sca")
    model = made({"observables": ["ZZ"]}, "model.observables.terms=[XX, ZZ]")
    assert model.observables.options.terms == ("XX", "ZZ")


def test_the_settings_make_the_round_trip_as_json():
    given = {"name": "x", "scenarios": {"s": {"label": 0}}, "methods": ["none"]}
    experiment = Experiment(**given, model={"observables": ["ZI", "0.5*XX-0.5*.Z"]})
    dumped = experiment.model_dump(mode="json", exclude_defaults=True)
    assert dumped["model"] == {"observables": {"name": "paulis", "terms": ["ZI", "0.5*XX-0.5*.Z"]}}
    assert Experiment.model_validate(dumped) == experiment


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module of the user's own in the working folder, imported by nobody yet."""
    (tmp_path / "ownparts.py").write_text(
        textwrap.dedent(
            """
            import torch

            class Scaled(torch.nn.Module):
                def __init__(self, features, outputs, width=3):
                    super().__init__()
                    self.scale = torch.nn.Parameter(torch.rand(features))
                    self.hidden = torch.nn.Linear(features, width)
                    self.out = torch.nn.Linear(width, outputs)

                def forward(self, x):
                    return self.out(torch.tanh(self.hidden(self.scale * x)))
            """
        )
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "ownparts"
    sys.modules.pop("ownparts", None)


def test_any_torch_module_is_a_front_or_a_head(make_net, own_module):
    front = {"name": f"{own_module}:Scaled", "width": 5}
    net = make_net(front=front, qubits=4, head="torch.nn:Linear", layers=1)
    assert net(torch.rand(2, 4)).shape == (2, 3)
    first, other = (net.initial(torch.Generator().manual_seed(seed)) for seed in (0, 1))
    again = net.initial(torch.Generator().manual_seed(0))
    place = net.theta.slices["front.scale"]
    assert torch.equal(first.theta, again.theta)
    assert not torch.equal(first.theta[place], other.theta[place])


def test_a_plain_network_has_no_quantum_layer(make_net, own_module):
    net = make_net(front="torch.nn:Linear", qubits=6, quantum=False, head=f"{own_module}:Scaled")
    assert not net.theta.mask("quantum").any()
    assert net(torch.rand(2, 4)).shape == (2, 3)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("nosuchmodule:Head", "model.head: module 'nosuchmodule' does not load"),
        ("torch.nn:NoSuchThing", "has no class or function 'NoSuchThing'"),
        ({"name": "torch.nn:Linear", "depth": 3}, "cannot be made with"),
    ],
)
def test_a_class_that_cannot_be_used_is_told_in_a_line(make_net, head, message):
    with pytest.raises(UserError, match=message) as caught:
        make_net(head=head)
    assert "\n" not in str(caught.value)


def test_outputs_follow_the_observables(make_net):
    net = make_net(observables=["ZIII", "XX..", "0.5*ZZII+0.5*XXII"], layers=1)
    assert net.features(torch.rand(2, 4)).shape == (2, 3)
    with pytest.raises(UserError, match="has 2 letters and the circuit 4 qubits"):
        make_net(observables=["ZZ"])
