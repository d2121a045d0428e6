"""Emulators, the genuine client, and a guard that lets nothing leave loopback."""

import os
import socket

import numpy as np
import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.layout.snapshots import snapshot

QUICK = Rules(queue_seconds=0, settle_seconds=0)


@pytest.fixture(autouse=True, scope="module")  # not for longer: Dask looks for its own address
def _only_loopback():
    """No test may reach another host, by name or by address."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded(self, address):
        host = address[0] if isinstance(address, tuple) else address
        assert host in ("127.0.0.1", "localhost", "::1"), f"a test connects to {host}"
        return connect(self, address)

    def looked_up(host, *rest, **more):
        assert host in ("127.0.0.1", "localhost", "::1"), f"a test looks up {host}"
        return look_up(host, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket, "getaddrinfo", looked_up)
        yield


@pytest.fixture(autouse=True)
def _clean_account(monkeypatch, tmp_path):
    """No saved account, no variables of the user's, an empty working folder."""
    for name in list(os.environ):
        if name.startswith(("QISKIT_IBM", "IAM_URL", "GLOBAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    # The client else reads its own stack, in full, for a header of each request.
    monkeypatch.setenv("USAGE_DATA_OPT_OUT", "True")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def running():
    """One emulator for the tests of a file that do not change it."""
    with Emulator("fake_manila", rules=QUICK) as emulator:
        yield emulator


@pytest.fixture
def client(monkeypatch):
    """The genuine client of an emulator, by nothing but environment variables."""

    def client(emulator):
        from qiskit_ibm_runtime import QiskitRuntimeService

        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        return QiskitRuntimeService()

    return client


@pytest.fixture(scope="session")
def pub():
    """Makes circuit, observables and values on a device: 3 qubits, Z on each, 2 parameter sets."""

    def make(device="fake_manila"):
        angles = ParameterVector("x", 3)
        circuit = QuantumCircuit(3)
        for qubit in range(3):
            circuit.ry(angles[qubit], qubit)
        circuit.cx(0, 1)
        circuit.cx(1, 2)
        passes = generate_preset_pass_manager(
            1, backend=snapshot(device), seed_transpiler=0, initial_layout=[0, 1, 2]
        )
        isa = passes.run(circuit)
        paulis = [SparsePauliOp.from_sparse_list([("Z", [q], 1)], 3) for q in range(3)]
        observables = [[item.apply_layout(isa.layout)] for item in paulis]
        return isa, observables, np.array([[0.4, 1.1, 2.0], [2.3, 0.2, 0.9]])

    return make
