"""Constant tensors of a compiled program, kept once per device."""

from typing import Any

import torch
from torch import Tensor


class Constants:
    """Named tensors that are copied to a device the first time they are asked for there."""

    def __init__(self) -> None:
        self._on: dict[str, dict[str, Tensor]] = {"cpu": {}}

    def __setitem__(self, name: str, tensor: Tensor) -> None:
        self._on["cpu"][name] = tensor.contiguous()

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """All tensors on ``device``."""
        key = str(device)
        if key not in self._on:
            self._on[key] = {name: tensor.to(device) for name, tensor in self._on["cpu"].items()}
        return self._on[key]

    def __getstate__(self) -> dict[str, Any]:
        return {"_on": {"cpu": self._on["cpu"]}}
