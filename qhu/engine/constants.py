"""Constant tensors of a compiled program, kept once per device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_CPU = torch.device("cpu")


@contextmanager
def lasting() -> Iterator[None]:
    """Where tensors are made that are kept: ordinary ones, whatever mode the caller is in.

    Those of ``torch.inference_mode`` could never be trained with, and a default device would be
    taken for the CPU.
    """
    with torch.inference_mode(False), _CPU:
        yield


class Constants:
    """Named tensors that are copied to a device the first time they are asked for there."""

    def __init__(self) -> None:
        self._on: dict[torch.device, dict[str, Tensor]] = {_CPU: {}}

    def __setitem__(self, name: str, tensor: Tensor) -> None:
        self._on[_CPU][name] = tensor.contiguous()

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """All tensors on ``device``."""
        if device not in self._on:
            with lasting():
                self._on[device] = {name: t.to(device) for name, t in self._on[_CPU].items()}
        return self._on[device]

    def __getstate__(self) -> dict[str, Any]:
        return {"_on": {_CPU: self._on[_CPU]}}
