"""Parts of a network by name, or any torch module as ``module:Class``."""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from qhu.errors import UserError
from qhu.registry.names import Entry, F, Registry
from qhu.registry.options import Options


class Arguments(Options):
    """Keyword arguments of a class that is not registered: whatever it takes."""

    model_config = ConfigDict(extra="allow")


class PartRegistry(Registry[F]):
    """Names of one kind of torch modules; ``module:Class`` stands for a class of the user's own."""

    def __getitem__(self, name: str) -> Entry:
        if ":" not in name:
            return super().__getitem__(name)
        make = functools.partial(_construct, imported(name, f"model.{self.kind}"))
        return Entry(name, make, Arguments)


class Chosen(BaseModel):
    """An entry of a registry by its name, with its options.

    Attributes:
        name: its registered name, or ``module:Class``.
        options: its validated options.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    options: Options

    @property
    def foreign(self) -> bool:
        """Whether it is a class of the user's own."""
        return ":" in self.name


def imported(reference: str, where: str) -> Callable[..., Any]:
    """What ``module:name`` stands for; modules of the working folder are found, too.

    Args:
        reference: the module, a colon, and the name of a class or function in it.
        where: the setting, for the error.

    Raises:
        UserError: the module does not load, or has nothing of that name that can be called.
    """
    module, _, name = reference.partition(":")
    if "" not in sys.path:  # a console script does not look into the working folder
        sys.path.append("")
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        raise UserError(
            f"{where}: module '{module}' does not load ({type(error).__name__}: {error})"
        ) from error
    thing = getattr(loaded, name, None)
    if not callable(thing):
        raise UserError(f"{where}: module '{module}' has no class or function '{name}'")
    return thing


def _construct(make: Callable[..., Any], inputs: Any, outputs: int, options: Arguments) -> Any:
    """An instance for so many inputs and outputs, such as ``torch.nn.Linear(inputs, outputs)``."""
    arguments = options.model_dump()
    inputs = inputs[0] if isinstance(inputs, tuple) and len(inputs) == 1 else inputs
    kind = "class" if inspect.isclass(make) else "function"
    try:
        return make(inputs, outputs, **arguments)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"the {kind} {make.__module__}:{make.__qualname__} cannot be made with "
            f"({inputs}, {outputs}{''.join(f', {k}={v!r}' for k, v in arguments.items())}): {error}"
        ) from error
