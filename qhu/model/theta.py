"""θ: all trainable parameters of a network as one flat vector with named slices and masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from qhu.settings.parts import Scope


@dataclass(frozen=True)
class ModelState:
    """What training or unlearning changes: θ (d,) and buffers such as batch-norm statistics.

    Of a stack of models both have a leading dimension.
    """

    theta: Tensor
    buffers: dict[str, Tensor]

    def clone(self) -> "ModelState":
        """Independent copy without gradient history."""
        return ModelState(
            self.theta.detach().clone(), {k: v.detach().clone() for k, v in self.buffers.items()}
        )

    def to(self, device: torch.device) -> "ModelState":
        """The same state on a device."""
        return ModelState(self.theta.to(device), {k: v.to(device) for k, v in self.buffers.items()})

    def model(self, number: int) -> "ModelState":
        """One model of a stack, a view."""
        return ModelState(self.theta[number], {k: v[number] for k, v in self.buffers.items()})


def together(states: Sequence[ModelState]) -> ModelState:
    """Models as a stack."""
    names = states[0].buffers
    return ModelState(
        torch.stack([state.theta for state in states]),
        {name: torch.stack([state.buffers[name] for state in states]) for name in names},
    )


class Theta:
    """Where every parameter of a network lies in θ.

    Args:
        net: network whose parameter names start with ``front.``, ``quantum.`` or ``head.``.
        circuit_layers: numbers of weights of the layers that the quantum slice consists of.

    Attributes:
        size: length d of θ.
        slices: parameter name to slice, in forward order.
        layers: trainable layers in forward order (front, circuit layers, head) to slice; a
            normalisation layer belongs to the layer before it.
    """

    def __init__(self, net: nn.Module, circuit_layers: Sequence[int]) -> None:
        self.slices: dict[str, slice] = {}
        self._shapes: dict[str, torch.Size] = {}
        self.size = 0
        for name, parameter in net.named_parameters():
            self.slices[name] = slice(self.size, self.size + parameter.numel())
            self._shapes[name] = parameter.shape
            self.size += parameter.numel()
        self.layers = self._layers(net, circuit_layers)

    def get(self, net: nn.Module) -> Tensor:
        """θ of a network (d,), a copy."""
        return torch.cat([p.detach().reshape(-1) for _, p in net.named_parameters()])

    def set(self, net: nn.Module, theta: Tensor) -> None:
        """Write θ into a network's parameters.

        Raises:
            ValueError: θ has another length.
        """
        with torch.no_grad():
            named = self.split(theta)
            for name, parameter in net.named_parameters():
                parameter.copy_(named[name])

    def split(self, theta: Tensor, moving: Tensor | None = None) -> dict[str, Tensor]:
        """Named tensors as views of θ (..., d), which gradients flow through.

        Args:
            theta: one vector (d,) or a stack of them.
            moving: mask (..., d); tensors without a moving entry are detached, so that no
                gradient is computed for them.

        Raises:
            ValueError: θ has another length.
        """
        if theta.shape[-1] != self.size:
            raise ValueError(f"θ has {theta.shape[-1]} entries, the network {self.size}")
        named = {}
        # One split: its gradient is put together once, that of slices once for every slice.
        parts = theta.split([place.stop - place.start for place in self.slices.values()], dim=-1)
        for (name, place), part in zip(self.slices.items(), parts, strict=True):
            frozen = moving is not None and not bool(moving[..., place].any())
            shaped = part.reshape(*theta.shape[:-1], *self._shapes[name])
            named[name] = shaped.detach() if frozen else shaped
        return named

    def mask(self, scope: Scope) -> Tensor:
        """Entries of θ (d,) that belong to ``all``, ``quantum`` or ``classical``."""
        if scope == "all":
            return torch.ones(self.size, dtype=torch.bool)
        quantum = torch.zeros(self.size, dtype=torch.bool)
        for name, place in self.slices.items():
            quantum[place] = name.startswith("quantum.")
        return quantum if scope == "quantum" else ~quantum

    def last_layers(self, k: int, within: Tensor) -> Tensor:
        """Mask (d,) of the last k trainable layers, counted over front, circuit and head.

        Args:
            k: number of layers.
            within: mask (d,); layers without an entry in it are not counted.
        """
        return self._layer_mask(slice(-k, None) if k else slice(0), within)

    def first_layers(self, k: int, within: Tensor) -> Tensor:
        """Mask (d,) of the first k trainable layers, counted as :meth:`last_layers` does."""
        return self._layer_mask(slice(k), within)

    def _layer_mask(self, chosen: slice, within: Tensor) -> Tensor:
        mask = torch.zeros_like(within)
        counted = [place for place in self.layers.values() if within[place].any()]
        for place in counted[chosen]:
            mask[place] = True
        return mask & within

    def _layers(self, net: nn.Module, circuit_layers: Sequence[int]) -> dict[str, slice]:
        layers: dict[str, slice] = {}
        for name, place in self.slices.items():
            module = name.rpartition(".")[0]
            if name.startswith("quantum."):
                ends = accumulate(circuit_layers, initial=place.start)
                for number, (start, end) in enumerate(pairwise(ends)):
                    layers[f"quantum.{number}"] = slice(start, end)
                continue
            is_norm = isinstance(net.get_submodule(module), nn.modules.batchnorm._BatchNorm)
            owner = list(layers)[-1] if is_norm or module in layers else module
            layers[owner] = slice(layers.get(owner, place).start, place.stop)
        return layers
