"""Models that strangers made: read as numbers, never as code, and fitted to a network."""

import io
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from qhu.errors import UserError, shortened
from qhu.model.aliases import aliases
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.record.documents import read_bounded
from qhu.record.files import checksum
from qhu.record.stage import Stage, is_stage, unpacked

MAX_BYTES = 100_000_000
"""Of a model's file, unpacked; the largest one of a shipped experiment has a hundredth of it."""
NESTED = ("state_dict", "model_state_dict")
"""Where training scripts keep the tensors beside other things."""
WRAPPERS = ("module.", "_orig_mod.")
"""What ``DataParallel`` and ``torch.compile`` put before every name."""
EXPECTED = "expected what torch.save(net.state_dict(), FILE) writes"


class ModelFile(NamedTuple):
    """What a file holds.

    Attributes:
        tensors: by name.
        sha256: checksum of the file.
        stage: the stage that it is, where a run wrote it.
    """

    tensors: Mapping[Any, Any]
    sha256: str
    stage: Stage | None = None


def read_model(path: Path) -> ModelFile:
    """The tensors of a file: safetensors, or a ``state_dict`` that ``torch.save`` wrote.

    Args:
        path: ``*.safetensors``, ``*.pt`` or ``*.pth``.

    Raises:
        UserError: it cannot be read, is too large, or holds anything but tensors.
    """
    kind = path.suffix.lower()
    if kind not in (".safetensors", ".pt", ".pth"):
        raise UserError(f"{path} is no model: its name must end in .safetensors, .pt or .pth")
    content = read_bounded(path, MAX_BYTES)
    try:
        if kind == ".safetensors":
            tensors = safetensors.torch.load(content)
            stage = unpacked(content) if is_stage(content) else None
            return ModelFile(tensors, checksum(content), stage)
        return ModelFile(_state_dict(unpickled(content)), checksum(content))
    except (ValueError, SafetensorError, KeyError) as error:  # KeyError: a dtype that torch has not
        raise UserError(f"{path} is no model that can be read: {_first_line(error)}") from None


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


def unpickled(content: bytes) -> Any:
    """What ``torch.save`` wrote: tensors and plain containers; nothing in it is run.

    Raises:
        ValueError: it is too large or holds anything else; the message says what.
    """
    file, size = io.BytesIO(content), len(content)
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                size = max(size, sum(member.file_size for member in archive.infolist()))
        if size > MAX_BYTES:
            raise ValueError(f"it has {size:,} bytes, more than {MAX_BYTES:,}")
        file.seek(0)
        with warnings.catch_warnings():  # what it warns of it refuses, too
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        objects = "global" in str(error).lower()  # torch's word for classes and functions
        reason = "it holds Python objects, such as a whole module" if objects else "it is damaged"
        raise ValueError(f"{reason}; {EXPECTED}") from None
    except Exception as error:  # torch documents no exceptions for foreign files: any of many
        raise ValueError(_first_line(error)) from None


def is_plain(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Whether a tensor is dense, on the CPU, of a dtype and finite."""
    dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return dense and tensor.dtype == dtype and bool(torch.isfinite(tensor).all())


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].split(". ", 1)[0]


def _state_dict(held: Any) -> Mapping[Any, Any]:
    """The tensors by name in what a file holds.

    Raises:
        ValueError: it holds none, or two sets of them.
    """
    if not isinstance(held, Mapping):
        raise ValueError(f"it holds a {type(held).__name__}; {EXPECTED}")
    nested = [key for key in NESTED if key in held]
    if len(nested) > 1:
        raise ValueError(f"it holds {' and '.join(nested)}: leave one of them")
    return _state_dict(held[nested[0]]) if nested else held


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
