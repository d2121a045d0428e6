"""Arguments from Python: NumPy's and pandas' values as plain ones, or a line that says why not."""

import operator
from collections.abc import Iterator, Set, ValuesView
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qhu.errors import UserError, brief
from qhu.registry.options import plain_values

OBJECTS = ("O", "S", "T", "U")
"""Kinds of NumPy's and pandas' types that hold no numbers."""


def as_text(given: Any, what: str) -> str:
    """Text, of Python or NumPy.

    Raises:
        UserError: it is something else; ``what`` is what it should be.
    """
    if not isinstance(given, str):
        raise UserError(f"{what} must be text (got {brief(given)})")
    return str(given)


def as_path(given: Any, what: str) -> Path:
    """A path, as text or as any library has it.

    Raises:
        UserError: it is something else; ``what`` is what it should be.
    """
    plain = plain_values(given) if isinstance(given, str | PathLike) else given
    if not isinstance(plain, str) or not plain:
        raise UserError(f"{what} must be a path (got {brief(given)})")
    return Path(plain)


def as_count(given: Any, what: str) -> int:
    """A whole number from 0 on, of Python, NumPy or pandas.

    Raises:
        UserError: it is something else; ``what`` is what it should be.
    """
    plain = plain_values(given)
    try:
        number = -1 if isinstance(plain, bool) else operator.index(plain)
    except TypeError:
        number = -1
    if number < 0:
        raise UserError(f"{what} must be a whole number from 0 on (got {brief(given)})")
    return number


def as_list(given: Any) -> list[Any]:
    """What a list, or an array or series of texts or objects, holds; else a list of one.

    Numbers in an array are one thing, such as θ, and so are a mapping, a path and a module.
    """
    if getattr(getattr(given, "dtype", None), "kind", "") in OBJECTS and hasattr(given, "tolist"):
        values = given.tolist()
        return values if isinstance(values, list) else [values]
    return list(given) if isinstance(given, list | tuple | Set | ValuesView | Iterator) else [given]


def link(page: Path) -> str:
    """Address of a page for a notebook: those lead to files below their own folder only."""
    inside = page.absolute()
    if inside.is_relative_to(Path.cwd()):
        return quote(inside.relative_to(Path.cwd()).as_posix())
    return inside.as_uri()
