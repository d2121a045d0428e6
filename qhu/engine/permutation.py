"""CX gates: any number of them on any qubits is one reordering of the amplitudes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from qhu.engine.constants import Constants
from qhu.engine.gates import Flip


class Permutation:
    """What CX gates make of the rows of a matrix, one row per basis state.

    Args:
        blocks: the gates, in time order, of each of the R blocks of 2**n rows.
        num_qubits: n.
    """

    def __init__(self, blocks: Sequence[Sequence[Flip]], num_qubits: int) -> None:
        start = torch.arange(2**num_qubits)
        goals = []
        for number, flips in enumerate(blocks):
            goal = start.clone()
            for control, target in ((num_qubits - 1 - q for q in flip.qubits) for flip in flips):
                goal ^= ((goal >> control) & 1) << target
            goals.append(goal + number * len(start))
        self._constants = Constants()
        self._constants["goals"] = torch.cat(goals)
        self._constants["places"] = torch.argsort(self._constants.on(start.device)["goals"])

    def __call__(self, rows: Tensor) -> Tensor:
        """The rows (..., R * 2**n, columns) in their new order."""
        constants = self._constants.on(rows.device)
        moved: Tensor = _Reordered.apply(rows, constants["places"], constants["goals"])
        return moved


class _Reordered(torch.autograd.Function):
    """``index_select`` by a permutation: its derivative is one, too, where autograd would add."""

    generate_vmap_rule = True

    @staticmethod
    def forward(rows: Tensor, places: Tensor, goals: Tensor) -> Tensor:
        return rows.index_select(-2, places)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        _, places, goals = inputs
        ctx.save_for_backward(places, goals)
        ctx.save_for_forward(places, goals)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        places, goals = ctx.saved_tensors
        return _Reordered.apply(gradients[0], goals, places), None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        places, goals = ctx.saved_tensors
        moved: Tensor = _Reordered.apply(tangents[0], places, goals)
        return moved
