"""What a quantum layer is made of: a parametrised circuit and what is measured on it."""

from dataclasses import dataclass, replace

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp


@dataclass(frozen=True)
class Ansatz:
    """Circuit, its input and weight parameters, and the observables of one quantum layer.

    Attributes:
        circuit: parametrised circuit on virtual qubits, without measurements.
        inputs: parameters that take the data, in feature order.
        weights: trainable parameters, in the order of θ's quantum slice.
        observables: one Hermitian operator per output, on virtual qubits.
        layers: number of weights of each trainable layer, in their order.
    """

    circuit: QuantumCircuit
    inputs: tuple[Parameter, ...]
    weights: tuple[Parameter, ...]
    observables: tuple[SparsePauliOp, ...]
    layers: tuple[int, ...] = ()

    def copy(self) -> "Ansatz":
        """The same ansatz, which no edit of this one's circuit and observables reaches."""
        observables = tuple(observable.copy() for observable in self.observables)
        return replace(self, circuit=self.circuit.copy(), observables=observables)
