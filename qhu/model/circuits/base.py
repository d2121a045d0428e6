"""A whole circuit: which of its parameters are inputs, which are weights."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Self

from pydantic import PrivateAttr, model_validator
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qhu.engine.lowering import lowered
from qhu.errors import UserError, shortened
from qhu.layout.text import circuit_text
from qhu.record.sources import short_hash
from qhu.registry import Options

INPUTS, WEIGHTS = ("x", "inputs", "inputs_*"), ("w", "weights", "weights_*", "theta", "θ")
"""Names that are read as inputs and as weights where nothing else is said, numbers after them."""


class WholeCircuit(Options, ABC):
    """Options of a whole circuit, which is read when they are validated and travels with them.

    A pattern is the name of a parameter or of a vector of parameters, with ``*`` for anything.

    Attributes:
        circuit: without final measurements, its parameters as they are called in it.
    """

    inputs: tuple[str, ...] | str | None = None
    """names or patterns of the parameters that take features, in the features' order; within a
    pattern by name and number, and are recorded by name. Null: those called ``x`` or ``inputs``,
    or all that are no weights"""
    weights: tuple[str, ...] | str | None = None
    """names or patterns of the trainable parameters; null: all that are no inputs"""
    content: str | None = None
    """hash of what was read; where it is given, another content is refused"""

    _circuit: QuantumCircuit = PrivateAttr()

    @abstractmethod
    def read(self) -> QuantumCircuit:
        """The circuit as it was written.

        Raises:
            UserError: it cannot be read.
        """

    @property
    @abstractmethod
    def source(self) -> str:
        """Where the circuit comes from, in words."""

    @property
    def circuit(self) -> QuantumCircuit:
        """The circuit, without final measurements."""
        return self._circuit

    @property
    def parted(self) -> tuple[list[Parameter], list[Parameter]]:
        """Its inputs in the order of the features, and its weights.

        Raises:
            UserError: a pattern fits nothing, or a parameter is both or neither.
        """
        free = sorted(self.circuit.parameters, key=_natural)
        if self.inputs is None and self.weights is None:
            inputs = _by_default(free, INPUTS)
            weights = _by_default(free, WEIGHTS)
        elif self.weights is None:
            inputs = self._matching(free, "inputs")
            weights = [parameter for parameter in free if parameter not in inputs]
        else:
            weights = self._matching(free, "weights")
            rest = [parameter for parameter in free if parameter not in weights]
            inputs = rest if self.inputs is None else self._matching(free, "inputs")
        if unclear := [p.name for p in free if (p in inputs) == (p in weights)]:
            names = ", ".join(p.name for p in free)
            raise UserError(
                f"{self.source}: is '{unclear[0]}' an input or a weight? Its parameters are "
                f"{shortened(names, 300)}: give model.circuit.inputs and weights, such as 'x*'"
            )
        if not weights:
            raise UserError(f"{self.source} has no weights: nothing in it could be trained")
        return inputs, weights

    @property
    def reading(self) -> str:
        """How it is read, in a line."""
        inputs, weights = ([p.name for p in part] for part in self.parted)
        return (
            f"{self.source}, {self.circuit.num_qubits} qubits; inputs: "
            f"{_listed(inputs)}; weights: {_listed(weights)}"
        )

    def _matching(self, free: Sequence[Parameter], kind: str) -> list[Parameter]:
        given = getattr(self, kind)
        chosen: list[Parameter] = []
        for pattern in (given,) if isinstance(given, str) else given:
            fitting = [p for p in free if _fits(p, pattern) and p not in chosen]
            if not fitting:
                names = ", ".join(p.name for p in free) or "none"
                raise UserError(
                    f"{self.source}: no parameter fits model.circuit.{kind} '{pattern}'; there "
                    f"are: {shortened(names, 300)}"
                )
            chosen += fitting
        return chosen

    @model_validator(mode="after")
    def _read(self) -> Self:
        circuit = self.read()
        if circuit.num_clbits:
            circuit = circuit.remove_final_measurements(inplace=False)
        lowered(circuit)  # refuses what neither simulators nor devices can run
        self._circuit = circuit
        digest = short_hash(circuit_text(circuit).encode())
        if self.content not in (None, digest):
            raise UserError(
                f"{self.source} has changed: its content is {digest}, not {self.content}"
            )
        self.__dict__["content"] = digest  # frozen for everybody else
        self.__dict__["inputs"] = tuple(p.name for p in self.parted[0])
        return self

    def __eq__(self, other: object) -> bool:
        """By the settings, the content among them: parameters made anew are other objects."""
        return type(other) is type(self) and other.model_dump() == self.model_dump()

    __hash__ = None  # type: ignore[assignment]


def _fits(parameter: Parameter, pattern: str) -> bool:
    name = parameter.name
    plain = pattern.replace("[", "[[]")  # of a vector's element, not a choice of letters
    return pattern in (name, name.partition("[")[0]) or fnmatchcase(name, plain)


def _by_default(free: Sequence[Parameter], names: Sequence[str]) -> list[Parameter]:
    """Parameters whose name without its number is one of the names."""
    return [p for p in free if any(fnmatchcase(_stem(p.name), name) for name in names)]


def _stem(name: str) -> str:
    """The name without brackets, underscores around it, and the number at its end."""
    return re.sub(r"[\[_]*\d+[\]_]*$", "", name).strip("_").lower()


def _natural(parameter: Parameter) -> tuple[Any, ...]:
    """Sorts ``x2`` before ``x10``."""
    parts = re.split(r"(\d+)", parameter.name)
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "none"
    ends = f"{names[0]} … {names[-1]}" if len(names) > 4 else ", ".join(names)
    return f"{ends} ({len(names)})"
