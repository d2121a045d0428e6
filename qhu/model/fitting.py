"""Tensors as the state of a network: all that it has, or a line that says why not."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qhu.errors import UserError, shortened
from qhu.model.aliases import aliases
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState

WRAPPERS = ("module.", "_orig_mod.")
"""What ``DataParallel`` and ``torch.compile`` put before every name."""


def fitted(net: HybridNet, tensors: Mapping[Any, Any], where: str) -> ModelState:
    """Tensors as a state of a network.

    Args:
        net: the network.
        tensors: by name, as in its ``state_dict``.
        where: what messages call them.

    Raises:
        UserError: they are of another network, of another dtype, or not finite.
    """
    wanted = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    tensors, also = _unwrapped(tensors), aliases(net)
    twice = {name: tensors.pop(name) for name in also if name in tensors}
    tensors = {**{also[name]: tensor for name, tensor in twice.items()}, **tensors}
    odd = {"lacks": wanted.keys() - tensors.keys(), "has": tensors.keys() - wanted.keys()}
    if any(odd.values()):
        says = (f"it {verb} {shortened(min(map(str, of)))}" for verb, of in odd.items() if of)
        raise UserError(
            f"{where} is not of the experiment's network: {' and '.join(says)}; "
            f"expected {_described(wanted)}"
        )
    plain = {name: _plain(tensors[name], wanted[name], f"{where}: {name}") for name in wanted}
    for name, tensor in twice.items():
        first = also[name]
        if not torch.equal(_plain(tensor, wanted[first], f"{where}: {name}"), plain[first]):
            raise UserError(
                f"{where}: expected {name} and {first} to be one tensor, and they differ"
            )
    theta = torch.cat([plain[name].reshape(-1) for name in net.theta.slices])
    return ModelState(theta, {name: plain[name] for name, _ in net.named_buffers()})


def fitted_theta(net: HybridNet, theta: Any, where: str) -> ModelState:
    """A flat vector θ (d,) as a state of a network; other arguments as of :func:`fitted`.

    Raises:
        UserError: it has another length or dtype or is not finite, or the network has buffers.
    """
    if buffers := dict(net.named_buffers()):
        raise UserError(
            f"{where} is θ alone, and this network has buffers, too "
            f"({_described(buffers)}): give a state_dict"
        )
    return ModelState(_plain(theta, net.theta.get(net), where), {})


def is_plain(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Whether a tensor is dense, on the CPU, of a dtype and finite."""
    dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return dense and tensor.dtype == dtype and bool(torch.isfinite(tensor).all())


def _unwrapped(tensors: Mapping[Any, Any]) -> dict[Any, Any]:
    """Tensors by the names that they have inside wrappers of the network."""
    named = dict(tensors)
    for prefix in 2 * WRAPPERS:
        if named and all(isinstance(name, str) and name.startswith(prefix) for name in named):
            named = {name.removeprefix(prefix): tensor for name, tensor in named.items()}
    return named


def _plain(value: Any, wanted: Tensor, where: str) -> Tensor:
    """A tensor, a copy on the CPU, as ``wanted`` is.

    Raises:
        UserError: it is none, or of another shape or dtype, not dense or not finite.
    """
    if not isinstance(value, Tensor | np.ndarray):
        raise UserError(f"{where} is no tensor but of type {type(value).__name__}")
    tensor = torch.as_tensor(value).detach()
    if tensor.shape != wanted.shape:
        raise UserError(
            f"{where} has shape {tuple(tensor.shape)}, expected {tuple(wanted.shape)}: it is of "
            "another network"
        )
    if tensor.dtype != wanted.dtype:
        raise UserError(f"{where} is {_name(tensor.dtype)}, expected {_name(wanted.dtype)}")
    tensor = tensor if tensor.is_meta else tensor.cpu()
    if not is_plain(tensor, wanted.dtype):
        raise UserError(f"{where} is not dense and finite: expected numbers without NaN")
    return tensor.clone(memory_format=torch.contiguous_format)


def _described(tensors: Mapping[str, Tensor]) -> str:
    shapes = (f"{name} {tuple(tensor.shape)}" for name, tensor in tensors.items())
    return shortened(", ".join(shapes), 500)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
