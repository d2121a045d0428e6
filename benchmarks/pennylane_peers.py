"""PennyLane: ``default.qubit`` with broadcasting, ``lightning.qubit`` with its adjoint method."""

from typing import Any

import pennylane as qml
import torch

from benchmarks.circuits import gates, qubits, starts_from_amplitudes
from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward


def pennylane_broadcast(problem: Problem) -> Step:
    """Parameter broadcasting, backpropagation through torch."""
    return _step(problem, "default.qubit", diff_method="backprop")


def lightning(problem: Problem) -> Step:
    """Adjoint differentiation; the device takes a batch apart into single samples."""
    return _step(problem, "lightning.qubit", diff_method="adjoint")


GATES = {
    "h": qml.Hadamard,
    "rx": qml.RX,
    "ry": qml.RY,
    "rz": qml.RZ,
    "cz": qml.CZ,
    "cx": qml.CNOT,
    "rzz": qml.IsingZZ,
}


def _step(problem: Problem, device: str, **settings: Any) -> Step:
    width = qubits(problem)
    made = qml.device(device, wires=width)

    def circuit(x: Any, w: Any) -> Any:
        if starts_from_amplitudes(problem):
            state = x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            qml.StatePrep(state, wires=range(width), validate_norm=False)
        for name, on, angle in gates(problem, x.unbind(-1), w):
            GATES[name](*([] if angle is None else [angle]), wires=on)
        return [qml.expval(qml.PauliZ(q)) for q in range(width)]

    node = qml.QNode(circuit, made, interface="torch", **settings)
    return forward_backward(lambda x, w: torch.stack(node(x, w), dim=-1), problem)


STEPS = {
    ("layer", "pennylane-broadcast"): pennylane_broadcast,
    ("layer", "lightning"): lightning,
}
