"""Z-phases: any number of them on any qubits is one elementwise multiplication."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from qhu.engine.angles import AngleTable, Parameters
from qhu.engine.constants import Constants
from qhu.engine.observables import basis_bits
from qhu.engine.schedule import Level, Phase

Values = dict[str, Tensor]
"""Value vectors by source."""


class Diagonals:
    """The diagonals of ``R`` levels as vectors over the basis states.

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
        signs = 1.0 - 2.0 * basis_bits(num_qubits)
        fixed = np.zeros((len(levels), 2**num_qubits))
        moving: dict[str, list[tuple[Phase, np.ndarray]]] = {}
        for r, level in enumerate(levels):
            for phase in level.joints:
                generator = -0.5 * signs[:, phase.qubits].prod(axis=1)
                if phase.source is None:
                    fixed[r] += phase.angle.get((), 0.0) * generator
                    continue
                table = np.zeros_like(fixed)
                table[r] = generator
                moving.setdefault(phase.source, []).append((phase, table))
        self.sources = sorted(moving)
        self.trivial = not any(level.joints for level in levels)
        self._angles = {
            source: AngleTable(
                [phase.angle for phase, _ in moving[source]],
                parameters.columns(source),
                dtype.to_real(),
            )
            for source in self.sources
        }
        self._shape = fixed.shape
        self._constants = Constants()
        self._constants["fixed"] = torch.tensor(np.exp(1j * fixed), dtype=dtype)
        for source in self.sources:
            tables = np.array([table.reshape(-1) for _, table in moving[source]])
            self._constants[source] = torch.tensor(tables, dtype=dtype.to_real())

    def __call__(self, values: Values, device: torch.device) -> Tensor:
        """Diagonals (..., R, 2**n); the leading dimensions are those of the sources used."""
        constants = self._constants.on(device)
        result = constants["fixed"]
        for source in self.sources:
            angle = self._angles[source](values[source]) @ constants[source]
            result = result * torch.complex(angle.cos(), angle.sin()).unflatten(-1, self._shape)
        return result
