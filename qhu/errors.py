"""The exception tree.

QhuError            exit 1   something failed
├── Incomplete      exit 1   some cells of a grid failed; all else is computed and written
├── UserError       exit 2   the caller's mistake: one line, what is wrong and how to mend it
│   └── UnknownName exit 2   a name that is not registered, with the nearest one
├── BudgetRefused   exit 3   a paid run without, or above, its budget, or to no purpose
└── Interrupted     exit 130 the user stopped it; what is finished is kept
"""

import contextlib
import difflib
import reprlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80
_BRIEF.maxlevel = 3


def shortened(text: str, length: int = 80) -> str:
    """Text with its middle left out where it is longer than ``length``."""
    return text if len(text) <= length else f"{text[: length // 2]}…{text[-length // 4 :]}"


def brief(value: Any) -> str:
    """A value as it would be written in Python, in a line, long and nested parts left out."""
    return " ".join(_BRIEF.repr(value).split())


class QhuError(Exception):
    """Base of every error that qhu raises on purpose."""

    exit_code = 1


class UserError(QhuError):
    """The caller's mistake. The message is one line: what is wrong and how to mend it.

    Attributes:
        path: keys that lead to the wrong setting, from the outermost; empty: not known.
    """

    exit_code = 2
    path: tuple[str | int, ...] = ()

    def at(self, where: str) -> "UserError":
        """The same mistake, and where it was made."""
        located = UserError(str(self) if str(self).startswith(where) else f"{where}: {self}")
        located.path = self.path
        return located


@contextlib.contextmanager
def fatal() -> Iterator[None]:
    """A block whose failure ends a whole run: what it reaches, such as the disk, all cells need."""
    try:
        yield
    except Exception as error:
        error.is_fatal = True  # type: ignore[attr-defined]  # goes with it to other processes
        raise


def is_fatal(error: BaseException) -> bool:
    """Whether an error ends a whole run and not only the cell that met it."""
    return getattr(error, "is_fatal", isinstance(error, BudgetRefused | Interrupted))


class UnknownName(UserError):
    """A name that is not among the known ones; the message offers the nearest."""

    def __init__(self, kind: str, name: str, names: Iterable[str], where: str = "") -> None:
        # Exactly the arguments, so that a copy can be made in another process.
        super().__init__(kind, name, sorted(set(names)), where)

    def at(self, where: str) -> "UnknownName":
        """See :meth:`UserError.at`."""
        kind, name, names, _ = self.args
        located = UnknownName(kind, name, names, where)
        located.path = self.path
        return located

    def __str__(self) -> str:
        kind, given, names, where = self.args
        name = shortened(given)
        hint = nearest(name, names) or (f"known: {', '.join(names)}" if names else "there is none")
        place = f"{where}: " if where else ""
        return f"{place}unknown {kind} '{name}': {shortened(hint, 2000)}"


def nearest(name: str, names: Iterable[str]) -> str:
    """A question for the name that may have been meant; empty where none is near."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else ""


@contextlib.contextmanager
def inside(*path: str | int) -> Iterator[None]:
    """What the block refuses stands below these keys."""
    try:
        yield
    except UserError as error:
        error.path = (*path, *error.path)
        raise


class BudgetRefused(QhuError):
    """A paid run was asked for without a budget, would exceed it, or would pay for nothing."""

    exit_code = 3


class Incomplete(QhuError):
    """Some cells of a grid failed; everything else is computed and written.

    Args:
        message: how many.
        made: the folder, page or file that was written.
    """

    def __init__(self, message: str, made: Path) -> None:
        super().__init__(message, made)
        self.made = made

    def __str__(self) -> str:
        return str(self.args[0])


class Interrupted(QhuError):
    """The user stopped a run, by Ctrl-C or a signal; what is finished is kept."""

    exit_code = 130
