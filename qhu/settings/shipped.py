"""What ships with qhu beside its code: experiments by name, the paper's protocol, backends."""

import difflib
import functools
import itertools
from pathlib import Path
from typing import Any

from qhu.errors import UnknownName, UserError
from qhu.record.documents import read_document

PACKAGE = Path(__file__).parents[1]
# A wheel carries the files inside the package; in a clone they lie at its root, to be edited.
ROOT = PACKAGE if (PACKAGE / "experiments").is_dir() else PACKAGE.parent
EXPERIMENTS = ROOT / "experiments"
PUBLISHED = EXPERIMENTS / "paper" / "published"
"""Figures released with arXiv 2512.19253, a table per dataset."""
BACKENDS = ROOT / "backends.yaml"
SUFFIXES = (".yaml", ".yml")


def experiments() -> dict[str, Path]:
    """Files of the shipped experiments by the ``name`` that stands in them, sorted by name."""
    return dict(sorted((_settings(file)["name"], file) for file in EXPERIMENTS.rglob("*.yaml")))


def summaries() -> dict[str, str]:
    """What each shipped experiment asks, by name: its sweep's question or its first comment."""
    return {name: _summary(file) for name, file in experiments().items()}


def experiment_file(given: Path, folder: Path = Path()) -> Path:
    """The experiment file that is meant: a path, or the name of a shipped experiment.

    A file that exists is what is meant, whatever it is called.

    Args:
        given: path or name.
        folder: where a path starts from.

    Raises:
        UnknownName: a name, and no such experiment ships.
        UserError: there is no such file, or a name could also mean a YAML file in the folder.
    """
    path = folder / given
    if path.exists() and not path.is_dir():
        return path
    if len(given.parts) > 1 or given.suffix in SUFFIXES:
        raise UserError(f"cannot read {path}: no such file{_hint(given)}")
    names = experiments()
    if str(given) not in names:
        raise UnknownName("experiment", str(given), names)
    for own in (folder / f"{given}{suffix}" for suffix in SUFFIXES):
        if own.exists():
            raise UserError(
                f"'{given}' is a shipped experiment, and there is the file {own}: give {own.name}, "
                "or rename it to use the shipped one"
            )
    return names[str(given)]


def _hint(path: Path) -> str:
    """The shipped experiment that a missing file may stand for."""
    names = experiments()
    same = [name for name, file in names.items() if file.match(str(path))]
    near = same or difflib.get_close_matches(path.stem, names, n=1)
    return f"; did you mean the shipped experiment '{near[0]}'?" if near else ""


def _summary(file: Path) -> str:
    if sweep := _settings(file).get("sweep"):
        return f"{sweep['question']} (qhu ablate)"
    lines = file.read_text(encoding="utf-8").splitlines()
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.strip("# ") for line in comment)


@functools.cache
def _settings(file: Path) -> dict[str, Any]:
    settings: dict[str, Any] = read_document(file)
    return settings
