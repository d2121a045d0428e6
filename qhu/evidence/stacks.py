"""Stacks of models as the named arrays of a stage, and back."""

from typing import Any

import torch
from numpy.typing import NDArray

from qhu.model.theta import ModelState
from qhu.record.stage import Stage


def stack_arrays(prefix: str, states: ModelState) -> dict[str, NDArray[Any]]:
    """A stack of states as arrays whose names begin with a prefix of its own."""
    named = {"theta": states.theta, **{f"buffer {k}": v for k, v in states.buffers.items()}}
    return {f"{prefix}{name}": tensor.detach().cpu().numpy() for name, tensor in named.items()}


def stack_of(prefix: str, stage: Stage) -> ModelState:
    """The stack of states that a stage holds under a prefix."""
    start = f"{prefix}buffer "
    buffers = {k.removeprefix(start): v for k, v in stage.arrays.items() if k.startswith(start)}
    theta = torch.from_numpy(stage.arrays[f"{prefix}theta"])
    return ModelState(theta, {name: torch.from_numpy(array) for name, array in buffers.items()})
