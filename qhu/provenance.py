"""Which code a plugin, a script or a notebook brings, as a hash: no result outlives its code."""

import functools
import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from pickle import PicklingError
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import cloudpickle
import numpy as np
from pydantic import BaseModel

OWN, MAIN = __name__.partition(".")[0], "__main__"
INSTALLED = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
CACHED = type(functools.cache(lambda: None))
WRAPPERS = (property, staticmethod, classmethod, MethodType, functools.partial, CACHED)
PARTS = ("fget", "fset", "func", "args", "keywords", "__func__", "__self__", "__wrapped__")
"""Where the wrappers keep what they wrap."""


def code_of(*things: Any) -> str:
    """Hash of the code behind functions and classes; empty for qhu's own, which is hashed apart.

    Of a package, every file counts. Of a notebook or script, the function counts and whatever it
    names there, functions and values alike; the rest of the notebook does not.
    """
    foreign = [thing for thing in things if _top(thing.__module__) != OWN]
    tell, lines = _Teller(), list[str]()
    for thing in foreign:
        lines += tell(thing) if thing.__module__ == MAIN else [package_code(_top(thing.__module__))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if foreign else ""


@functools.cache
def package_code(name: str) -> str:
    """Hash of the source files of an imported top-level package or module."""
    module = sys.modules[name]
    file = Path(getattr(module, "__file__", None) or "")
    folders = map(Path, getattr(module, "__path__", ()))
    files = sorted(one for folder in folders for one in folder.rglob("*.py"))
    files = files or [file] * file.is_file()
    return hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()[:16]


def _top(module: str) -> str:
    return module.partition(".")[0]


class _Teller:
    """Tells all that decides what a thing does, in words that are the same in the next session.

    Source text would not do: a notebook has none for its classes, and a helper is another cell.
    """

    def __init__(self) -> None:
        self._told: dict[int, Any] = {}  # the things themselves, so that no id is used twice

    def __call__(self, thing: Any) -> Iterator[str]:
        if id(thing) in self._told:
            yield f"told {list(self._told).index(id(thing))}"
        elif isinstance(thing, ModuleType):
            yield from self._imported(thing.__name__, "")
        elif (inspect.isroutine(thing) or inspect.isclass(thing)) and thing.__module__ != MAIN:
            yield from self._imported(str(thing.__module__), thing.__qualname__)
        elif isinstance(thing, str | bytes | int | float | complex | None):
            yield repr(thing)
        else:
            self._told[id(thing)] = thing
            yield from self._own(thing)

    def _imported(self, module: str, name: str) -> Iterator[str]:
        """Installed code counts by its name, a file that lies about by its content."""
        yield f"{module}.{name}"
        top = sys.modules.get(_top(module))
        file = Path(getattr(top, "__file__", None) or INSTALLED[0])
        if top and _top(module) != OWN and not any(map(file.is_relative_to, INSTALLED)):
            yield package_code(_top(module))

    def _own(self, thing: Any) -> Iterator[str]:
        if isinstance(thing, FunctionType):
            cells = [cell.cell_contents for cell in thing.__closure__ or ()]
            yield from self(thing.__code__)
            yield from self([thing.__defaults__, thing.__kwdefaults__, cells])
            yield from self([thing.__globals__.get(name) for name in _names(thing.__code__)])
        elif isinstance(thing, CodeType):
            yield f"{thing.co_code.hex()} {thing.co_names} {thing.co_varnames}"
            yield from self(list(thing.co_consts))
        elif inspect.isclass(thing):
            yield thing.__qualname__
            yield repr(thing.model_fields) if issubclass(thing, BaseModel) else ""
            members = {k: v for k, v in vars(thing).items() if callable(v) or k[:2] != "__"}
            yield from self([list(thing.__bases__), members])
        elif isinstance(thing, dict):
            yield from self([part for pair in thing.items() for part in pair])
        elif isinstance(thing, list | tuple):
            yield f"{type(thing).__name__} of {len(thing)}"
            for part in thing:
                yield from self(part)
        elif isinstance(thing, set | frozenset):
            yield repr(sorted(map(repr, thing)))
        elif isinstance(thing, WRAPPERS):
            yield from self([getattr(thing, name, None) for name in PARTS])
        elif type(thing).__module__ == MAIN and hasattr(thing, "__dict__"):
            yield from self([type(thing), vars(thing)])
        else:
            yield from self._value(thing)

    def _value(self, thing: Any) -> Iterator[str]:
        yield type(thing).__qualname__
        try:
            if hasattr(thing, "__array__"):  # a pickled tensor differs from one session to the next
                array = np.asarray(thing.detach() if hasattr(thing, "detach") else thing)
                yield f"{array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
            else:
                yield hashlib.sha256(cloudpickle.dumps(thing)).hexdigest()
        except (TypeError, AttributeError, PicklingError):
            yield ""  # an open file, a lock: nothing that a number comes from


def _names(code: CodeType) -> list[str]:
    """Global names that a function and the functions inside it use."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return [*code.co_names, *(name for one in inner for name in _names(one))]
