"""Names that stand for a backend: no entry of a file puts another one behind them."""

from pathlib import Path

import pytest
import yaml

from qhu import registry
from qhu.backends.named import known_backends, open_backend
from qhu.backends.statevector import StatevectorBackend
from qhu.errors import UserError
from qhu.settings.shipped import BACKENDS

NOISY = {"kind": "aer", "depolarizing": [0.1, 0.1]}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("statevector", NOISY, "stands for the kind of backends 'statevector'"),
        ("Statevector", {"kind": "statevector"}, "stands for the kind|differ in case only"),
        ("aer", {"kind": "statevector"}, "stands for the kind of backends 'aer'"),
        ("AER", NOISY, "stands for the kind of backends 'aer'"),
        ("ibm", {"kind": "statevector"}, "stands for the kind of backends 'ibm'"),
        ("fake_manila", NOISY, "stands for the noisy twin fake_manila"),
        ("fake_manila", {"kind": "statevector"}, "stands for the noisy twin fake_manila"),
        ("fake_manila", {"kind": "aer", "device": "fake_lima"}, "the noisy twin fake_manila"),
        ("Fake_Manila", {"kind": "aer", "device": "fake_manila"}, "noisy twin fake_manila"),
        ("fake_mine", {"kind": "statevector"}, "stands for the noisy twin fake_mine"),
        ("ibm_fez", {"kind": "statevector"}, "stands for the device ibm_fez"),
        ("ibm_brisbane", {"kind": "aer", "device": "fake_brisbane"}, "the device ibm_brisbane"),
        ("ibm_fez", {"kind": "ibm", "device": "ibm_lima"}, "stands for the device ibm_fez"),
        ("auto", {"kind": "statevector"}, "stands for the device of your account"),
        ("mine", {"kind": "aerr"}, "the entry 'mine': unknown backend 'aerr': did you mean 'aer'"),
        ("mine", {"depolarizing": [0, 0]}, "'mine' must give its kind: one of aer, ibm"),
        ("mine", {"kind": ["aer"]}, "the entry 'mine': kind must be a name"),
        ("mine", {"kind": "aer", "depolarizing": [0]}, "mine: .*depolarizing: must hold more"),
        ("mine", {"kind": "aer", "depolarising": [0, 0]}, "mine: unknown key .*'depolarizing'"),
    ],
)
def test_an_entry_that_is_not_what_its_name_says_is_refused(name, entry, words):
    Path("backends.yaml").write_text(yaml.safe_dump({name: entry}))
    with pytest.raises(UserError, match=rf"^(entries of )?backends\.yaml.*({words})") as refused:
        open_backend(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("statevector", {"kind": "statevector"}),
        ("statevector", None),
        ("aer", NOISY),
        ("fake_manila", {"kind": "aer", "device": "fake_manila", "shots": 64}),
        ("fake_manila_64", {"kind": "aer", "device": "ibm_manila", "shots": 64}),
        ("ibm", {"shots": 12}),
        ("ibm_fez", {"kind": "ibm", "shots": 12}),
        ("ibm_fez", {"kind": "ibm", "device": "ibm_fez"}),
        ("auto", {"kind": "ibm", "shots": 12}),
        ("shots_64", {"kind": "aer", "depolarizing": [0, 0], "shots": 65}),
    ],
)
def test_an_entry_with_other_options_of_the_same_backend_is_taken(name, entry):
    Path("backends.yaml").write_text(yaml.safe_dump({name: entry}))
    kind = (entry or {}).get("kind", name)
    assert isinstance(open_backend(name), registry.backend[kind].make)


def test_the_shipped_entries_are_what_their_names_say():
    assert set(yaml.safe_load(BACKENDS.read_text())) <= set(known_backends())


@pytest.mark.parametrize("name", ["auto", "fake_mine", "ibm_mine", "IBM_mine"])
def test_no_plugin_takes_a_name_of_devices(name):
    with pytest.raises(UserError, match="the name stands for something else in qhu"):
        registry.backend(name)(StatevectorBackend)


@pytest.mark.parametrize("name", ["oracle", "Teacher", "floor"])
def test_no_plugin_is_called_like_a_model_trained_from_scratch(name):
    with pytest.raises(UserError, match="the name stands for something else in qhu"):
        registry.method(name)(lambda student, task, options: None)


def test_a_backend_that_an_override_takes_back_is_refused(tiny, qhu):
    run = ("run", tiny, "--backend", "shots_64", "-s", "stages.evaluate=statevector")
    code, _, errors = qhu(*run)
    assert code == 2 and errors.count("\n") == 1
    assert "-s stages.evaluate=statevector has no effect, because --backend shots_64" in errors
    assert not Path("runs").exists()
