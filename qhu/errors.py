"""The exception tree.

QhuError            exit 1   something failed
├── UserError       exit 2   the caller's mistake: one line, what is wrong and how to mend it
│   └── UnknownName exit 2   a name that is not registered, with the nearest one
├── BudgetRefused   exit 3   a paid run without, or above, its budget, or to no purpose
└── Interrupted     exit 130 the user stopped it; what is finished is kept
"""

import difflib
from collections.abc import Iterable


class QhuError(Exception):
    """Base of every error that qhu raises on purpose."""

    exit_code = 1


class UserError(QhuError):
    """The caller's mistake. The message is one line: what is wrong and how to mend it."""

    exit_code = 2


class UnknownName(UserError):
    """A name that is not among the known ones; the message offers the nearest."""

    def __init__(self, kind: str, name: str, names: Iterable[str]) -> None:
        # Exactly the arguments, so that a copy can be made in another process.
        super().__init__(kind, name, sorted(names))

    def __str__(self) -> str:
        kind, name, names = self.args
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"
        return f"unknown {kind} '{name}': {hint}"


class BudgetRefused(QhuError):
    """A paid run was asked for without a budget, would exceed it, or would pay for nothing."""

    exit_code = 3


class Interrupted(QhuError):
    """The user stopped a run; what is finished is kept."""

    exit_code = 130
