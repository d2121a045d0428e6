"""The step that all layers on torch share."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.serve import Problem, Step


def forward_backward(layer: Callable[[Tensor, Tensor], Tensor], problem: Problem) -> Step:
    """Outputs (B, M) of ``layer(inputs, weights)``, then gradients of (outputs · cotangent).

    Args:
        layer: differentiable in both arguments.
        problem: ``inputs`` (B, n), ``weights`` (W,), ``cotangent`` (B, M), and ``dtype``.
    """
    dtype = getattr(torch, problem["dtype"])
    inputs = torch.tensor(problem["inputs"], dtype=dtype, requires_grad=True)
    weights = torch.tensor(problem["weights"], dtype=dtype, requires_grad=True)
    cotangent = torch.tensor(problem["cotangent"], dtype=dtype)

    def step() -> tuple[Any, ...]:
        inputs.grad = weights.grad = None
        outputs = layer(inputs, weights)
        outputs.backward(cotangent.to(outputs.dtype))
        return outputs.detach(), weights.grad, inputs.grad

    return step
