"""Every device snapshot that ships, old native gates included, against Aer."""

import numpy as np
import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qhu import registry
from qhu.engine.ansatz import Ansatz
from qhu.errors import UserError
from qhu.layout.snapshots import _classes, snapshot

NAMES = sorted(_classes())
ROWS, WEIGHTS = np.array([[0.3, -0.8], [1.1, 0.4]]), np.linspace(-1, 1, 7)


def by_gates() -> list[str]:
    """One device of each set of native gates, the first by name."""
    sets = {frozenset(snapshot(name).operation_names): name for name in reversed(NAMES)}
    return sorted(sets.values())


def layered() -> Ansatz:
    """As qhu's own circuits, with angles of several parameters, one of them no polynomial."""
    x, w = ParameterVector("inputs", 2), ParameterVector("weights", 7)
    circuit = QuantumCircuit(2)
    for qubit in range(2):
        circuit.rx(x[qubit], qubit)
        circuit.ry(x[qubit] * x[0] + x[1], qubit)
        circuit.rz(w[3 * qubit].exp() + w[3 * qubit + 1], qubit)
        circuit.ry(w[3 * qubit + 2] - 0.3 * x[0], qubit)
        circuit.p(w[6] * w[0], qubit)
    circuit.cz(0, 1)
    circuit.rx(w[0], 1)
    return Ansatz(circuit, tuple(x), tuple(w), (SparsePauliOp("ZZ"), SparsePauliOp("XI")))


def layer(name, **options):
    backend = registry.backend["aer"].make(
        name, registry.backend.options("aer", {"device": name, **options})
    )
    made = backend.layer(layered(), 0)
    with torch.no_grad():
        made.weight.copy_(torch.from_numpy(WEIGHTS))
    return made


def assert_as_aer(name, level):
    if snapshot(name).num_qubits < 2:
        with pytest.raises(UserError, match="choose a larger device"):
            layer(name)
        return
    ours, aers = (layer(name, simulator=s, optimization_level=level) for s in ("qhu", "aer"))
    expected = aers.neural_network.forward(ROWS, WEIGHTS)
    np.testing.assert_allclose(ours.neural_network.forward(ROWS, WEIGHTS), expected, atol=1e-9)
    with torch.no_grad():
        np.testing.assert_allclose(ours(torch.tensor(ROWS).float()), expected, atol=1e-5)


@pytest.mark.parametrize("name", by_gates())
def test_a_device_of_each_gate_set_gives_aers_values(name):
    assert_as_aer(name, level=1)


@pytest.mark.slow
@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("name", NAMES)
def test_every_device_gives_aers_values(name, level):
    if (name, level) == ("fake_cairo", 0):  # the first qubits, as level 0 takes them, are apart
        with pytest.raises(UserError, match="disconnected components"):
            layer(name, optimization_level=level)
        return
    assert_as_aer(name, level)


@pytest.mark.parametrize("name", ["fake_burlington", "fake_torino"])
def test_old_and_new_devices_train(name):
    """From shots by the shift rule, and exactly, the same gradient."""
    exact, sampled = layer(name), layer(name, shots=200_000)
    for made in (exact, sampled):
        made(torch.tensor(ROWS).float()).square().sum().backward()
    torch.testing.assert_close(exact.weight.grad, sampled.weight.grad, atol=0.05, rtol=0)
