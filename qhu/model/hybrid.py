"""The hybrid network: front → TorchConnector(EstimatorQNN) → head."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd

from qhu import registry
from qhu.backends.base import Backend
from qhu.model.aliases import as_in_files
from qhu.model.circuit import build_ansatz, encoded_features
from qhu.model.theta import ModelState, Theta
from qhu.settings.model import ModelSpec

ROWS_AT_ONCE = 2048
"""Samples evaluated in one go: memory must not grow with the data."""
ROWS_IN_CACHE = 256
"""The same where layers are plain tensors: what more samples compute falls out of the caches. A
device gets as many as memory holds, because every request costs."""


class HybridNet(nn.Module):
    """Classical front, quantum layer and classical head; all its parameters are one vector θ.

    The network itself stays on the CPU. As a function of θ (:meth:`logits`, :meth:`outputs`) it
    computes wherever θ is.

    Args:
        spec: front, circuit and head.
        shape: shape of one sample; without a front (features,), one qubit each.
        classes: number of outputs.
        backend: where the quantum layer's expectation values come from.
        seed: root of the layer's shot noise, where the backend has any.

    Attributes:
        theta: layout of θ.
        draws: whether training draws random numbers (dropout).
        plain: whether all layers are plain tensor operations, so that many models or rows can be
            mapped over at once; a layer that asks an estimator is not.
        stacked: whether training runs many models as one stack: not where each draws its own
            random numbers, nor with convolutions, which are slower in one, nor with modules of
            the user's own, which may do either.
    """

    def __init__(
        self, spec: ModelSpec, shape: tuple[int, ...], classes: int, backend: Backend, seed: int = 0
    ) -> None:
        super().__init__()
        features = encoded_features(spec, shape)
        ansatz = build_ansatz(spec, features) if spec.quantum else None
        outputs = len(ansatz.observables) if ansatz else features

        def part(kind: str, inputs: Any, size: int) -> nn.Module:
            chosen = getattr(spec, kind)
            made = getattr(registry, kind)[chosen.name].make(inputs, size, chosen.options)
            assert isinstance(made, nn.Module)
            return made

        self._foreign = {
            kind: partial(part, kind, inputs, size)
            for kind, inputs, size in (("front", shape, features), ("head", outputs, classes))
            if getattr(spec, kind).foreign
        }
        self.front = part("front", shape, features)
        self.quantum = backend.layer(ansatz, seed) if ansatz else nn.Identity()
        self.head = part("head", outputs, classes)
        self.theta = Theta(self, ansatz.layers if ansatz else ())
        as_in_files(self)
        self.draws = any(isinstance(module, _DropoutNd) for module in self.modules())
        self.plain = backend.differentiable
        convolves = any(isinstance(module, _ConvNd) for module in self.modules())
        self.stacked = self.plain and not (self.draws or convolves or self._foreign)

    def features(self, x: Tensor) -> Tensor:
        """Expectation values (B, M) of samples x (B, ...); a classical twin's angles."""
        return self.quantum(self.front(x))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, C) of samples x (B, ...)."""
        return self.head(self.features(x))

    def logits(
        self, theta: Tensor, x: Tensor, buffers: dict[str, Tensor], moving: Tensor | None = None
    ) -> Tensor:
        """Logits as a function of θ, differentiable in θ and x.

        Args:
            theta: (d,) for one model, or (m, d) for a stack.
            x: rows (B, ...), or (m, B, ...) for a stack.
            buffers: batch-norm statistics, stacked like θ; updated in training mode.
            moving: mask (d,) of entries that gradients are wanted for.

        Returns:
            (B, C), or (m, B, C) for a stack.
        """
        named = self.theta.split(theta, moving)
        if theta.ndim == 1:
            return functional_call(self, {**named, **buffers}, (x,))

        def single(parameters: dict[str, Tensor], state: dict[str, Tensor], rows: Tensor) -> Tensor:
            return functional_call(self, {**parameters, **state}, (rows,))

        return torch.func.vmap(single)(named, buffers, x)

    def outputs(self, state: ModelState, x: Tensor) -> tuple[Tensor, Tensor]:
        """Expectation values (N, M) and class probabilities (N, C), float64, on the CPU.

        In evaluation mode and a few rows at a time, so that memory does not grow with the data.

        Args:
            state: decides about the device.
            x: rows (N, ...), anywhere.
        """
        self.eval()
        named = {**self.theta.split(state.theta), **state.buffers}
        layers = _InOnePass(self)
        with torch.no_grad():
            parts = [
                functional_call(layers, named, (rows.to(state.theta.device),))
                for rows in x.split(self._rows_at_once)
            ]
        features, logits = (torch.cat(part).double().cpu() for part in zip(*parts, strict=True))
        return features, logits.softmax(dim=1)

    def infer(self, state: ModelState, x: Tensor) -> Tensor:
        """Logits as :meth:`logits`, in evaluation mode, without gradients, some rows at a time."""
        self.eval()
        stacked, size = state.theta.ndim - 1, self._rows_at_once
        size = max(1, size // len(x)) if stacked else size
        with torch.no_grad():
            parts = [self.logits(state.theta, p, state.buffers) for p in x.split(size, stacked)]
            return torch.cat(parts, stacked)

    @property
    def _rows_at_once(self) -> int:
        return ROWS_IN_CACHE if self.plain else ROWS_AT_ONCE

    def initial(self, generator: torch.Generator) -> ModelState:
        """Fresh random state: angles uniform on [−π, π), classical layers by torch's defaults.

        The network itself is left as it was.
        """
        seed, before = int(torch.randint(2**62, (1,), generator=generator)), self.state()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for module in (*self.front.modules(), *self.head.modules()):
                reset = getattr(module, "reset_parameters", None)
                if reset is not None:
                    reset()
            for angles in self.quantum.parameters():
                nn.init.uniform_(angles, -torch.pi, torch.pi)
            for name, make in self._foreign.items():  # which may have parameters of its own
                getattr(self, name).load_state_dict(make().state_dict())
        fresh = self.state()
        self.load(before)
        return fresh

    def state(self) -> ModelState:
        """Current θ and buffers, a copy."""
        return ModelState(self.theta.get(self), dict(self.named_buffers())).clone()

    def load(self, state: ModelState) -> None:
        """Write a state into the network."""
        self.theta.set(self, state.theta)
        for name, buffer in self.named_buffers():
            buffer.copy_(state.buffers[name])


class _InOnePass(nn.Module):
    """A network's layers: expectation values and logits, for a sampled layer never repeats itself.

    Args:
        net: whose layers.
    """

    def __init__(self, net: HybridNet) -> None:
        super().__init__()
        self.front, self.quantum, self.head = net.front, net.quantum, net.head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Expectation values (B, M) and logits (B, C) of samples x (B, ...)."""
        features = self.quantum(self.front(x))
        return features, self.head(features)
