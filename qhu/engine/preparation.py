"""Amplitude embedding: a row of 2ⁿ numbers, divided by its length, is the state of n qubits.

Simulators that are exact start from the amplitudes themselves. Noise and devices need gates: a tree
of rotations, each of which parts the length of a block of the row between the block's halves. The
rotations of a level are one rotation of a qubit, its angle chosen by the qubits above: RY and CX in
turns, after Möttönen et al., arXiv quant-ph/0407010.
"""

from collections.abc import Sequence
from typing import Any

import torch
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from torch import Tensor
from torch.autograd import Function

from qhu.errors import UserError


class Amplitudes:
    """The state whose amplitudes are a row of real features, divided by its length.

    Feature k is the amplitude of basis state k as Qiskit counts them: qubit 0 is the lowest bit.
    A row and a multiple of it are the same state, up to a sign that nothing can see.

    Args:
        features: F, numbers in a row, at least one.
        pad: what the row is filled up with, at its end, to a length of 2ⁿ; no matter where F is
            such a length.

    Attributes:
        features: F.
        num_qubits: n, at least 1.
        num_angles: rotations of :meth:`circuit`, 2ⁿ - 1.
        missing: numbers that a row is filled up with, 2ⁿ - F.
    """

    def __init__(self, features: int, pad: float = 0.0) -> None:
        self.features, self._pad = features, pad
        self.num_qubits = max(1, (features - 1).bit_length())
        self.num_angles = 2**self.num_qubits - 1
        self.missing = 2**self.num_qubits - features

    def state(self, rows: Tensor) -> Tensor:
        """Amplitudes (..., 2ⁿ), real, of the rows (..., F); differentiable any number of times.

        Raises:
            UserError: the rows have another number of features, or one of them is all zeros. Where
                ``torch.compile`` runs, the latter is a nan.
        """
        rows = self._filled(rows)
        return rows / torch.linalg.vector_norm(rows, dim=-1, keepdim=True)

    def angles(self, rows: Tensor) -> Tensor:
        """Angles (..., 2ⁿ - 1) of :meth:`circuit`, in radians, that prepare the rows (..., F).

        Gradients are finite. Where a block of the row is all zeros, its angles are free: they are
        0, and no gradient goes through them, although the state may change with the block.

        Raises:
            UserError: the rows have another number of features, or one of them is all zeros.
        """
        lengths, levels = self._filled(rows), []
        for _ in range(self.num_qubits):
            lengths, angles = _polar(*lengths.unflatten(-1, (-1, 2)).unbind(-1))
            levels.append(_in_turns(angles))
        return torch.cat(levels[::-1], dim=-1)

    def circuit(self, angles: Sequence[Parameter]) -> QuantumCircuit:
        """The tree of rotations on n qubits, from all qubits in |0⟩.

        Args:
            angles: its 2ⁿ - 1 parameters.
        """
        circuit, left = QuantumCircuit(self.num_qubits), iter(angles)
        for level in range(self.num_qubits):
            target = self.num_qubits - 1 - level
            for step in range(1, 2**level + 1):
                circuit.ry(next(left), target)
                if level:  # the bit in which a Gray code changes; after its last number, the first
                    circuit.cx(target + min(_lowest_bit(step), level - 1) + 1, target)
        return circuit

    def _filled(self, rows: Tensor) -> Tensor:
        """Rows (..., 2ⁿ), divided by their largest entry: that a square neither over- nor underflow
        changes no amplitude, and so no derivative."""
        if rows.shape[-1:] != (self.features,):
            raise UserError(
                f"the quantum layer takes {self.features} features, got {rows.shape[-1]}"
            )
        if self.missing:
            rows = torch.nn.functional.pad(rows, (0, self.missing), value=self._pad)
        return rows / _positive(rows.detach().abs().amax(dim=-1, keepdim=True))


class _Positive(Function):
    """Numbers from 0 up as they are, 0 refused; where ``torch.func`` maps over them, too."""

    @staticmethod
    def forward(largest: Tensor) -> Tensor:
        if not largest.all():
            raise UserError(
                "a row of zeros reached the quantum layer, and no state has these amplitudes: keep "
                "it out of the data, or the front from giving it"
            )
        return largest.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> None:
        return None

    @staticmethod
    def vmap(info: Any, in_dims: Any, largest: Tensor) -> tuple[Tensor, Any]:
        return _positive(largest), in_dims[0]


def _positive(largest: Tensor) -> Tensor:
    if largest.is_meta or torch.compiler.is_compiling():  # no values to look at
        return largest
    positive: Tensor = _Positive.apply(largest)
    return positive


def _polar(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Lengths √(a² + b²), and the angles by which RY turns (length, 0) into (a, b)."""
    squared = first * first + second * second
    empty = squared < torch.finfo(squared.dtype).tiny
    length = torch.where(empty, 0.0, torch.where(empty, 1.0, squared).sqrt())
    return length, 2 * torch.atan2(torch.where(empty, 0.0, second), torch.where(empty, 1.0, first))


def _in_turns(chosen: Tensor) -> Tensor:
    """Angles of RY and CX in turns that amount to one of the angles (..., 2ᵏ), chosen by k qubits.

    The CX before a rotation turn its sign for some of the choices: all signs together are a
    Walsh-Hadamard matrix, in the order of a Gray code.
    """
    size = chosen.shape[-1]
    for _ in range(size.bit_length() - 1):
        even, odd = chosen.unflatten(-1, (-1, 2)).unbind(-1)
        chosen = torch.cat([even + odd, even - odd], dim=-1) / 2
    steps = torch.arange(size, device=chosen.device)
    return chosen.index_select(-1, steps ^ (steps >> 1))


def _lowest_bit(number: int) -> int:
    return (number & -number).bit_length() - 1
