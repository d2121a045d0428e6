"""Which code a plugin, a script or a notebook brings, as a hash: no result outlives its code."""

import dis
import functools
import inspect
from collections.abc import Iterable, Iterator
from pickle import PicklingError
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import cloudpickle
import numpy as np
from pydantic import BaseModel

from qhu.record.foreign import code_behind, is_keyed, unkeyed
from qhu.record.sources import digest, short_hash, top_level

MAIN = "__main__"
CACHED = type(functools.cache(lambda: None))
WRAPPERS = (property, staticmethod, classmethod, MethodType, functools.partial, CACHED)
PARTS = ("fget", "fset", "func", "args", "keywords", "__func__", "__self__", "__wrapped__")
"""Where the wrappers keep what they wrap."""
CONTAINERS = (tuple, list, dict)


def code_of(*things: Any) -> str:
    """Hash of the code behind functions and classes; empty for qhu's own, which is hashed apart.

    Of a notebook or script, the function counts and whatever it names there, functions and values
    alike; the rest of the notebook does not. Of anything else :func:`code_behind` counts.
    """
    modules = origins(things)
    if MAIN in modules:
        return short_hash("\n".join(CodeFingerprint()(list(things))).encode())
    foreign = sorted({top_level(module) for module in modules if not is_keyed(module)})
    return digest({name: code_behind(name) for name in foreign}) if foreign else ""


def modules_behind(things: Iterable[Any]) -> dict[str, str]:
    """Modules that functions and classes need wherever they run, with their hashes.

    Those of a notebook travel themselves; what they import does not.
    """
    fingerprint, listed = CodeFingerprint(), list(things)
    for _ in fingerprint(listed):  # collects the modules
        pass
    needed = sorted({*fingerprint.modules, *origins(listed)} - {MAIN})
    return {module: module_digest(module) for module in needed}


def module_digest(module: str) -> str:
    """Hash of the files or versions behind a module, where qhu's own keys do not tell them."""
    return digest(unkeyed([module])) if is_keyed(module) else code_behind(top_level(module))


def origins(things: Iterable[Any]) -> set[str]:
    """Modules that hold the code of functions and classes, and of what those wrap."""
    modules, todo, seen = set[str](), list(things), list[Any]()
    while todo:
        thing = todo.pop()
        if any(thing is other for other in seen):
            continue
        seen.append(thing)
        modules.add(_module(thing))
        todo += (part for part in _inside(thing) if callable(part) or isinstance(part, CONTAINERS))
    return modules


def _inside(thing: Any) -> Iterable[Any]:
    """What a function closes over, a wrapper wraps or a container holds."""
    if isinstance(thing, FunctionType):
        return map(_content, thing.__closure__ or ())
    if isinstance(thing, WRAPPERS):
        return (getattr(thing, name, None) for name in PARTS)
    if isinstance(thing, CONTAINERS):
        return thing.values() if isinstance(thing, dict) else thing
    return ()


def _module(thing: Any) -> str:
    """Where code was written: behind ``functools.wraps`` a function names the wrapped one's."""
    if isinstance(thing, FunctionType):
        return str(thing.__globals__.get("__name__"))
    named = thing if _is_code(thing) else type(thing)
    return str(named.__module__)


def _content(cell: CellType) -> Any:
    """What a variable of an enclosing function holds, None where it was never set."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


class CodeFingerprint:
    """What decides what a thing does, as lines that are the same in the next session.

    Source text would not do: a notebook has none for its classes, and a helper is another cell.

    Attributes:
        modules: names of those that were met, outside the notebook.
    """

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}  # the things themselves, so that no id is used twice
        self.modules = set[str]()

    def __call__(self, thing: Any) -> Iterator[str]:
        """Lines of a thing and of all that it uses; of what came before, where it stood."""
        if id(thing) in self._seen:
            yield f"seen {list(self._seen).index(id(thing))}"
        elif isinstance(thing, ModuleType):
            yield from self._imported(thing.__name__)
        elif _is_code(thing) and MAIN not in origins([thing]):
            yield thing.__qualname__
            yield from self._imported(_module(thing))
        elif isinstance(thing, str | bytes | int | float | complex | None):
            yield repr(thing)
        else:
            self._seen[id(thing)] = thing
            yield from self._own(thing)

    def _imported(self, module: str) -> Iterator[str]:
        """A module by its name, its files or versions, where qhu's own keys do not tell them."""
        self.modules.add(module)
        yield module
        yield module_digest(module)

    def _own(self, thing: Any) -> Iterator[str]:
        if isinstance(thing, FunctionType):
            cells = list(map(_content, thing.__closure__ or ()))
            yield from self(thing.__code__)
            yield from self([thing.__defaults__, thing.__kwdefaults__, cells])
            yield from self([thing.__globals__.get(name) for name in _names(thing.__code__)])
        elif isinstance(thing, CodeType):
            yield f"{thing.co_code.hex()} {thing.co_names} {thing.co_varnames}"
            yield from self(list(thing.co_consts))
            for instruction in dis.get_instructions(thing):
                if instruction.opname == "IMPORT_NAME":
                    yield from self._imported(instruction.argval)
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
        yield from self._imported(type(thing).__module__)
        try:
            if hasattr(thing, "__array__"):  # a pickled tensor differs from one session to the next
                array = np.asarray(thing.detach() if hasattr(thing, "detach") else thing)
                yield f"{array.shape} {short_hash(array.tobytes())}"
            else:
                yield short_hash(cloudpickle.dumps(thing))
        except (TypeError, AttributeError, PicklingError):
            yield ""  # an open file, a lock: nothing that a number comes from


def _is_code(thing: Any) -> bool:
    return inspect.isroutine(thing) or inspect.isclass(thing)


def _names(code: CodeType) -> list[str]:
    """Global names that a function and the functions inside it use."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return [*code.co_names, *(name for part in inner for name in _names(part))]
