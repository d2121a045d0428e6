"""The reference of the exact layers: dense states in double precision, gate by gate, by autograd.

It shares no code with any contender, so that a wrong one is told from its wrong peers.
"""

import functools
from typing import Any

import torch
from torch import Tensor

from benchmarks.circuits import gates, qubits, starts_from_amplitudes
from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward

PAULIS = {
    "rx": torch.tensor([[0, 1], [1, 0]]).to(torch.cdouble),
    "ry": torch.tensor([[0, -1j], [1j, 0]]),
    "rz": torch.tensor([[1, 0], [0, -1]]).to(torch.cdouble),
}
HADAMARD = torch.tensor([[1, 1], [1, -1]]).to(torch.cdouble) / 2**0.5


def layer(problem: Problem) -> Step:
    """⟨Z⟩ on every qubit after the problem's circuit."""
    return forward_backward(functools.partial(_outputs, problem), {**problem, "dtype": "float64"})


def _outputs(problem: Problem, inputs: Tensor, weights: Tensor) -> Tensor:
    """⟨Z⟩ (B, n) of inputs (B, n) and weights (W,)."""
    batch, width = len(inputs), qubits(problem)
    bits = torch.arange(2**width)[:, None] >> torch.arange(width).flip(0) & 1
    states = torch.zeros(batch, 2**width, dtype=torch.cdouble)
    states[:, 0] = 1
    if starts_from_amplitudes(problem):
        states = (inputs / inputs.square().sum(1, keepdim=True).sqrt()).to(torch.cdouble)
    for name, on, angle in gates(problem, inputs.unbind(-1), weights):
        if len(on) == 1:
            states = _on_qubit(_matrix(name, angle), states, on[0])
        else:
            states = _on_pair(name, angle, states, bits[:, on[0]], bits[:, on[1]], on[1])
    return states.abs().square() @ (1.0 - 2.0 * bits).double()


def _matrix(name: str, angle: Any) -> Tensor:
    if name == "h":
        return HADAMARD[None]
    return torch.matrix_exp(-0.5j * angle.reshape(-1, 1, 1) * PAULIS[name])


def _on_qubit(matrices: Tensor, states: Tensor, qubit: int) -> Tensor:
    """One matrix (1, 2, 2) for all, or (B, 2, 2), on a qubit of states (B, 2ⁿ)."""
    apart = states.reshape(len(states), 2**qubit, 2, -1)
    matrices = matrices.expand(len(states), 2, 2)
    return torch.einsum("bij,bljr->blir", matrices, apart).flatten(1)


def _on_pair(
    name: str, angle: Any, states: Tensor, first: Tensor, second: Tensor, target: int
) -> Tensor:
    """A gate on two qubits of states (B, 2ⁿ), given their bits (2ⁿ,) in the basis states."""
    if name == "cz":
        return states * (1 - 2 * first * second)
    if name == "cx":
        apart = states.reshape(len(states), 2**target, 2, -1)
        return torch.where(first.bool(), apart.flip(2).flatten(1), states)
    parity = (1 - 2 * first) * (1 - 2 * second)
    return states * torch.exp(-0.5j * angle.reshape(-1, 1) * parity)


STEPS = {("layer", "dense"): layer}
