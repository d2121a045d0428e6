"""What happens in a run, told to listeners as it happens: trackers of experiments, a user's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from qhu.record.failure import reason
from qhu.terminal import say


@dataclass(frozen=True)
class RunStarted:
    """A run has begun to fill its folder.

    Attributes:
        folder: the run folder.
        name: of the experiment.
        settings: of the experiment, as ``experiment.yaml`` has them.
        fingerprint: hash of what is asked.
    """

    folder: Path
    name: str
    settings: Mapping[str, Any]
    fingerprint: str


@dataclass(frozen=True)
class CellFinished:
    """A cell is scored, or has failed.

    Attributes:
        folder: of its run.
        scenario: its scenario.
        method: its method.
        seed: its seed.
        backend: label of the backend that evaluated it.
        scores: value by name; empty where it failed.
        failed: why it, or a metric of it, failed; empty: nothing did.
    """

    folder: Path
    scenario: str
    method: str
    seed: int
    backend: str
    scores: Mapping[str, float] = field(default_factory=dict)
    failed: Sequence[str] = ()


@dataclass(frozen=True)
class RunFinished:
    """A run has ended and its files are written.

    Attributes:
        folder: the run folder.
        status: as in :class:`~qhu.record.folder.RunRecord`.
        seconds: that this invocation took.
    """

    folder: Path
    status: str
    seconds: float


Event = RunStarted | CellFinished | RunFinished
Listener = Callable[[Event], object]
"""Told every event of a run, in the process that was asked for it. It changes nothing."""


class Listeners:
    """Several listeners as one, none of which ends a run.

    Args:
        listeners: the listeners.
        console: where an error of one is said, in a line, once.
    """

    def __init__(self, listeners: Sequence[Listener], console: Console) -> None:
        self._listeners, self._console = list(listeners), console

    def __call__(self, event: Event) -> None:
        """Hand an event on."""
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception as error:  # not asked again: it would fail at every cell
                self._listeners.remove(listener)
                name = getattr(listener, "__name__", type(listener).__name__)
                say(f"listener {name} failed and is left out: {reason(error)}", self._console)
