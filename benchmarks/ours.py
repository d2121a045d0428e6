"""qhu: the exact layer, the noisy layer, and a training step of the hybrid networks."""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch.func import functional_call

from benchmarks.clear import clear_images
from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward
from qhu.backends.named import open_backend
from qhu.engine.connector import EngineConnector
from qhu.engine.program import compile_circuit
from qhu.model.circuit import build_ansatz
from qhu.model.hybrid import HybridNet
from qhu.settings.model import ModelSpec

CLASSES = 10
LEARNING_RATE = 1e-3


def layer(problem: Problem) -> Step:
    """The engine's program of the exact layer."""
    layers, _, qubits = problem["weights"].shape
    dtype = getattr(torch, problem["dtype"]).to_complex()
    program = compile_circuit(build_ansatz(ModelSpec(layers=layers), qubits), dtype=dtype)
    return forward_backward(lambda x, w: program(x, w.reshape(-1)), problem)


def noisy_layer(problem: Problem) -> Step:
    """The same layer under the noise of a device, exact expectation values."""
    layers, _, qubits = problem["weights"].shape
    ansatz = build_ansatz(ModelSpec(layers=layers), qubits)
    connector = open_backend(problem["device"]).layer(ansatz, seed=0)
    assert isinstance(connector, EngineConnector), "the backend's layer must run on the engine"
    return forward_backward(
        lambda x, w: functional_call(connector, {"weight": w.reshape(-1)}, (x,)), problem
    )


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
