"""An entry of any name rehearses like the device that it names."""

import re
from pathlib import Path

import pytest

from qhu.commands.rehearsal import DEVICES, reach
from qhu.errors import UserError
from qhu.hardware.account import Account
from qhu.hardware.waiting import Patience
from qhu.layout.snapshots import fake_name
from qhu.settings.parts import Stages

ENTRIES = """
mine: {kind: ibm, device: ibm_manila, resilience_level: 0, shots: 16}
any: {kind: ibm, device: auto}
other: {kind: ibm, device: ibm_lima}
nothing: {kind: ibm}
nowhere: {kind: ibm, device: ibm_nowhere}
"""


@pytest.fixture(autouse=True)
def _folder(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE"):
        monkeypatch.delenv(name, raising=False)
    Path("backends.yaml").write_text(ENTRIES)


def served(*backends):
    stages = dict(zip(("evaluate", "unlearn", "train"), backends, strict=False))
    with reach("auto", None, Stages(**stages) if backends else None) as access:
        listed = Account(access, Patience(), lambda line: None).devices()
    return sorted(device.name for device in listed)


@pytest.mark.parametrize(
    ("backends", "devices"),
    [
        (["mine"], ["ibm_manila"]),
        (["ibm_manila", "mine"], ["ibm_manila"]),
        (["other"], ["ibm_lima"]),
        (["mine", "other", "statevector"], ["ibm_lima", "ibm_manila"]),
    ],
)
def test_what_is_served_is_what_the_entries_name(backends, devices):
    assert served(*backends) == devices


@pytest.mark.parametrize("backends", [["any"], ["auto"], []], ids=["any", "auto", "no run"])
def test_where_the_device_is_open_several_are_served(backends):
    assert [fake_name(device) for device in served(*backends)] == sorted(DEVICES)


@pytest.mark.parametrize("backend", ["nothing", "nowhere"])
def test_an_entry_without_a_snapshot_says_so(backend):
    with pytest.raises(UserError, match=f"no snapshot of device '.*{backend}'.* ships"):
        served(backend)


def test_a_study_is_rehearsed_by_an_entry(qhu):
    status, printed, errors = qhu(
        *("run", "tiny.yaml", "--backend", "mine", "--emulator", "auto", "--yes"),
        *("--max-qpu-seconds", "600", "--seeds", "0", "--methods", "finetune", "--out", "here"),
        *("-s", "training.epochs=1", "-s", "scenarios={one: {ids: [1]}}", "-s", "metrics=[acc]"),
    )
    assert status == 0, printed + errors
    assert "EMULATED ibm_manila" in Path("here/results.csv").read_text()


def test_a_device_that_no_entry_names_is_one_line(qhu):
    status, _, errors = qhu(
        *("run", "tiny.yaml", "--backend", "nowhere", "--emulator", "auto", "--yes"),
        *("--max-qpu-seconds", "600"),
    )
    assert status == 2
    assert re.search(
        r"qhu: no snapshot of device 'ibm_nowhere' of backend 'nowhere'[^\n]+\n$", errors
    )
    assert not Path("runs").exists()
