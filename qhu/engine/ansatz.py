"""What a quantum layer is made of: a parametrised circuit and what is measured on it."""

from collections.abc import Set
from dataclasses import dataclass, replace
from itertools import takewhile

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Parameter, ParameterExpression
from qiskit.quantum_info import SparsePauliOp
from torch import Tensor

from qhu.engine.observables import hermitian
from qhu.engine.preparation import Amplitudes
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
        preparation: what computes the inputs from the features; None: they are the features.
        rest: what follows the preparation in the circuit, for who starts from its state; None:
            nobody can, for the two have been compiled as one.

    Raises:
        UserError: an observable cannot be measured, or is not on the qubits of the circuit.
    """

    circuit: QuantumCircuit
    inputs: tuple[Parameter, ...]
    weights: tuple[Parameter, ...]
    observables: tuple[SparsePauliOp, ...]
    layers: tuple[int, ...] = ()
    preparation: Amplitudes | None = None
    rest: QuantumCircuit | None = None

    @property
    def features(self) -> int:
        """Numbers in a row that the layer takes."""
        return len(self.inputs) if self.preparation is None else self.preparation.features

    def values(self, rows: Tensor) -> Tensor:
        """Values (..., I) of the inputs for rows of features (..., F)."""
        return rows if self.preparation is None else self.preparation.angles(rows)

    def __post_init__(self) -> None:
        object.__setattr__(self, "observables", tuple(hermitian(self.observables)))
        for observable in self.observables:
            if observable.num_qubits != self.circuit.num_qubits:
                raise UserError(
                    f"an observable is on {observable.num_qubits} qubits and the circuit on "
                    f"{self.circuit.num_qubits}: give every qubit a letter, I where none is read"
                )

    def until(self, layers: int) -> "Ansatz":
        """The ansatz up to the first gate that takes a weight of a later trainable layer.

        Gates without weights belong to the layer before them, features entered again between
        layers, too.

        Args:
            layers: number of trainable layers kept.
        """
        later = {*self.weights[sum(self.layers[:layers]) :]}
        rest = None if self.rest is None else _until(self.rest, later)
        return replace(self, circuit=_until(self.circuit, later), rest=rest)

    def copy(self) -> "Ansatz":
        """The same ansatz, which no edit of this one's circuit and observables reaches."""
        observables = tuple(observable.copy() for observable in self.observables)
        rest = None if self.rest is None else self.rest.copy()
        return replace(self, circuit=self.circuit.copy(), observables=observables, rest=rest)


def _until(circuit: QuantumCircuit, later: Set[Parameter]) -> QuantumCircuit:
    """The circuit up to the first gate that takes one of the parameters."""

    def is_earlier(item: CircuitInstruction) -> bool:
        angles = [v for v in item.operation.params if isinstance(v, ParameterExpression)]
        return all(later.isdisjoint(angle.parameters) for angle in angles)

    earlier = circuit.copy_empty_like()
    for item in takewhile(is_earlier, circuit.data):
        earlier.append(item)
    return earlier
