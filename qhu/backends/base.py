"""What every backend offers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from qiskit_machine_learning.connectors import TorchConnector

from qhu.engine.ansatz import Ansatz
from qhu.layout.isa import IsaAnsatz
from qhu.record.identity import identity

STAGES = ("train", "unlearn", "evaluate")


class Backend(ABC):
    """Where expectation values come from: an exact simulator, a noisy twin, a device.

    Args:
        name: the name the user gave, shown in results.
        options: the validated options of this kind of backend.
    """

    stages: ClassVar[tuple[str, ...]] = STAGES
    """Stages the backend is meant for unless ``--stages`` says otherwise."""
    incidental: ClassVar[frozenset[str]] = frozenset()
    """Options that no value depends on, such as a budget."""

    def __init__(self, name: str, options: Any) -> None:
        self.name, self.options = name, options

    @property
    def label(self) -> str:
        """The name in results and reports."""
        return self.name

    @property
    def figures(self) -> str:
        """What sets it apart from another one of its kind, in words; empty where nothing does."""
        given = self.options.model_dump(exclude_defaults=True)
        return ", ".join(f"{name} {value}" for name, value in given.items())

    @property
    def identity(self) -> dict[str, Any]:
        """What values depend on: the class and its options, JSON-serialisable."""
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        return {"kind": kind, **identity(self.options, self.incidental)}

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process is opened there, with the same options."""
        return {"name": self.name, "options": self.options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).__init__(self, state["name"], state["options"])
        self.__dict__.update(state)

    @property
    def differentiable(self) -> bool:
        """Whether layers are plain tensor operations: vmap, ``torch.func``, second derivatives."""
        return False

    @property
    def sampled(self) -> bool:
        """Whether values are random draws, from the seed that the layer is given."""
        return False

    @abstractmethod
    def layer(self, ansatz: Ansatz, seed: int) -> TorchConnector:
        """Trainable quantum layer: inputs (..., I) to expectation values (..., M).

        Args:
            ansatz: circuit, parameters and observables.
            seed: root of the layer's shot noise; unused where values are exact.
        """

    @classmethod
    def recorded(cls, effective: Mapping[str, Any], ansatz: Ansatz) -> IsaAnsatz | None:
        """The circuit of a finished run with the noise that was known, from the run's record alone.

        Args:
            effective: what :meth:`effective` said.
            ansatz: circuit, parameters and observables.

        Returns:
            None where no noise is known: an exact simulator.

        Raises:
            UserError: the record cannot be followed here.
        """
        return None

    @abstractmethod
    def effective(self) -> dict[str, Any]:
        """Options as they took effect, JSON-serialisable, for ``run.json``."""
