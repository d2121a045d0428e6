"""What a quantum layer is made of: a parametrised circuit and what is measured on it."""

from dataclasses import dataclass, replace

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qhu.engine.observables import hermitian
from qhu.errors import UserError


@dataclass(frozen=True)
class Ansatz:
    """Circuit, its input and weight parameters, and the observables of one quantum layer.

    Attributes:
        circuit: parametrised circuit on virtual qubits, without measurements.
        inputs: parameters that take the data, in feature order.
        weights: trainable parameters, in the order of θ's quantum slice.
        observables: one Hermitian operator per output, on virtual qubits; given as anything that
            Qiskit takes for one, such as ``"ZI"``, ``"0+"`` or a ``SparseObservable``.
        layers: number of weights of each trainable layer, in their order.

    Raises:
        UserError: an observable cannot be measured, or is not on the qubits of the circuit.
    """

    circuit: QuantumCircuit
    inputs: tuple[Parameter, ...]
    weights: tuple[Parameter, ...]
    observables: tuple[SparsePauliOp, ...]
    layers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "observables", tuple(hermitian(self.observables)))
        for observable in self.observables:
            if observable.num_qubits != self.circuit.num_qubits:
                raise UserError(
                    f"an observable is on {observable.num_qubits} qubits and the circuit on "
                    f"{self.circuit.num_qubits}: give every qubit a letter, I where none is read"
                )

    def copy(self) -> "Ansatz":
        """The same ansatz, which no edit of this one's circuit and observables reaches."""
        observables = tuple(observable.copy() for observable in self.observables)
        return replace(self, circuit=self.circuit.copy(), observables=observables)
