"""What a shell offers to complete: read from files, because nobody waits for torch at a Tab."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

KINDS = (
    *("methods", "metrics", "attacks", "datasets", "backends", "trackers"),
    *("experiments", "settings"),
    *("fronts", "encodings", "ansatze", "circuits", "observables", "heads"),
)
"""What ``qhu list`` explains."""


def kinds(incomplete: str) -> list[str]:
    """Kinds of names."""
    return _beginning(incomplete, KINDS)


def methods(incomplete: str) -> list[str]:
    """Names of methods, the last of a list."""
    from qhu.registry import REGISTRIES

    return _last_of(incomplete, REGISTRIES["methods"].listed())


def stages(incomplete: str) -> list[str]:
    """Stages, the last of a list."""
    from qhu.settings.parts import Stages

    return _last_of(incomplete, Stages.model_fields)


def backends(incomplete: str) -> list[str]:
    """Entries of ``backends.yaml``, kinds, and the twins of devices."""
    from qhu.record.documents import read_document
    from qhu.registry import REGISTRIES
    from qhu.settings.shipped import BACKENDS

    files = [file for file in (Path(BACKENDS.name), BACKENDS) if file.is_file()]
    entries = [name for file in files for name in read_document(file) or ()]
    names = {*entries, *REGISTRIES["backends"].listed(), *_twins(), "auto"}
    return _beginning(incomplete, sorted(names))


def experiments(incomplete: str) -> list[str]:
    """Shipped experiments, and YAML files and folders below what is written."""
    from qhu.settings.shipped import SUFFIXES
    from qhu.settings.shipped import experiments as shipped

    files = [path for path in _paths(incomplete) if path.is_dir() or path.suffix in SUFFIXES]
    return [*_beginning(incomplete, shipped()), *map(_as_text, files)]


def run_folders(incomplete: str) -> list[str]:
    """Run folders below ``runs/``, or folders below what is written."""
    from qhu.record.shelf import RUNS, folders

    below = [str(path) for path in folders(RUNS)]
    others = [_as_text(path) for path in _paths(incomplete) if path.is_dir()]
    return list(dict.fromkeys([*_beginning(incomplete, below), *others]))


def settings(incomplete: str) -> list[str]:
    """Dotted settings, as ``-s`` takes them; behind ``=`` a word that the setting takes."""
    from qhu.settings.experiment import Experiment

    name, equals, value = incomplete.partition("=")
    fields = dict(_fields(Experiment))
    if not equals:
        return _beginning(incomplete, [f"{field}=" for field in fields])
    return [f"{name}={word}" for word in _words(name, fields.get(name)) if word.startswith(value)]


def _words(name: str, annotation: Any) -> Iterator[str]:
    """The words that a setting takes: registered names, or those of its type."""
    from qhu.registry import REGISTRIES

    kinds = {f"model.{n.kind}": n for n in REGISTRIES.values()}
    kinds["data.source"] = REGISTRIES["datasets"]
    if name in kinds:
        yield from kinds[name].listed()
    elif name.startswith("stages."):
        yield from backends("")
    elif annotation is not None:
        parts = [annotation, *get_args(annotation)]
        yield from (word for part in parts for word in get_args(part) if isinstance(word, str))
        yield from ("true", "false") if bool in parts else ()


def _fields(model: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Settings of a model and of the sections in it, with their types."""
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        sections = [kind for kind in kinds if hasattr(kind, "model_fields")]
        if sections and name not in _PARTS:
            yield from _fields(sections[0], f"{above}{name}.")
        else:
            yield f"{above}{name}", field.annotation


_PARTS = ("front", "encoding", "ansatz", "circuit", "observables", "head")
"""Of the network: names in settings, not sections."""


def _twins() -> list[str]:
    """Devices of which a snapshot ships, by the folders that hold them."""
    package = find_spec("qiskit_ibm_runtime")
    places = (package.submodule_search_locations or []) if package else []
    return [
        f"fake_{file.parent.name}"
        for place in places
        for file in Path(place, "fake_provider", "backends").glob("*/__init__.py")
    ]


def _last_of(incomplete: str, names: Iterable[str]) -> list[str]:
    """A list such as ``scrub,lc`` with its last word completed, none twice."""
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [f"{before}{comma}{name}" for name in _beginning(last, names) if name not in given]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _paths(incomplete: str) -> Iterator[Path]:
    """Files and folders whose path begins so, but hidden ones."""
    above = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    if above.is_dir():
        paths = (path for path in sorted(above.iterdir()) if not path.name.startswith("."))
        yield from (path for path in paths if _as_text(path).startswith(incomplete))


def _as_text(path: Path) -> str:
    return f"{path}/" if path.is_dir() else str(path)
