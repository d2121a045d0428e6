"""Released checkpoints as states of qhu's network."""

from pathlib import Path

import torch
from torch import Tensor

from qhu.errors import UserError, shortened
from qhu.model.checkpoint import MAX_BYTES, unpickled
from qhu.model.fitting import is_plain
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.paper.release import released_name
from qhu.record.documents import read_bounded


def find_checkpoint(folder: Path, tag: str) -> Path:
    """The file ``{tag}_best.pth`` in a folder or below it.

    Raises:
        UserError: there is none, or more than one.
    """
    name = f"{tag}_best.pth"
    files = sorted(folder.rglob(name))
    if not files:
        raise UserError(f"{folder} has no {name}: give the folder with the released checkpoints")
    if len(files) > 1:
        raise UserError(f"{folder} has {len(files)} files {name}: give the folder of one dataset")
    return files[0]


def load_checkpoint(path: Path, net: HybridNet, dataset: str) -> ModelState:
    """Read a released checkpoint into the order of qhu's θ.

    The released quantum weights (layer, axis, wire) are qhu's in the same order: wire w is qubit w.

    Args:
        path: file written by ``torch.save``: a mapping with ``model_state_dict``.
        net: network that the state is for.
        dataset: whose release the file is from.

    Raises:
        UserError: not such a file, or one of another network.
    """
    tensors = _read(path)
    wanted = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    names = {ours: released_name(dataset, ours) for ours in wanted}
    if odd := set(names.values()) ^ tensors.keys():
        name = shortened(min(map(str, odd)))
        raise UserError(f"{path} is of another network ('{name}'): check --dataset")
    for ours, theirs in names.items():
        shape = tuple(tensors[theirs].shape)
        expected = _released_shape(net, ours, tuple(wanted[ours].shape))
        if shape != expected:
            raise UserError(
                f"{path}: {theirs} has shape {shape}, the released network {expected}: "
                "a file of another network or run"
            )
        if not is_plain(tensors[theirs], wanted[ours].dtype):
            raise UserError(f"{path}: {theirs} is not dense, finite and {wanted[ours].dtype}")
    theta = torch.cat([tensors[names[name]].reshape(-1) for name in net.theta.slices])
    return ModelState(theta, {name: tensors[names[name]] for name, _ in net.named_buffers()})


def _read(path: Path) -> dict[str, Tensor]:
    try:
        content = unpickled(read_bounded(path, MAX_BYTES))
    except ValueError as error:
        raise UserError(f"{path} is not a released checkpoint: {error}") from None
    tensors = content.get("model_state_dict") if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise UserError(f"{path} is not a released checkpoint: it holds no model_state_dict")
    return tensors


def _released_shape(net: HybridNet, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The release keeps the circuit's weights as (layers, 3 axes, qubits), qhu flat."""
    if not name.startswith("quantum."):
        return shape
    layers = sum(layer.startswith("quantum.") for layer in net.theta.layers)
    return (layers, 3, shape[0] // (3 * layers))
