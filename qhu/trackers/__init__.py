"""Trackers of experiments that listen to runs; each needs an extra of its own.

A tracker is a function without arguments that returns a listener of :mod:`qhu.grid.events`. Those
of installed packages are found by the entry points ``qhu.trackers``.
"""

from collections.abc import Iterable
from typing import Protocol

from qhu.errors import UserError
from qhu.grid.events import Listener
from qhu.registry import Registry


class TrackerFunction(Protocol):
    """Makes a listener that tells a tracker of experiments what happens."""

    def __call__(self) -> Listener:
        """Make it.

        Raises:
            UserError: the tracker is not installed.
        """


tracker: Registry[TrackerFunction] = Registry("tracker", "qhu.trackers")
"""Trackers by name, and the decorator ``@tracker(name)`` that adds one."""


def open_trackers(names: Iterable[str]) -> list[Listener]:
    """Listeners of trackers, by their names.

    Raises:
        UserError: there is no such tracker, or it is not installed.
    """
    return [tracker[name].make() for name in dict.fromkeys(names)]


def missing(name: str, error: ImportError) -> UserError:
    """The error of a tracker whose package is not installed, or does not fit the others."""
    return UserError(f"{name} cannot be imported ({error}): pip install 'qhu[{name}]'")
