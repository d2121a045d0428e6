"""What can be registered: methods, metrics, attacks, datasets, backends, parts of networks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # these rooms look names up here
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SparsePauliOp
    from torch import Tensor, nn

    from qhu.backends.base import Backend
    from qhu.data.base import Dataset
    from qhu.evidence.game import Floats, Game
    from qhu.metrics.evidence import Evidence, Scores
    from qhu.model.circuits.base import WholeCircuit
    from qhu.model.encodings.base import Encoding
    from qhu.unlearn.learner import Learner
    from qhu.unlearn.task import Task


class MethodFunction(Protocol):
    """An unlearning method: moves the student, and returns facts worth reporting, if any.

    A fact is a number, or of a stack of models one per model.
    """

    def __call__(
        self, student: "Learner", task: "Task", options: Any, /
    ) -> "Mapping[str, float | Tensor] | None":
        """Run the method.

        Args:
            student: the teacher, about to be moved.
            task: retain, forget and validation rows.
            options: the method's own model of options, validated.
        """


class MetricFunction(Protocol):
    """A metric: scores by name from the outputs of a model, its oracle and its teacher."""

    def __call__(self, evidence: "Evidence", /) -> "Scores":
        """Compute the scores; one that is undefined on these rows is left out."""


class AttackFunction(Protocol):
    """An attack: how much every model looks as if it had been trained on a row."""

    def __call__(self, game: "Game", options: Any, /) -> "tuple[Floats, Floats]":
        """Score the models of both worlds.

        Args:
            game: the outputs of models that were trained on a row and of models that never were.
            options: the attack's own model of options, validated.

        Returns:
            (N, R) scores of the inside world and of the outside world, higher: rather trained on;
            NaN where a model and a row are no pair of the world, or where there is nothing to
            learn from yet.
        """


class DatasetFunction(Protocol):
    """A dataset: all its rows and labels."""

    def __call__(self, options: Any, /) -> "Dataset":
        """Load the rows.

        Args:
            options: the dataset's own model of options, validated.
        """


class BackendClass(Protocol):
    """A kind of backend: a class that makes one."""

    def __call__(self, name: str, options: Any, /) -> "Backend":
        """Make a backend.

        Args:
            name: the name that the user gave.
            options: its own model of options, validated.
        """


class FrontFunction(Protocol):
    """A front: the torch module before the quantum layer."""

    def __call__(self, shape: tuple[int, ...], outputs: int, options: Any, /) -> "nn.Module":
        """Make a module.

        Args:
            shape: shape of one sample; a class of the user's own gets the number of features.
            outputs: features of the encoding that follows.
            options: the front's own model of options, validated.
        """


class EncodingClass(Protocol):
    """An encoding: a class that makes one."""

    def __call__(self, options: Any, /) -> "Encoding":
        """Make an encoding.

        Args:
            options: its own model of options, validated.
        """


class AnsatzFunction(Protocol):
    """An ansatz: its trainable layers."""

    def __call__(self, qubits: int, options: Any, /) -> "Sequence[QuantumCircuit]":
        """Make the layers, in their order.

        Each is a circuit on all qubits whose parameters, in the order of
        ``QuantumCircuit.parameters``, are its weights.

        Args:
            qubits: number of qubits.
            options: the ansatz's own model of options, validated.
        """


class CircuitFunction(Protocol):
    """A kind of whole circuits, which are encoding and ansatz in one."""

    def __call__(self, options: Any, /) -> "WholeCircuit":
        """Make a circuit.

        Args:
            options: its own model of options, validated.
        """


class ObservablesFunction(Protocol):
    """Observables: what is measured, one operator per output of the quantum layer."""

    def __call__(self, qubits: int, options: Any, /) -> "Sequence[SparsePauliOp]":
        """Make the operators.

        Args:
            qubits: number of qubits.
            options: their own model of options, validated.
        """


class HeadFunction(Protocol):
    """A head: the torch module behind the quantum layer."""

    def __call__(self, inputs: int, classes: int, options: Any, /) -> "nn.Module":
        """Make a module.

        Args:
            inputs: number of expectation values.
            classes: number of logits.
            options: the head's own model of options, validated.
        """
