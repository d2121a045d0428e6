import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from qhu import registry
from qhu.backends.named import open_backend
from qhu.errors import UnknownName, UserError

BACKENDS = Path(__file__).parents[2] / "backends.yaml"


def aer(**options):
    entry = registry.backend["aer"]
    return entry.make("twin", registry.backend.options("aer", options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give device .* or depolarizing"),
        ({"device": "fake_manila", "t1": 10, "t2": 5}, "not both: drop device or t1"),
        ({"depolarizing": [0.1, 1.2]}, "depolarizing.1: must be 1 or less"),
        ({"readout": [-0.1, 0.2]}, "readout.0: must be 0 or more"),
        ({"readout": 0.1}, "readout: must be a list"),
        ({"t1": 10}, "t1 and t2 come together"),
        ({"t1": 10, "t2": 21}, "at most 2·t1 = 20"),
        ({"t1": 0, "t2": 1}, "t1: must be more than 0"),
        ({"depolarizing": [0, 0], "shots": 0}, "shots: must be more than 0"),
        ({"depolarizing": [0, 0], "layout": [0, 1]}, "layout names a device's qubits"),
        ({"device": "fake_manila", "optimization_level": 4}, "optimization_level"),
    ],
)
def test_wrong_options_say_what_to_mend(options, message):
    with pytest.raises(UserError, match=message):
        aer(**options)


@pytest.mark.parametrize("name", ["fake_manila", "ibm_manila", "manila"])
def test_a_device_goes_by_its_snapshot(name):
    assert aer(device=name).options.device == "fake_manila"


def test_an_unknown_device_offers_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'fake_brisbane'"):
        aer(device="ibm_brisban")


def test_zero_noise_gives_qiskits_values(make_ansatz, draw, exact):
    ansatz = make_ansatz(3, 2)
    rows = draw(ansatz, 5)
    rows[:, 3:] = rows[0, 3:]
    layer = aer(depolarizing=[0, 0]).layer(ansatz, 0)
    got = layer.neural_network.forward(rows[:, :3], rows[0, 3:])
    np.testing.assert_allclose(got, exact(ansatz, rows), atol=1e-12)


@pytest.mark.parametrize("layout", [[0, 1], [1, 0], [3, 2], [3, 4]])
def test_outputs_keep_their_order_whatever_the_layout(layout, make_ansatz, draw, exact):
    """A permuting layout swaps outputs silently where observables are not laid out."""
    ansatz = make_ansatz(2)
    rows = draw(ansatz, 1, seed=8)
    layer = aer(device="fake_manila", layout=layout).layer(ansatz, 0)
    got = layer.neural_network.forward(rows[:, :2], rows[0, 2:])
    noiseless = exact(ansatz, rows)
    assert abs(noiseless[0, 0] - noiseless[0, 1]) > 1
    np.testing.assert_allclose(got, noiseless, atol=0.25)


def test_a_layer_trains_front_and_weights(make_ansatz):
    layer = aer(device="fake_manila").layer(make_ansatz(2), 0)
    x = torch.zeros(3, 2, requires_grad=True)
    layer(x).pow(2).sum().backward()
    assert x.grad.shape == (3, 2) and x.grad.abs().max() > 0
    assert layer.weight.grad.abs().max() > 0


def test_shots_follow_the_seed_of_the_layer(make_ansatz):
    ansatz, x = make_ansatz(2), torch.zeros(4, 2)
    backend = aer(device="fake_manila", shots=100)
    layers = [backend.layer(ansatz, seed) for seed in (1, 1, 2)]
    with torch.no_grad():
        for layer in layers:
            layer.weight.fill_(0.3)
        one, same, other = [layer(x) for layer in layers]
        again = layers[0](x)
    assert torch.equal(one, same)
    assert not torch.equal(one, other) and not torch.equal(one, again)
    # Parity of 100 shots is a multiple of 2/100.
    assert torch.allclose((one * 50).round(), one * 50, atol=1e-4)


def test_what_took_effect_is_recorded(make_ansatz):
    backend = aer(device="ibm_manila", shots=1000, transpile_seed=7)
    assert backend.effective()["circuit"] is None
    backend.layer(make_ansatz(3), 0)
    found = json.loads(json.dumps(backend.effective()))
    assert found["device"] == "fake_manila" and found["calibrated"].startswith("2024-05-27")
    assert (found["shots"], found["expectation"], found["transpile_seed"]) == (1000, "shots", 7)
    assert found["simulator"] == "qhu" and found["readout_included"] is True
    assert len(found["circuit"]["qubits"]) >= 3 and found["circuit"]["gates"]["cx"] > 0
    assert set(found["versions"]) == {"qiskit", "qiskit-aer"}


@pytest.mark.parametrize(
    "options",
    [
        {"device": "fake_manila", "transpile_seed": 3, "shots": 100},
        {"device": "fake_manila", "layout": [3, 1, 0], "optimization_level": 1},
        {"depolarizing": [0.01, 0.03], "readout": [0.02, 0.05], "t1": 50, "t2": 70},
    ],
)
def test_the_record_alone_rebuilds_circuit_and_noise(make_ansatz, options):
    ansatz, backend = make_ansatz(3), aer(**options)
    backend.layer(ansatz, 0)
    told = json.loads(json.dumps(backend.effective()))
    isa, ran = registry.backend[told["kind"]].make.recorded(told, ansatz), backend.isa(ansatz)
    assert isa.ansatz.circuit == ran.ansatz.circuit and isa.qubits == ran.qubits
    assert isa.noise == ran.noise and not isa.noise.is_ideal()
    for what in ("calibrated", "circuit"):
        with pytest.raises(UserError, match=f"another '{what}' here; install"):
            backend.recorded({**told, what: "changed"}, ansatz)


def test_an_exact_backend_has_no_noise_to_rebuild(make_ansatz):
    exact = open_backend("statevector")
    assert exact.recorded(exact.effective(), make_ansatz(2)) is None


def test_figures_are_recorded_without_those_that_play_no_part():
    found = aer(depolarizing=[0.01, 0.02]).effective()
    assert found["depolarizing"] == [0.01, 0.02] and found["expectation"] == "exact"
    assert found["readout_included"] is False and "gate_times" not in found
    assert "gate_times" in aer(t1=100, t2=80).effective()


def test_the_isa_ansatz_is_ready_for_other_engines(make_ansatz):
    isa = aer(device="fake_brisbane").isa(make_ansatz(4))
    assert isa.ansatz.circuit.num_qubits == len(isa.qubits) < 10
    assert set(isa.gate_counts) <= {"ecr", "rz", "sx", "x"}
    assert set(isa.noise.noise_qubits) <= set(range(len(isa.qubits)))
    assert isa.ansatz.circuit.layout is None


def test_a_circuit_too_wide_to_simulate_is_refused(make_ansatz):
    with pytest.raises(UserError, match="up to 10 qubits and the circuit takes 11"):
        aer(depolarizing=[0, 0]).isa(make_ansatz(11))


def test_backend_and_layer_travel_to_workers(make_ansatz):
    backend = aer(device="fake_manila")
    layer = backend.layer(make_ansatz(2), 0)
    x = torch.ones(2, 2)
    for clone in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert torch.equal(clone(x), layer(x))
    for clone in (pickle.loads(pickle.dumps(backend)), copy.deepcopy(backend)):
        clone.layer(make_ansatz(2), 0)  # a copy is opened anew, and places the circuit itself
        assert clone.effective() == backend.effective()


@pytest.mark.parametrize("name", list(yaml.safe_load(BACKENDS.read_text())))
def test_every_backend_of_the_file_opens(name):
    assert open_backend(name, BACKENDS).name == name


def test_a_device_is_meant_for_evaluation():
    assert aer(device="fake_manila").stages == ("evaluate",)


@pytest.mark.parametrize(
    "source",
    [
        {"device": "fake_manila"},
        {"device": "fake_brisbane"},
        {"depolarizing": [0.01, 0.03], "readout": [0.02, 0.05], "t1": 50, "t2": 70},
    ],
)
def test_the_engine_gives_aers_values_and_gradients(make_ansatz, draw, source):
    ansatz = make_ansatz(3, 1)
    rows = draw(ansatz, 2)
    x, w = rows[:, :3], rows[0, 3:]
    engine, aers = (aer(**source, simulator=who).layer(ansatz, 0) for who in ("qhu", "aer"))
    assert engine.neural_network.circuit == aers.neural_network.circuit
    np.testing.assert_allclose(
        engine.neural_network.forward(x, w), aers.neural_network.forward(x, w), atol=1e-8
    )
    for ours, theirs in zip(
        engine.neural_network.backward(x, w), aers.neural_network.backward(x, w), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_only_exact_values_of_the_engine_are_plain_tensor_operations():
    assert aer(device="fake_manila").differentiable
    assert not aer(device="fake_manila", simulator="aer").differentiable
    assert not aer(device="fake_manila", shots=100).differentiable
