"""What was compiled for the last circuits seen."""

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from qiskit.circuit import QuantumCircuit

Made = TypeVar("Made")
_KEPT = 64


class CircuitCache(Generic[Made]):
    """Things made of a circuit and a detail, kept for the next call.

    The circuit object is the key and is kept alive, so that its identity stays valid; its numbers
    of instructions and parameters tell when it was changed in place.

    Args:
        make: makes what is kept.
    """

    def __init__(self, make: Callable[[QuantumCircuit, Any], Made]) -> None:
        self._make = make
        self._kept: dict[tuple[Any, ...], tuple[QuantumCircuit, Made]] = {}

    def get(self, circuit: QuantumCircuit, detail: Hashable) -> Made:
        """What ``make`` makes of the circuit and the detail."""
        key = (id(circuit), len(circuit.data), circuit.num_parameters, detail)
        if key not in self._kept:
            if len(self._kept) == _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = circuit, self._make(circuit, detail)
        return self._kept[key][1]

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make, "_kept": {}}  # identities mean nothing in a copy
