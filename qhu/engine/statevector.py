"""Exact program for any circuit: a batch of state vectors goes through the layers one by one.

A local layer is applied in groups of neighbouring qubits: the one-qubit matrices of a group are
multiplied out to one matrix of at most 32 x 32, which meets all samples in one matrix product. For
that the samples are the last axis of the states.
"""

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod

import torch
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.batch import Batch
from qhu.engine.diagonal import Diagonals
from qhu.engine.local import LocalGates
from qhu.engine.observables import Readout
from qhu.engine.permutation import Permutation
from qhu.engine.products import Products
from qhu.engine.schedule import Level, LocalRow, Phase
from qhu.errors import UserError

MAX_GROUP = 5


class StatevectorProgram:
    """Expectation values by evolution of state vectors; refuses batches beyond the memory.

    Time and memory are linear in batch, levels and 2**n: autograd keeps about four complex numbers
    per amplitude and level.

    Args:
        levels: the scheduled circuit; the first has at least one row.
        num_qubits: n.
        parameters: numbering of the circuit's parameters.
        readout: the measurement.
        dtype: complex dtype of the states.
        start: states (..., 2**n) that the samples start from; None: all qubits in |0>.
    """

    def __init__(
        self,
        levels: Sequence[Level[Phase]],
        num_qubits: int,
        parameters: Parameters,
        readout: Readout,
        dtype: torch.dtype,
        start: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._start = start
        if start:  # then nothing makes product states
            levels = [Level([LocalRow()]), *levels]
        self._parameters = parameters
        self._real = dtype.to_real()
        self._readout = readout
        self._groups = _groups(num_qubits)
        self._vectors = [Products.kron(size, 2) for size in self._groups]
        later = [row for level in levels[1:] for row in level.rows]
        self._local = LocalGates(levels[0].rows, later, self._groups, parameters, dtype)
        # The number of a later row, a diagonal or a permutation, in time order.
        self._steps: list[int | Diagonals | Permutation] = []
        for number, level in enumerate(levels):
            done = sum(isinstance(step, int) for step in self._steps)
            self._steps += range(done, done + len(level.rows)) if number else []
            if level.joints:
                self._steps.append(Diagonals([level], num_qubits, parameters, dtype))
            if level.flips:
                self._steps.append(Permutation([level.flips], num_qubits))
        diagonals = [step for step in self._steps if isinstance(step, Diagonals)]
        self._sources = self._local.all_sources.union(*(d.sources for d in diagonals))

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """What is read (..., M) at inputs (..., I) and weights (..., W)."""
        values = self._parameters.values(inputs, weights, self._sources, self._real)
        batch = Batch(inputs, weights, [values[source] for source in self._local.sources])
        self._check_memory(batch, weights.device)
        matrices = self._local.matrices(values)
        if self._start:
            states = self._start(values["inputs"]).to(self._real.to_complex())
            state = batch.states(states, kept=1).mT
        else:
            state = self._product_state(batch.states(self._local.qubits(values, matrices), kept=2))
        rows = self._local.operators(matrices, batch)
        for step in self._steps:
            if isinstance(step, int):
                state = self._apply(rows[step], state)
            elif isinstance(step, Permutation):
                state = step(state)
            else:
                state = state * batch.columns(step(values, weights.device).squeeze(-2))
        return batch.outputs(self._readout(state).mT)

    def _check_memory(self, batch: Batch, device: torch.device) -> None:
        """Refuse states that this machine cannot hold, before memory is asked for."""
        kept = 1 + len(self._steps) if torch.is_grad_enabled() else 1
        samples, num_qubits = prod(batch.lead), sum(self._groups)
        needed = samples * kept * 2**num_qubits * 2 * self._real.itemsize
        if device.type == "cpu" and needed > memory():
            raise UserError(
                f"the states of {samples} samples on {num_qubits} qubits take "
                f"{needed / 2**30:.1f} GiB, and this machine has {memory() / 2**30:.1f}: "
                "use smaller batches or fewer qubits"
            )

    def _product_state(self, qubits: Tensor) -> Tensor:
        """States (..., 2**n, samples) of the qubits (..., samples, n, 2)."""
        parts = qubits.split(self._groups, -2)
        first, *others = [k(part.flatten(-2)) for k, part in zip(self._vectors, parts, strict=True)]
        state = first.mT
        for other in others:
            state = (state.unsqueeze(-2) * other.mT.unsqueeze(-3)).flatten(-3, -2)
        return state

    def _apply(self, operators: Sequence[Tensor], state: Tensor) -> Tensor:
        """States after one matrix per group."""
        shape, left = state.shape, 1
        for operator in operators:
            side = operator.shape[-1]
            rows = state.reshape(*shape[:-2], left, side, -1)
            # ``@`` would copy the states to fold the product into one with a single matrix.
            same = rows.ndim == 3 and operator.ndim == 2
            product = (
                torch.bmm(operator.expand(left, side, side), rows)
                if same
                else operator.unsqueeze(-3) @ rows
            )
            state = product.reshape(shape)
            left *= side
        return state


@lru_cache
def memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _groups(num_qubits: int) -> list[int]:
    """Sizes of the groups: as equal as possible, the larger ones first."""
    count = -(-num_qubits // MAX_GROUP)
    small, larger = divmod(num_qubits, count)
    return [small + 1] * larger + [small] * (count - larger)
