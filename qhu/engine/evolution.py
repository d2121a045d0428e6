"""A noisy circuit as steps on vectors of 4**n Pauli coefficients, taken forth or back.

The first gates make a product state of every sample, four numbers per qubit. The steps after it
carry states forth (``v -> T v``), or observables back (``v -> v T``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.batch import Batch
from qhu.engine.channels import Channel, blocks
from qhu.engine.constants import Constants
from qhu.engine.local import LocalGates
from qhu.engine.products import Products
from qhu.engine.schedule import Level

_GROUP = 2  # qubits whose transfer matrices are multiplied out, to 16 x 16


@dataclass(frozen=True)
class Evaluated:
    """The gates at the parameters of a call.

    Attributes:
        batch: leading dimensions of the call.
        halves: the encoded states (..., samples, 4**h) of both halves of the qubits, the second
            left out for a single qubit; their Kronecker product is the state.
        rows: for each local layer after the encoding, its matrices by groups of qubits.
    """

    batch: Batch
    halves: list[Tensor]
    rows: list[list[Tensor]]


class Evolution:
    """The steps of a noisy circuit.

    Args:
        levels: the scheduled circuit.
        num_qubits: n.
        parameters: numbering of the circuit's parameters.
        dtype: real dtype of the coefficients.
    """

    def __init__(
        self,
        levels: Sequence[Level[Channel]],
        num_qubits: int,
        parameters: Parameters,
        dtype: torch.dtype,
    ) -> None:
        self._parameters, self._dtype, self._num_qubits = parameters, dtype, num_qubits
        groups = [min(_GROUP, num_qubits - q) for q in range(0, num_qubits, _GROUP)]
        self._halves = [size for size in ((num_qubits + 1) // 2, num_qubits // 2) if size]
        self._kron = [Products.kron(size, 4) for size in self._halves]
        later = [row for level in levels[1:] for row in level.rows]
        self._local = LocalGates(levels[0].rows, later, groups, parameters, dtype)
        self._blocks = Constants()
        # The number of a later row, or the qubits of a constant block, in time order.
        self._steps: list[int | tuple[int, ...]] = []
        for number, level in enumerate(levels):
            done = sum(isinstance(step, int) for step in self._steps)
            self._steps += range(done, done + len(level.rows)) if number else []
            for block in blocks(level.joints):
                name = f"block {len(self._steps)}"
                self._blocks[name] = torch.tensor(block.matrix, dtype=dtype)
                self._steps.append(block.qubits)

    def at(self, inputs: Tensor, weights: Tensor) -> Evaluated:
        """The gates at inputs (..., I) and weights (..., W)."""
        local = self._local
        values = self._parameters.values(inputs, weights, local.all_sources, self._dtype)
        batch = Batch(inputs, weights, [values[source] for source in local.sources])
        matrices = local.matrices(values)
        qubits = batch.states(local.qubits(values, matrices), kept=2).split(self._halves, -2)
        halves = [kron(part.flatten(-2)) for kron, part in zip(self._kron, qubits, strict=True)]
        return Evaluated(batch, halves, local.operators(matrices, batch))

    def forth(self, states: Tensor, rows: Sequence[Sequence[Tensor]]) -> Tensor:
        """States (..., 4**n), as ⟨P⟩ of every Pauli string P, after all steps."""
        constants = self._blocks.on(states.device)
        for number, step in enumerate(self._steps):
            if isinstance(step, int):
                states = _through_row(states, [operator.mT for operator in rows[step]])
            else:
                states = self._through_block(states, step, constants[f"block {number}"].mT)
        return states

    def back(self, observables: Tensor, rows: Sequence[Sequence[Tensor]]) -> Tensor:
        """Coefficients (..., 4**n) of observables before all steps."""
        constants = self._blocks.on(observables.device)
        for number, step in reversed(list(enumerate(self._steps))):
            if isinstance(step, int):
                observables = _through_row(observables, rows[step])
            else:
                observables = self._through_block(observables, step, constants[f"block {number}"])
        return observables

    def _through_block(self, vectors: Tensor, qubits: tuple[int, ...], matrix: Tensor) -> Tensor:
        """``vectors @ matrix`` where the matrix acts on some qubits."""
        if len(qubits) == self._num_qubits:
            return vectors @ matrix
        lead = vectors.ndim - 1
        last = [lead + qubit for qubit in qubits]
        digits = vectors.unflatten(-1, (4,) * self._num_qubits)
        places = range(digits.ndim - len(qubits), digits.ndim)
        moved = digits.movedim(last, list(places))
        after = (moved.flatten(-len(qubits)) @ matrix).reshape(moved.shape)
        return after.movedim(list(places), last).reshape(vectors.shape)


def _through_row(vectors: Tensor, operators: Sequence[Tensor]) -> Tensor:
    """``vectors @ (first ⊗ second ⊗ …)``."""
    lead = torch.broadcast_shapes(vectors.shape[:-2], operators[0].shape[:-2])
    shape = (*lead, *vectors.shape[-2:])
    vectors = vectors.expand(shape)
    right = vectors.shape[-1]
    for operator in operators:
        side = operator.shape[-1]
        right //= side
        if right == 1:
            rows = vectors.reshape(*lead, -1, side)
            vectors = (rows @ operator).reshape(shape)
        else:
            rows = vectors.reshape(*lead, -1, side, right)
            vectors = (operator.mT.unsqueeze(-3) @ rows).reshape(shape)
    return vectors
