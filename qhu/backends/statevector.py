"""Exact expectation values and gradients by qhu's own batched engine."""

from typing import Any

from qhu.backends.base import Backend
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import EngineConnector, engine_layer
from qhu.registry import Options, backend


@backend("statevector", cites=["jones2020efficient"])
class StatevectorBackend(Backend):
    """Exact simulation, no noise, no shots: batched tensors with one adjoint pass."""

    def __init__(self, name: str, options: Options) -> None:
        super().__init__(name, options)

    @property
    def differentiable(self) -> bool:
        """Always."""
        return True

    def layer(self, ansatz: Ansatz, seed: int) -> EngineConnector:
        """Exact layer; the seed is unused."""
        return engine_layer(ansatz)

    def effective(self) -> dict[str, Any]:
        """Nothing to choose."""
        return {"kind": "statevector", "exact": True, "shots": None, "precision": "complex64"}
