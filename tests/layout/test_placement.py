"""Where circuits lie: on the best qubits, by an independent count, and on the same for all."""

import json

import numpy as np
import pytest
from roster import Roster, line

from qhu.backends.ibm import IbmBackend
from qhu.errors import UserError
from qhu.hardware.options import Options
from qhu.layout.figures import Pace
from qhu.layout.placement import Device, ansatz_name, load, place
from qhu.layout.snapshots import snapshot

PACE = Pace(250e-6, 0.0, 500e-6)


@pytest.fixture
def manila():
    twin = snapshot("fake_manila")
    return Device("ibm_manila", twin.target, PACE, "first", "2026-01-01", "snapshot")


def test_expected_success_is_the_product_over_gates_and_readout(make_ansatz, manila):
    """Counted from the device's properties; the code reads its target."""
    placed = place(make_ansatz(3), manila, optimization_level=1, seed=0)
    properties = snapshot("fake_manila").properties()
    circuit, right = placed.ansatz.circuit, 1.0
    for item in circuit.data:
        at = [circuit.find_bit(qubit).index for qubit in item.qubits]
        right *= 1 - properties.gate_error(item.operation.name, at)
    for qubit in placed.qubits:
        right *= 1 - properties.readout_error(qubit)
    assert placed.success == pytest.approx(right, abs=1e-12) and 0.5 < placed.success < 1


def test_good_qubits_are_found(make_ansatz):
    device = Device("ibm_line", line([0.1, 0.1, 0.001, 0.1]), PACE, "c", "d", "s")
    placed = place(make_ansatz(2), device, optimization_level=3, seed=0)
    assert sorted(placed.qubits) == [2, 3]
    given = place(make_ansatz(2), device, optimization_level=3, seed=0, layout=[1, 0])
    assert sorted(given.qubits) == [0, 1] and given.success < placed.success


def test_what_was_dumped_gives_the_same_values(make_ansatz, draw, exact, manila):
    ansatz = make_ansatz(2)
    placed = place(ansatz, manila, optimization_level=3, seed=0)
    back = load(placed.dump(), ansatz)
    kept = ("qubits", "success", "length", "clock", "figures", "about")
    assert all(getattr(back, name) == getattr(placed, name) for name in kept)
    rows = draw(ansatz, 3)
    np.testing.assert_allclose(exact(back.ansatz, rows), exact(ansatz, rows), atol=1e-9)


def test_a_circuit_that_does_not_fit_is_refused(make_ansatz):
    device = Device("ibm_line", line([0.01]), PACE, "c", "d", "s")
    with pytest.raises(UserError):
        place(make_ansatz(3), device, optimization_level=1, seed=0)


def test_names_tell_circuits_apart(make_ansatz):
    names = [ansatz_name(make_ansatz(2), 3, 0), ansatz_name(make_ansatz(2, layers=2), 3, 0)]
    names += [
        ansatz_name(make_ansatz(2), 3, 1),
        ansatz_name(make_ansatz(2, observables=["XZ"]), 3, 0),
    ]
    assert len(set(names)) == 4 and ansatz_name(make_ansatz(2), 3, 0) == names[0]


def test_all_models_compared_lie_on_the_same_qubits(make_ansatz, tmp_path, monkeypatch):
    """Also after the device was calibrated anew, in the same run and in another one of the day."""
    monkeypatch.chdir(tmp_path)
    roster = Roster()

    def conditions(run, seed):
        backend = IbmBackend("ibm_line", Options(optimization_level=3))
        backend.attach(run, "evaluate", print)
        backend.session.account = roster
        backend.layer(make_ansatz(2), seed)
        recorded = json.loads(json.dumps(backend.effective()))
        assert recorded["circuit"]["qubits"] == backend.conditions()[1]
        return backend.conditions()

    roster.add("ibm_line", line([0.001, 0.1, 0.1]), calibration="first")
    first = conditions("one", 0)
    assert first[0] == "first" and sorted(first[1]) == [0, 1]
    roster.add("ibm_line", line([0.1, 0.1, 0.001]), calibration="second")
    assert conditions("one", 1) == first
    assert conditions("two", 0) == first
    assert sorted(conditions("", 0)[1]) == [0, 1]
