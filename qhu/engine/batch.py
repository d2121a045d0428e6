"""Leading dimensions of a call: those with operators of their own, and samples that share them."""

from collections.abc import Iterable
from math import prod

import torch
from torch import Tensor


class Batch:
    """Splits the leading dimensions into *models* and *samples*.

    Operators that depend on weights (W,) are the same for a whole batch of inputs, so all samples
    go through one matrix product; weights (models, 1, W) give one product per model. The trailing
    dimensions along which no operator changes are flattened into one dimension of samples.

    Args:
        inputs: inputs of the call (..., I).
        weights: weights of the call (..., W).
        operators: value vectors that the operators are computed from.
    """

    def __init__(self, inputs: Tensor, weights: Tensor, operators: Iterable[Tensor]) -> None:
        self.lead = _common((inputs, weights))
        own = self._padded(_common(operators))
        while own and own[-1] == 1:
            own = own[:-1]
        self.models = self.lead[: len(own)]
        self.samples = prod(self.lead[len(own) :])

    def states(self, tensor: Tensor, kept: int) -> Tensor:
        """Per-sample tensor as (*models, samples, ...); the last ``kept`` dimensions stay."""
        shape = tensor.shape[-kept:]
        if tensor.shape[:-kept] == (*self.models, self.samples):
            return tensor
        return tensor.expand(*self.lead, *shape).reshape(*self.models, self.samples, *shape)

    def operators(self, tensor: Tensor, kept: int) -> Tensor:
        """Operators as (*models or ones, ...); the last ``kept`` dimensions stay."""
        if tensor.ndim == kept:
            return tensor
        own = self._padded(tuple(tensor.shape[:-kept]))[: len(self.models)]
        return tensor.reshape(*own, *tensor.shape[-kept:])

    def columns(self, vectors: Tensor) -> Tensor:
        """Vectors (..., d) as (*models or ones, d, samples), or with one column for all samples."""
        own = self._padded(tuple(vectors.shape[:-1]))[len(self.models) :]
        if any(size > 1 for size in own):
            return self.states(vectors, kept=1).mT
        return self.operators(vectors, kept=1).unsqueeze(-1)

    def outputs(self, tensor: Tensor) -> Tensor:
        """Results (*models, samples, M) as (*lead, M)."""
        if self.lead == (*self.models, self.samples):
            return tensor
        return tensor.reshape(*self.lead, tensor.shape[-1])

    def _padded(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (1,) * (len(self.lead) - len(shape)) + shape


def _common(tensors: Iterable[Tensor]) -> tuple[int, ...]:
    """Broadcast leading shape; ``torch.broadcast_shapes`` costs as much as ten small products."""
    shapes = {tuple(tensor.shape[:-1]) for tensor in tensors} - {()}
    return shapes.pop() if len(shapes) == 1 else tuple(torch.broadcast_shapes((), *shapes))
