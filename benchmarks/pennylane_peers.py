"""PennyLane: ``default.qubit`` with broadcasting, ``lightning.qubit`` with its adjoint method."""

from typing import Any

import pennylane as qml
import torch

from benchmarks.circuits import gates
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
    qubits = problem["inputs"].shape[-1]
    made = qml.device(device, wires=qubits)

    def circuit(x: Any, w: Any) -> Any:
        for name, on, angle in gates(problem, x.unbind(-1), w):
            GATES[name](*([] if angle is None else [angle]), wires=on)
        return [qml.expval(qml.PauliZ(q)) for q in range(qubits)]

    node = qml.QNode(circuit, made, interface="torch", **settings)
    return forward_backward(lambda x, w: torch.stack(node(x, w), dim=-1), problem)


STEPS = {
    ("layer", "pennylane-broadcast"): pennylane_broadcast,
    ("layer", "lightning"): lightning,
}
