"""What was compiled for the last circuits seen, by the content of the circuit."""

import pickle
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from qiskit.circuit import CircuitInstruction, QuantumCircuit

Made = TypeVar("Made")
_KEPT = 64


class CircuitCache(Generic[Made]):
    """Things made of a circuit and details, kept for the next call.

    The key is the circuit's content at the time of the call, so a circuit that was edited in place
    is another one, and an equal copy is the same one.

    Args:
        make: makes what is kept, from a copy of the circuit that nobody edits and the details.
    """

    def __init__(self, make: Callable[..., Made]) -> None:
        self._make = make
        self._kept: dict[tuple[Hashable, ...], Made] = {}

    def get(self, circuit: QuantumCircuit, *details: Hashable) -> Made:
        """What ``make`` makes of the circuit and the details."""
        key = content(circuit), *details
        if key in self._kept:
            return self._kept[key]
        made = self._make(circuit.copy(), *details)
        while len(self._kept) >= _KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = made
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make, "_kept": {}}  # programs are made again where they are needed


def content(circuit: QuantumCircuit) -> Hashable:
    """All that the expectation values of a circuit depend on, to be compared with ``==``.

    Qubits, parameters (with the identity that Qiskit gives them) and instructions in their order.
    Not its name, metadata, layout and global phase. Microseconds per gate.
    """
    return (
        tuple(circuit.qubits),
        tuple(circuit.parameters),
        tuple(_content(item) for item in circuit.data),
    )


def _content(item: CircuitInstruction) -> Hashable:
    """An instruction by what it does, on its qubits."""
    if item.is_standard_gate():
        # The text of an expression has all digits, while its own == allows for rounding; the hash
        # tells a parameter called "a*b" from a product.
        params = [(type(param), str(param), hash(param)) for param in item.params]
        return item.name, item.label, item.qubits, *params
    try:
        # Anything in Python can be edited in place, at any depth: its whole state counts.
        return pickle.dumps(item.operation), item.qubits
    except (pickle.PicklingError, AttributeError, TypeError):
        return object()  # such as a gate of a local class: equal to nothing, so made anew each time
