"""What an encoding is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from torch import Tensor

from qhu.engine.preparation import Amplitudes
from qhu.registry import Options


class Reuploadable(Options):
    """Options of an encoding that can be repeated."""

    reupload: bool = False
    """encode the features again before every layer of the ansatz"""


class Encoding(ABC):
    """How the features of a sample enter the circuit; unless it says otherwise, one per qubit.

    Args:
        options: the validated options of this encoding.
    """

    def __init__(self, options: Any) -> None:
        self.options = options

    @property
    def reupload(self) -> bool:
        """Whether the features are encoded again before every layer of the ansatz."""
        return isinstance(self.options, Reuploadable) and self.options.reupload

    def qubits(self, features: int) -> int:
        """Width of the circuit that takes so many features.

        Raises:
            UserError: it takes another number of features.
        """
        return features

    def features(self, qubits: int) -> int:
        """Features that a circuit of so many qubits takes, which a front has to give."""
        return qubits

    def preparation(self, features: int) -> Amplitudes | None:
        """What computes the parameters of :meth:`circuit` from the features; None: they are these.

        It comes once, before the first layer of the ansatz.
        """
        return None

    @abstractmethod
    def circuit(self, x: Sequence[Parameter]) -> QuantumCircuit:
        """The encoding of the features ``x`` on ``qubits(len(x))`` qubits."""


class Selective(Encoding):
    """An encoding that some rows cannot enter; without a front all are checked before a run."""

    @abstractmethod
    def check(self, rows: Tensor) -> None:
        """Refuse samples (N, features), scaled, that cannot be encoded as they are.

        Raises:
            UserError: there is one.
        """
