"""New names for the parameters of a circuit."""

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter


def renamed_apart(
    circuit: QuantumCircuit, parameters: Sequence[Parameter]
) -> tuple[QuantumCircuit, list[Parameter]]:
    """A copy whose parameters have names that nothing else has, and these parameters.

    Qiskit replaces the parameters of an expression one after the other, and refuses two of one name
    on the way: where ``p[0]`` and ``p[1]`` are to become others of these names, this comes first.

    Args:
        circuit: any circuit.
        parameters: all parameters of the circuit.
    """
    prefix = "_" * (1 + max((len(parameter.name) for parameter in parameters), default=0))
    # All of one length: sorted by name they are in order, and so Qiskit writes its sums.
    apart = [Parameter(f"{prefix}{number:06}") for number in range(len(parameters))]
    return circuit.assign_parameters(dict(zip(parameters, apart, strict=True))), apart
