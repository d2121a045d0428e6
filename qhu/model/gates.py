"""Gates of Qiskit's standard library by their names."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator
from qiskit.circuit import Gate
from qiskit.circuit.library import get_standard_gate_name_mapping

from qhu.errors import UnknownName, brief


def standard_gates(qubits: int) -> list[str]:
    """Names of the standard gates on so many qubits, sorted."""
    gates = get_standard_gate_name_mapping().items()
    return sorted(k for k, g in gates if isinstance(g, Gate) and g.num_qubits == qubits)


def _names(qubits: int) -> Callable[[Any], tuple[str, ...]]:
    def names(given: Any) -> tuple[str, ...]:
        gates = (given,) if isinstance(given, str) else given
        if not isinstance(gates, list | tuple) or not all(isinstance(g, str) for g in gates):
            raise ValueError(f"give names of gates such as [ry, rz], not {brief(given)}")
        allowed = standard_gates(qubits)
        for gate in gates:
            if gate not in allowed:
                kind = "one" if qubits == 1 else "two"
                raise UnknownName(f"gate on {kind} qubit{'s'[: qubits - 1]}", gate, allowed)
        return tuple(gates)

    return names


OneQubitGates = Annotated[tuple[str, ...], BeforeValidator(_names(1))]
"""Names of standard gates on one qubit; a single name is short for a list of it."""
TwoQubitGates = Annotated[tuple[str, ...], BeforeValidator(_names(2))]
"""Names of standard gates on two qubits; a single name is short for a list of it."""
