"""Fixtures that several test files share."""

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector

from qhu.backends.named import open_backend
from qhu.engine.ansatz import Ansatz
from qhu.model.hybrid import HybridNet
from qhu.settings.model import ModelSpec


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)  # pytest-xdist runs one process per core


@pytest.fixture(autouse=True, scope="session")
def _own_data_folder(tmp_path_factory):
    """No test touches the ledger of who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.delenv("QHU_LEDGER", raising=False)
        yield


@pytest.fixture
def make_net():
    """Builds a network on the exact backend from options of the model."""

    def make(shape=(4,), classes=3, **options):
        return HybridNet(ModelSpec(**options), shape, classes, open_backend("statevector"))

    return make


TINY = """
name: tiny
training: {epochs: 3}
unlearning: {steps: 5}
scenarios:
  subset: {fraction: 0.1}
  class: {label: 0}
methods: [finetune, scrub]
seeds: 0-1
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A small experiment file in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def qhu(monkeypatch, capsys):
    """Calls the command in this process: arguments to (exit status, standard output, errors)."""
    from qhu.cli import main

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["qhu", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as done:
            status = done.code or 0
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def start(request):
    """Starts an emulator of its own, whose jobs do not wait; it stops with the test."""
    from qhu.emulator import Emulator
    from qhu.emulator.platform import Rules

    def start(device="fake_manila", **options):
        quick = Rules(queue_seconds=0, settle_seconds=0)
        emulator = Emulator(device, **{"rules": quick, **options})
        emulator.start()
        request.addfinalizer(emulator.stop)
        return emulator

    return start


@pytest.fixture
def make_ansatz():
    """Builds an ansatz whose qubits all differ, with a shared and a scaled parameter."""

    def make(qubits=3, layers=1, observables=None):
        x = ParameterVector("x", qubits)
        w = ParameterVector("w", 2 * qubits * layers)
        circuit = QuantumCircuit(qubits)
        for layer in range(layers):
            for q in range(qubits):
                circuit.rx(x[q] * 0.7 + 0.2, q)
                circuit.ry(w[2 * (layer * qubits + q)], q)
                circuit.rz(w[2 * (layer * qubits + q) + 1] - x[0], q)
                circuit.sx(q)
            for q in range(qubits if qubits > 2 else 1):
                circuit.cz(q, (q + 1) % qubits)
                circuit.sx(q)
        labels = observables or ["I" * (qubits - 1 - q) + "Z" + "I" * q for q in range(qubits)]
        return Ansatz(circuit, tuple(x), tuple(w), tuple(SparsePauliOp(o) for o in labels))

    return make


@pytest.fixture
def draw():
    """Draws parameter sets (rows, inputs + weights) for an ansatz."""

    def rows(ansatz, count, seed=0):
        size = len(ansatz.inputs) + len(ansatz.weights)
        return np.random.default_rng(seed).uniform(-3, 3, (count, size))

    return rows


@pytest.fixture
def exact():
    """Expectation values without noise, (rows, observables), by Qiskit's Statevector."""

    def values(ansatz, rows):
        order = [*ansatz.inputs, *ansatz.weights]
        states = [Statevector(bind(ansatz.circuit, order, row)) for row in rows]
        return np.array([[s.expectation_value(o).real for o in ansatz.observables] for s in states])

    return values


def bind(circuit, order, row):
    return circuit.assign_parameters(dict(zip(order, row, strict=True)))
