"""The calibration of some qubits as text, and what is worked out from it."""

import json

import pytest
from qiskit import QuantumCircuit
from roster import line

from qhu.layout.calibration import (
    Clock,
    clock,
    freeze,
    length,
    name_of,
    success,
    thaw,
)
from qhu.layout.snapshots import snapshot


def test_every_figure_of_the_qubits_comes_back():
    target, qubits = snapshot("fake_manila").target, (2, 1, 4)
    back = thaw(json.loads(json.dumps(freeze(target, qubits))))
    assert back.num_qubits == 3 and back.dt == target.dt
    for new, old in enumerate(qubits):
        assert back.qubit_properties[new].t1 == target.qubit_properties[old].t1
        assert back.qubit_properties[new].t2 == target.qubit_properties[old].t2
    for name in ("sx", "x", "rz", "measure", "cx"):
        kept = {at: p for at, p in target[name].items() if set(at) <= set(qubits)}
        assert back[name].keys() == {tuple(map(qubits.index, at)) for at in kept}, name
        for at, old in kept.items():
            new = back[name][tuple(map(qubits.index, at))]
            assert (new.error, new.duration) == (old.error, old.duration)


def test_success_and_length_by_hand():
    target = line([0.02, 0.5], readout=0.03)
    circuit = QuantumCircuit(3)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.x(1)
    circuit.x(2)
    right = (1 - 1e-4) ** 3 * (1 - 0.02) * (1 - 0.03) ** 2
    assert success(circuit, [0, 1], target) == pytest.approx(right, rel=1e-12)
    assert length(circuit, target) == pytest.approx(4e-8 + 7e-8 + 4e-8)
    assert length(QuantumCircuit(3), target) == 0.0


def test_the_clock_is_the_device_s():
    target = line([0.02])
    assert clock(target, [0, 1], 1e-4) == Clock(1e-4, 1e-6)
    assert clock(target, [], 2e-4) == Clock(2e-4, 0.0)


def test_names_follow_the_figures():
    assert name_of({"a": 1, "b": [2, 3]}) == name_of({"b": [2, 3], "a": 1})
    assert name_of({"a": 1}) != name_of({"a": 2})
