"""Exact values under global depolarizing noise."""

from dataclasses import replace
from typing import Any

from pydantic import Field

import qhu
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import EngineConnector, engine_layer


class FadedOptions(qhu.Options):
    """How much is lost."""

    p: float = Field(0.1, ge=0, le=1)
    """probability that the whole register is replaced by the maximally mixed state"""


@qhu.backend("faded")
class Faded(qhu.Backend):
    """Exact simulation with global depolarizing noise before the measurement.

    ρ → (1 − p)ρ + p·1/2ⁿ, so every traceless observable keeps (1 − p) of its value.
    """

    stages = ("evaluate",)

    def __init__(self, name: str, options: FadedOptions) -> None:
        super().__init__(name, options)

    @property
    def differentiable(self) -> bool:
        """The layer is made of tensor operations."""
        return True

    def layer(self, ansatz: Ansatz, seed: int) -> EngineConnector:
        """Exact layer of the faded observables; the seed is unused."""
        kept = 1 - self.options.p
        return engine_layer(
            replace(ansatz, observables=tuple(kept * o for o in ansatz.observables))
        )

    def effective(self) -> dict[str, Any]:
        """Options as they took effect."""
        return {"kind": "faded", "p": self.options.p, "exact": True}
