"""Exact program under noise: observables carried back through the circuit in the Pauli basis.

The M observables, vectors of 4**n coefficients, go through the layers once, whatever the number of
samples; a sample is a product state, four numbers per qubit.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.batch import Batch
from qhu.engine.channels import Channel, blocks
from qhu.engine.constants import Constants
from qhu.engine.local import LocalGates
from qhu.engine.noise import Transfer
from qhu.engine.products import Products
from qhu.engine.schedule import Level

_GROUP = 2  # qubits whose transfer matrices are multiplied out, to 16 x 16


class NoisyProgram:
    """Expectation values under noise, by evolution of the observables.

    Time and memory are linear in levels, observables and 4**n, and in the batch only for 2**n * M
    numbers per sample. Where inputs enter after the first gate on two qubits, all is linear in the
    batch.

    Args:
        levels: the scheduled circuit.
        num_qubits: n.
        parameters: numbering of the circuit's parameters.
        observables: coefficients (M, 4**n) of what is read.
        dtype: real dtype of the results.
    """

    def __init__(
        self,
        levels: Sequence[Level[Channel]],
        num_qubits: int,
        parameters: Parameters,
        observables: Transfer,
        dtype: torch.dtype,
    ) -> None:
        self._parameters = parameters
        self._dtype = dtype
        self._num_qubits = num_qubits
        self._groups = [min(_GROUP, num_qubits - q) for q in range(0, num_qubits, _GROUP)]
        self._halves = [size for size in ((num_qubits + 1) // 2, num_qubits // 2) if size]
        self._features = [Products.kron(size, 4) for size in self._halves]
        later = [row for level in levels[1:] for row in level.rows]
        self._local = LocalGates(levels[0].rows, later, self._groups, parameters, dtype)
        self._constants = Constants()
        self._constants["observables"] = torch.tensor(observables, dtype=dtype)
        # The number of a later row, or the qubits of a constant block, in time order.
        self._steps: list[int | tuple[int, ...]] = []
        for number, level in enumerate(levels):
            done = sum(isinstance(step, int) for step in self._steps)
            self._steps += range(done, done + len(level.rows)) if number else []
            for block in blocks(level.joints):
                name = f"block {len(self._steps)}"
                self._constants[name] = torch.tensor(block.matrix, dtype=dtype)
                self._steps.append(block.qubits)

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Expectation values (..., M) at inputs (..., I) and weights (..., W)."""
        values = self._parameters.values(inputs, weights, self._local.all_sources, self._dtype)
        batch = Batch(inputs, weights, [values[source] for source in self._local.sources])
        matrices = self._local.matrices(values)
        observables = self._pull_back(self._local.operators(matrices, batch), weights.device)
        qubits = batch.states(self._local.qubits(values, matrices), kept=2)
        parts = qubits.split(self._halves, -2)
        first, *others = [k(p.flatten(-2)) for k, p in zip(self._features, parts, strict=True)]
        # The state is the Kronecker product of the halves, which is never formed.
        side = first.shape[-1]
        partial = first.unsqueeze(-3) @ observables.unflatten(-1, (side, -1))
        for other in others:
            partial = partial * other.unsqueeze(-3)
        return batch.outputs(partial.sum(-1).mT)

    def _pull_back(self, rows: Sequence[Sequence[Tensor]], device: torch.device) -> Tensor:
        """Coefficients (..., M, 4**n) of the observables before the first joint."""
        constants = self._constants.on(device)
        observables = constants["observables"]
        for number in range(len(self._steps) - 1, -1, -1):
            step = self._steps[number]
            if isinstance(step, int):
                observables = self._through_row(observables, rows[step])
            else:
                block = constants[f"block {number}"]
                observables = self._through_block(observables, step, block)
        return observables

    def _through_row(self, observables: Tensor, operators: Sequence[Tensor]) -> Tensor:
        """Coefficients before a local layer: ``observables @ (first ⊗ second ⊗ …)``."""
        lead = torch.broadcast_shapes(observables.shape[:-2], operators[0].shape[:-2])
        shape = (*lead, *observables.shape[-2:])
        observables = observables.expand(shape)
        right = observables.shape[-1]
        for operator in operators:
            side = operator.shape[-1]
            right //= side
            if right == 1:
                rows = observables.reshape(*lead, -1, side)
                observables = (rows @ operator).reshape(shape)
            else:
                rows = observables.reshape(*lead, -1, side, right)
                observables = (operator.mT.unsqueeze(-3) @ rows).reshape(shape)
        return observables

    def _through_block(
        self, observables: Tensor, qubits: tuple[int, ...], matrix: Tensor
    ) -> Tensor:
        """Coefficients before a constant channel on some qubits."""
        if len(qubits) == self._num_qubits:
            return observables @ matrix
        lead = observables.ndim - 1
        last = [lead + qubit for qubit in qubits]
        digits = observables.unflatten(-1, (4,) * self._num_qubits)
        places = range(digits.ndim - len(qubits), digits.ndim)
        moved = digits.movedim(last, list(places))
        after = (moved.flatten(-len(qubits)) @ matrix).reshape(moved.shape)
        return after.movedim(list(places), last).reshape(observables.shape)
