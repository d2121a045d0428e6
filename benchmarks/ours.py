"""qhu: the exact layer, the noisy layer, and a training step of the hybrid networks."""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.quantum_info import SparsePauliOp
from torch.func import functional_call

from benchmarks.circuits import gates, starts_from_amplitudes
from benchmarks.circuits import qubits as width
from benchmarks.clear import clear_images
from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward
from qhu.backends.named import open_backend
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import EngineConnector
from qhu.engine.preparation import Amplitudes
from qhu.engine.program import compile_circuit
from qhu.model.hybrid import HybridNet
from qhu.settings.model import ModelSpec

CLASSES = 10
LEARNING_RATE = 1e-3


def ansatz(problem: Problem) -> Ansatz:
    """The problem's circuit as Qiskit's users write it, ⟨Z⟩ on every qubit."""
    qubits = width(problem)
    x, w = ParameterVector("x", qubits), ParameterVector("w", len(problem["weights"]))
    if problem["circuit"] == "zz-real":
        encoding = zz_feature_map(qubits)
        trained = real_amplitudes(qubits, reps=problem["layers"])
        circuit = encoding.assign_parameters(list(x)).compose(trained.assign_parameters(list(w)))
    else:
        circuit = QuantumCircuit(qubits)
        for name, on, angle in gates(problem, x, w):
            getattr(circuit, name)(*([] if angle is None else [angle]), *on)
    observables = tuple(
        SparsePauliOp.from_sparse_list([("Z", [q], 1.0)], num_qubits=qubits) for q in range(qubits)
    )
    if starts_from_amplitudes(problem):
        return _prepared(circuit.reverse_bits(), tuple(w), observables[::-1])
    return Ansatz(circuit, tuple(x), tuple(w), observables)


def _prepared(
    rest: QuantumCircuit, w: tuple[Parameter, ...], observables: tuple[SparsePauliOp, ...]
) -> Ansatz:
    """The circuit behind a prepared state, as Qiskit counts: qubit 0 is the lowest bit."""
    preparation = Amplitudes(2**rest.num_qubits)
    angles = ParameterVector("x", preparation.num_angles)
    circuit = preparation.circuit(list(angles)).compose(rest)
    return Ansatz(circuit, tuple(angles), w, observables, (), preparation, rest)


def layer(problem: Problem) -> Step:
    """The engine's program of the exact layer."""
    dtype = getattr(torch, problem["dtype"]).to_complex()
    return forward_backward(compile_circuit(ansatz(problem), dtype=dtype), problem)


def noisy_layer(problem: Problem) -> Step:
    """The same layer under the noise of a device, exact expectation values."""
    connector = open_backend(problem["device"]).layer(ansatz(problem), seed=0)
    assert isinstance(connector, EngineConnector), "the backend's layer must run on the engine"
    return forward_backward(lambda x, w: functional_call(connector, {"weight": w}, (x,)), problem)


def training_step(problem: Problem, quantum: bool) -> Step:
    """Forward pass, cross-entropy, backward pass and Adam; returns logits and the gradient of θ."""
    spec = ModelSpec(
        front="cnn", qubits=problem["qubits"], layers=problem["layers"], hidden=(32,),
        quantum=quantum,
    )  # fmt: skip
    dtype = getattr(torch, problem["dtype"])
    torch.manual_seed(0)
    net = HybridNet(spec, problem["images"].shape[1:], CLASSES, open_backend("statevector"))
    images = clear_images(net.front, torch.tensor(problem["images"]), problem["batch"]).to(dtype)
    net, labels = net.to(dtype), torch.tensor(problem["labels"])
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)

    def step() -> tuple[Any, ...]:
        optimizer.zero_grad()
        logits = net(images)
        F.cross_entropy(logits, labels).backward()
        optimizer.step()
        return logits.detach(), *(p.grad for p in net.parameters())

    return step


STEPS = {
    ("layer", "qhu"): layer,
    ("noisy", "qhu"): noisy_layer,
    ("training", "qhu"): functools.partial(training_step, quantum=True),
    ("training", "classical-twin"): functools.partial(training_step, quantum=False),
}
