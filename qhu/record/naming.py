"""What may be a name: it becomes part of paths and keys, a cell of tables, a word on pages."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from qhu.errors import UserError, brief

MAX_LENGTH = 64
_PATTERN = "[A-Za-z0-9][A-Za-z0-9_.+()-]*"
RULE = (
    f"a name has the pattern {_PATTERN} and up to {MAX_LENGTH} characters, does not end with a "
    "dot, and is none that Windows keeps for devices, such as NUL"
)
_NAME = re.compile(_PATTERN)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def check_name(text: str) -> str:
    """The text, if it may be a name.

    Raises:
        ValueError: it may not; the message says what may.
    """
    fits = _NAME.fullmatch(text) and len(text) <= MAX_LENGTH and not text.endswith(".")
    if not fits or _DEVICE.fullmatch(text):
        raise ValueError(RULE)
    return text


def check_point(text: str) -> str:
    """The text, if it may name a value of a sweep: a name or a number.

    Raises:
        ValueError: it may not.
    """
    return text if len(text) <= MAX_LENGTH and _NUMBER.fullmatch(text) else check_name(text)


Name = Annotated[str, AfterValidator(check_name)]
"""A name in settings."""
PointName = Annotated[str, AfterValidator(check_point)]
"""The name of a value of a sweep."""


def distinct(names: Iterable[str]) -> None:
    """Refuse names that a file system may take for the same.

    Raises:
        ValueError: two differ in case only.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise ValueError(f"'{other}' and '{name}' differ in case only: rename one")


def refuse_names(names: Iterable[object], where: str) -> None:
    """Refuse what may not name entries of a file.

    Raises:
        UserError: one may not be a name, or two are too alike.
    """
    listed = list(names)
    try:
        for name in listed:
            if not isinstance(name, str):
                raise ValueError(RULE)
            check_name(name)
        distinct(map(str, listed))
    except ValueError as error:
        odd = f" (got {brief(name)})" if str(error) == RULE else ""
        raise UserError(f"{where}: {error}{odd}") from None


def joined(names: Iterable[str]) -> str:
    """Names as one: different names make different ones, whatever dashes they hold."""
    return "-".join(name.replace("-", "--") for name in names)
