"""Z-phases: any number of them on any qubits is one elementwise multiplication."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qhu.engine.angles import AngleTable, Parameters
from qhu.engine.constants import Constants
from qhu.engine.observables import TABLE_QUBITS, signs
from qhu.engine.schedule import Level, Phase

Values = dict[str, Tensor]
"""Value vectors by source."""


class Diagonals:
    """The diagonals of ``R`` levels as vectors over the basis states.

    The sign of a phase in a basis state is a product of one sign per qubit. So a table over the
    last 12 qubits serves any width: the qubits before them give a sign to each angle first.

    Args:
        levels: the levels.
        num_qubits: n.
        parameters: numbering of the circuit's parameters.
        dtype: complex dtype of the result.
    """

    def __init__(
        self,
        levels: Sequence[Level[Phase]],
        num_qubits: int,
        parameters: Parameters,
        dtype: torch.dtype,
    ) -> None:
        self._num_qubits, self._num_levels = num_qubits, len(levels)
        phases: dict[str | None, list[tuple[int, Phase]]] = {None: []}
        for number, level in enumerate(levels):
            for phase in level.joints:
                phases.setdefault(phase.source, []).append((number, phase))
        fixed = phases.pop(None)
        self.sources = sorted(source for source in phases if source)
        self.trivial = not fixed and not phases
        self._angles = {}
        self._constants = Constants()
        angles = np.array([phase.angle.get((), 0.0) for _, phase in fixed])
        total = self._summed(*map(torch.from_numpy, (angles, *self._generators(fixed))))
        self._constants["fixed"] = torch.complex(total.cos(), total.sin()).to(dtype)
        for source in self.sources:
            self._angles[source] = AngleTable(
                [phase.angle for _, phase in phases[source]],
                parameters.columns(source),
                dtype.to_real(),
            )
            first, last = self._generators(phases[source])
            self._constants[f"first {source}"] = torch.tensor(first, dtype=dtype.to_real())
            self._constants[f"last {source}"] = torch.tensor(last, dtype=dtype.to_real())

    def __call__(self, values: Values, device: torch.device) -> Tensor:
        """Diagonals (..., R, 2**n); the leading dimensions are those of the sources used."""
        constants = self._constants.on(device)
        result = constants["fixed"]
        for source in self.sources:
            angles = self._angles[source](values[source])
            first, last = constants[f"first {source}"], constants[f"last {source}"]
            total = self._summed(angles, first, last)
            result = result * torch.complex(total.cos(), total.sin())
        return result

    def _generators(
        self, phases: Sequence[tuple[int, Phase]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``-Z⊗…⊗Z / 2`` of K phases: on the first qubits (2**f, K), on the last (K, R * 2**l)."""
        split = max(0, self._num_qubits - TABLE_QUBITS)
        first = np.zeros((2**split, len(phases)))
        last = np.zeros((len(phases), self._num_levels, 2 ** (self._num_qubits - split)))
        for k, (number, phase) in enumerate(phases):
            z = [qubit in phase.qubits for qubit in range(self._num_qubits)]
            first[:, k] = signs(z[:split])
            last[k, number] = -0.5 * signs(z[split:])
        return first, last.reshape(len(phases), self._num_levels * last.shape[-1])

    def _summed(self, angles: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """Angles (..., K) times their generators, summed: (..., R, 2**n)."""
        if len(first) > 1:
            angles = angles.unsqueeze(-2) * first
            rows = (angles @ last).unflatten(-1, (self._num_levels, -1))
            return rows.movedim(-2, -3).flatten(-2)
        return (angles @ last).unflatten(-1, (self._num_levels, -1))
