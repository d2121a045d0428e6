"""PennyLane: ``default.qubit`` with broadcasting, ``lightning.qubit`` with its adjoint method."""

from typing import Any

import pennylane as qml
import torch

from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward


def pennylane_broadcast(problem: Problem) -> Step:
    """Parameter broadcasting, backpropagation through torch."""
    return _step(problem, "default.qubit", diff_method="backprop")


def lightning(problem: Problem) -> Step:
    """Adjoint differentiation; the device takes a batch apart into single samples."""
    return _step(problem, "lightning.qubit", diff_method="adjoint")


def _step(problem: Problem, device: str, **settings: Any) -> Step:
    layers, _, qubits = problem["weights"].shape
    made = qml.device(device, wires=qubits)
    circuit = qml.QNode(_circuit(layers, qubits), made, interface="torch", **settings)
    return forward_backward(lambda x, w: torch.stack(circuit(x, w), dim=-1), problem)


def _circuit(layers: int, qubits: int) -> Any:
    """The layer of arXiv 2512.19253: encoding, then layers of rotations and a CZ ring."""

    def circuit(x: Any, w: Any) -> Any:
        for q in range(qubits):
            for gate in (qml.RX, qml.RY, qml.RZ):
                gate(x[..., q], wires=q)
        for layer in range(layers):
            for q in range(qubits):
                for axis, gate in enumerate((qml.RX, qml.RY, qml.RZ)):
                    gate(w[layer, axis, q], wires=q)
            for q in range(qubits):
                qml.CZ(wires=[q, (q + 1) % qubits])
        return [qml.expval(qml.PauliZ(q)) for q in range(qubits)]

    return circuit


STEPS = {
    ("layer", "pennylane-broadcast"): pennylane_broadcast,
    ("layer", "lightning"): lightning,
}
