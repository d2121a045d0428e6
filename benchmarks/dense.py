"""The reference of the exact layer: dense states in double precision, gate by gate, by autograd.

It shares no code with any contender, so that a wrong one is told from its wrong peers.
"""

from math import prod

import torch
from torch import Tensor

from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward

PAULIS = torch.tensor([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]).to(torch.cdouble)


def layer(problem: Problem) -> Step:
    """The layer of arXiv 2512.19253: encoding, then layers of rotations and a CZ ring."""
    return forward_backward(_outputs, {**problem, "dtype": "float64"})


def _outputs(inputs: Tensor, weights: Tensor) -> Tensor:
    """⟨Z⟩ (B, n) of inputs (B, n) and weights (L, 3, n)."""
    batch, qubits = inputs.shape
    bits = torch.arange(2**qubits)[:, None] >> torch.arange(qubits).flip(0) & 1
    signs = 1.0 - 2.0 * bits
    ring = prod(1 - 2 * bits[:, q] * bits[:, (q + 1) % qubits] for q in range(qubits))
    states = torch.zeros(batch, 2**qubits, dtype=torch.cdouble)
    states[:, 0] = 1
    states = _rotated(states, inputs.unsqueeze(1).expand(batch, 3, qubits))
    for angles in weights:
        states = _rotated(states, angles.unsqueeze(0)) * ring
    return states.abs().square() @ signs.double()


def _rotated(states: Tensor, angles: Tensor) -> Tensor:
    """RX, RY, RZ on every qubit of states (B, 2ⁿ) by angles (B, 3, n), or (1, 3, n) for all."""
    halves = -0.5j * angles.movedim(1, -1)[..., None, None] * PAULIS
    x, y, z = torch.matrix_exp(halves.contiguous()).unbind(2)
    for qubit, gate in enumerate((z @ y @ x).unbind(1)):
        apart = states.reshape(len(states), 2**qubit, 2, -1)
        states = torch.einsum("bij,bljr->blir", gate.expand(len(states), 2, 2), apart)
        states = states.flatten(1)
    return states


STEPS = {("layer", "dense"): layer}
