"""A run's quantum layer on the exact engine, with more and more of the recorded noise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qhu import registry
from qhu.engine.ansatz import Ansatz
from qhu.engine.noise import NoiseModel
from qhu.engine.outcomes import Outcomes
from qhu.engine.program import Program, compile_circuit
from qhu.layout.isa import IsaAnsatz

GATES, READOUT = "qerror", "roerror"


class NoiseOfKind:
    """The errors of a noise model that are of one kind.

    Args:
        noise: the whole model.
        kind: ``qerror``, errors of gates, or ``roerror``, of the readout.
    """

    def __init__(self, noise: NoiseModel, kind: str) -> None:
        self._noise, self._kind = noise, kind

    @property
    def basis_gates(self) -> list[str]:
        """Names of the native gates."""
        return self._noise.basis_gates

    def to_dict(self, serializable: bool = False) -> dict[str, Any]:
        """The errors of this kind."""
        dictionary = self._noise.to_dict(serializable)
        return {
            **dictionary,
            "errors": [e for e in dictionary["errors"] if e["type"] == self._kind],
        }


@dataclass(frozen=True)
class Twin:
    """What the record of a run says of its quantum layer.

    Attributes:
        ansatz: circuit and observables, each ⟨Z⟩ on a qubit.
        noisy: the circuit as it ran with its noise; None where no noise is known.
        shots: per circuit; None where the run had exact expectation values.
    """

    ansatz: Ansatz
    noisy: IsaAnsatz | None
    shots: int | None

    @classmethod
    def of(cls, effective: Mapping[str, Any], ansatz: Ansatz) -> "Twin":
        """The twin of a run's evaluation.

        Args:
            effective: the options of the evaluation as they took effect.
            ansatz: circuit and observables of the run's networks.

        Raises:
            UserError: the record cannot be followed here.
        """
        backend: Any = registry.backend[effective["kind"]].make
        noisy = backend.recorded(effective, ansatz)
        if noisy and effective.get("readout_mitigated"):  # what was corrected is no error left
            noisy = replace(noisy, noise=NoiseOfKind(noisy.noise, GATES))
        return cls(ansatz, noisy, effective.get("shots"))

    @cached_property
    def programs(self) -> list[Program]:
        """Expectation values without noise, with the gates' errors, with those of readout too."""
        exact = compile_circuit(self.ansatz)
        if self.noisy is None:
            return [exact] * 3
        noise = self.noisy.noise
        noisy = [
            compile_circuit(self.noisy.ansatz, noise=n) for n in (NoiseOfKind(noise, GATES), noise)
        ]
        return [exact, *noisy]

    @cached_property
    def measurement(self) -> "Measurement | None":
        """How the run measured; None where no noise is known or values were exact."""
        return Measurement(self.noisy, self.shots) if self.noisy and self.shots else None


class Measurement:
    """Expectation values from shots.

    Args:
        noisy: the circuit with its noise; its observables are ⟨Z⟩ of one qubit each.
        shots: per circuit.
    """

    def __init__(self, noisy: IsaAnsatz, shots: int) -> None:
        ansatz, self._shots = noisy.ansatz, shots
        read = [item.to_sparse_list()[0][1][0] for item in ansatz.observables]
        self._outcomes = Outcomes(ansatz.circuit, noisy.noise, read)
        self._inputs = ansatz.values
        named = [*ansatz.inputs, *ansatz.weights]
        self._columns = [named.index(parameter) for parameter in ansatz.circuit.parameters]
        bits = np.arange(2 ** len(read))[:, None] >> np.arange(len(read)) & 1
        self._values = 1.0 - 2 * bits

    def draw(
        self, features: Tensor, weights: Tensor, times: int, random: np.random.Generator
    ) -> list[Tensor]:
        """Expectation values (N, M), measured several times.

        Args:
            features: rows that the circuit encodes (N, F).
            weights: its weights (W,).
            times: how often to measure.
            random: source of the shots.
        """
        inputs = self._inputs(features.double())
        rows = torch.hstack([inputs, weights.expand(len(inputs), -1)]).double().numpy()
        distribution = self._outcomes(rows[:, self._columns])
        counts = (random.multinomial(self._shots, distribution) for _ in range(times))
        means = (tally / self._shots @ self._values for tally in counts)
        return [torch.from_numpy(mean).to(features.dtype) for mean in means]
