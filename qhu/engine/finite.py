"""Tensors that have to be finite, and so their gradients."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Refusal = Callable[[int], Exception]
"""The error to raise, by the place in the last dimension of a number that is not finite."""


def finite(values: Tensor, refusal: Refusal) -> Tensor:
    """The same values (..., K); they and all gradients through them are checked.

    Also under ``vmap`` and ``torch.func``. Not under ``is_grads_batched``, which lets nobody see
    the numbers: who asks for that has to check what comes out.

    Raises:
        Exception: that of ``refusal``, at the first number that is not finite.
    """
    if torch._C._functorch.is_legacy_batchedtensor(values):
        return values
    checked: Tensor = _Finite.apply(values, refusal)
    return checked


class _Finite(torch.autograd.Function):
    """The identity."""

    @staticmethod
    def forward(values: Tensor, refusal: Refusal) -> Tensor:
        wrong = ~values.isfinite()
        if wrong.any():
            raise refusal(int(wrong.nonzero()[0, -1]))
        return values.view_as(values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Refusal], output: Tensor) -> None:
        ctx.refusal = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return finite(gradient, ctx.refusal), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return finite(tangent, ctx.refusal)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, None], values: Tensor, refusal: Refusal
    ) -> tuple[Tensor, int]:
        return finite(values.movedim(in_dims[0], 0), refusal), 0
