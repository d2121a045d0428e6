"""Modules outside qhu: what they are, by the content of their files or by versions."""

import functools
import importlib.util
import sys
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from qhu.record import identity
from qhu.record.sources import Module, beside, digest, distributions, short_hash, top_level

OWN = top_level(__name__)


@functools.cache
def code_behind(name: str) -> str:
    """Hash of a top-level module outside qhu and of all that it imports, directly or not.

    Files count by their content: every file of a package; a single module, and the files beside it
    that it names. What another distribution installed counts by its version.
    """
    own = set(distributions().get(name, ()))
    parts, todo, names = dict[str, Any](), {name}, set[str]()
    while todo:
        top = todo.pop()
        if releases := _releases(top, own):
            parts[top] = releases
            continue
        parts[top], imported = _source(top)
        names |= {dotted for dotted in imported if top_level(dotted) == OWN}
        todo |= {top_level(dotted) for dotted in imported} - {*parts, "", OWN, "__main__"}
        todo -= sys.stdlib_module_names
    return digest([parts, unkeyed(names)])


def is_keyed(module: str) -> bool:
    """Whether qhu's own keys tell it: Python's library, qhu, and the packages that qhu imports."""
    top = top_level(module)
    if top == OWN or top in sys.stdlib_module_names:
        return True
    return not identity.packages(*identity.FILES).keys().isdisjoint(distributions().get(top, ()))


def unkeyed(names: Iterable[str]) -> dict[str, str]:
    """Hashes of the modules of qhu behind some names that no number of qhu's own comes from."""
    sources = identity.sources()
    modules = set(sources.closure(*names)) - set(identity.numeric())
    return {name: sources[name].digest for name in sorted(modules)}


def _releases(top: str, own: set[str]) -> dict[str, str | None]:
    """Versions of the distributions that installed a module; none of ``own`` or where it is edited.

    An editable install leaves the files where they are written.
    """
    names = distributions().get(top, [])
    if not own.isdisjoint(names) or not all(_installed(name, top) for name in names):
        return {}
    return {name: identity.version(name) for name in names}


def _installed(name: str, top: str) -> bool:
    site = Path(str(distribution(name).locate_file(""))).resolve()
    copied = distribution(name).read_text("RECORD") is not None
    return copied and all(place.resolve().parent == site for place in _places(top))


def _places(top: str) -> list[Path]:
    """Folders of a package, or the file of a single module; none of what is not there."""
    if top in sys.modules:
        module = sys.modules[top]
        folders, file = getattr(module, "__path__", ()), getattr(module, "__file__", None)
    elif spec := importlib.util.find_spec(top):
        folders, file = spec.submodule_search_locations or (), spec.origin
    else:
        return []
    return [Path(folder) for folder in folders] or ([Path(file)] if file else [])


def _source(top: str) -> tuple[dict[str, str], set[str]]:
    """Hashes of a module's files by path, and the names that they import."""
    hashes, imports = dict[str, str](), set[str]()
    for place in _places(top):
        for file in beside(place) if place.is_dir() else _with_data(place):
            path = file.relative_to(place.parent)
            hashes[path.as_posix()] = short_hash(file.read_bytes())
            if file.suffix == ".py":
                try:
                    module = Module.read(file, ".".join(path.parent.parts))
                except (SyntaxError, ValueError):  # a template, say; its bytes count
                    continue
                hashes[path.as_posix()] = module.digest
                imports |= module.imports
    return hashes, imports


def _with_data(file: Path) -> list[Path]:
    """A single module, and the files beside it that its text names."""
    text = file.read_bytes()
    others = (other for other in sorted(file.parent.iterdir()) if other.suffix != ".py")
    named = (other for other in others if other.is_file() and other.name.encode() in text)
    return [file, *named]
