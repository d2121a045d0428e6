"""Angles of any kind on a device: sent as they are, bound there, and never paid for in vain."""

import numpy as np
import pytest
import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qhu.backends.ibm import IbmBackend
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.errors import UserError
from qhu.hardware.access import Access, redirected
from qhu.hardware.options import Options


def encoded() -> Ansatz:
    """A Chebyshev encoding and weights, their parameters called as the network calls its own."""
    x, w = ParameterVector("weights", 2), ParameterVector("inputs", 3)
    circuit = QuantumCircuit(2)
    for qubit in range(2):
        circuit.ry(2 * x[qubit].arccos() + w[qubit].sin(), qubit)
        circuit.rz(abs(w[qubit]) / (2 + x[0] ** 2) - w[2] * x[1], qubit)
    circuit.cx(0, 1)
    circuit.rx(w[2].exp() - 2 ** w[0] + w[1].sign(), 0)
    return Ansatz(circuit, tuple(x), tuple(w), (SparsePauliOp("ZZ"), SparsePauliOp("XI")))


@pytest.fixture
def layer(start, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    emulator = start()
    access = Access(emulator.url, emulator.token, emulator.instance, 1000.0)
    backend = IbmBackend("ibm_manila", Options(shots=20_000, resilience_level=0, poll=(0.02, 0.1)))
    backend.access = access
    backend.attach("run", "evaluate", lambda line: None)
    with redirected(access):
        yield backend.layer(encoded(), 0), emulator
        backend.close(settle=True)


def test_a_device_binds_what_the_engine_evaluates(layer):
    made, _ = layer
    exact = engine_layer(encoded())
    rows = torch.tensor([[0.3, -0.7], [0.9, 0.1]])
    with torch.no_grad():
        exact.weight.copy_(made.weight)
        found = made(rows)
    np.testing.assert_allclose(found, exact(rows).detach(), atol=0.15)  # noise and shots


def test_what_a_device_cannot_bind_is_not_sent(layer):
    made, emulator = layer
    jobs = len(emulator.jobs())
    with pytest.raises(UserError, match=r"angle .*acos.* is not a finite real number"):
        made(torch.tensor([[1.5, 0.2]]))
    assert len(emulator.jobs()) == jobs
