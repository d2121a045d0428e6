"""Devices are rehearsed from Python as the command rehearses them."""

import os

import pytest

import qhu
from qhu import api
from qhu.hardware.access import loopback

TINY = {
    "name": "tiny",
    "data": {"per_class": 8, "test": 0.25, "val": 0},
    "model": {"layers": 1, "angle": 0.5},
    "training": {"epochs": 1},
    "unlearning": {"steps": 1},
    "evaluation": {"retain": 2},
    "scenarios": {"class": {"label": "setosa"}},
    "methods": ["finetune"],
    "metrics": ["acc"],
    "seeds": 0,
}
DEVICE = {"kind": "ibm", "device": "ibm_manila", "shots": 16}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_the_emulator_is_reached_within_the_budget(monkeypatch):
    class Reached(Exception):
        """How the platform is reached, in place of a run."""

    def arrive(*given):
        raise Reached(given[5])

    monkeypatch.setattr(api, "run_grid", arrive)
    with pytest.raises(Reached) as reached:
        qhu.run(TINY, backend=DEVICE, emulator="auto", max_qpu_seconds=60)
    (access,) = reached.value.args
    assert loopback(access.emulator) and access.budget == 60
    with pytest.raises(Reached) as reached:
        qhu.run(TINY)
    assert reached.value.args[0].emulator is None


@pytest.mark.slow
def test_a_rehearsal_shows_its_price_and_says_that_it_is_emulated(capsys):
    with pytest.raises(qhu.QhuError, match="no budget, so nothing is submitted"):
        qhu.run(TINY, backend=DEVICE, emulator="auto")
    run = qhu.run(TINY, backend=DEVICE, emulator="auto", max_qpu_seconds=60)
    assert set(run.results["backend"]) == {"EMULATED ibm_manila", "statevector"}
    assert "of device time" in capsys.readouterr().out
