"""How far the steps are: bars on a terminal, one display in a notebook, else a line per minute."""

import contextlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from qhu.grid.execute import Execute, Step
from qhu.terminal import say

EVERY = 60.0
"""Seconds between two lines where there is no terminal."""
OFTEN = 0.5
"""Seconds between two changes of a notebook's display, at least."""


def shown(
    execute: Execute, todo: Iterable[Step], titles: Mapping[Step, str], console: Console
) -> Iterator[tuple[Step, Any]]:
    """The steps with their results as they come, and how far each title is.

    Args:
        execute: what works through them.
        todo: the steps.
        titles: by step, what it counts for.
        console: where it is shown, unless this is a notebook.
    """
    totals = Counter(titles.values())
    with _view(totals, console) as view:

        def begun() -> Iterator[Step]:
            for step in todo:
                view.begin(titles[step])
                yield step

        for step, result in execute(begun()):
            view.advance(titles[step])
            yield step, result


@contextlib.contextmanager
def _view(totals: Mapping[str, int], console: Console) -> Iterator["Bars | Counted"]:
    if display := notebook_display():
        counted = Counted(totals)
        change = display(counted.line())
        counted.changed = lambda: change(counted.line())
        yield counted
        change(counted.line())
    elif console.is_terminal:
        with Bars(totals, console) as bars:
            yield bars
    else:
        counted = Counted(totals)
        with _each(EVERY, lambda: _say(console, counted.line())):
            yield counted
        if totals:
            _say(console, counted.line())


class Bars:
    """A bar per title, whose clock starts with its first step."""

    def __init__(self, totals: Mapping[str, int], console: Console) -> None:
        bar = BarColumn(pulse_style="bar.back")  # still, as long as nothing has begun
        columns = (bar, MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
        title = TextColumn("{task.description:<10}", markup=False)
        self._progress = Progress(title, *columns, TimeRemainingColumn(), console=console)
        self._bars = {name: self._progress.add_task(name, False, n) for name, n in totals.items()}

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, title: str) -> None:
        """A step of a title begins."""
        self._progress.start_task(self._bars[title])

    def advance(self, title: str) -> None:
        """A step of a title has ended."""
        self._progress.advance(self._bars[title])


class Counted:
    """How many steps of each title have ended, as a line.

    Attributes:
        totals: by title, how many there are.
        changed: called when one has ended, no more often than every :data:`OFTEN` seconds.
    """

    def __init__(
        self, totals: Mapping[str, int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.totals, self._clock = totals, clock
        self._done, self._begun = dict.fromkeys(totals, 0), clock()
        self._shown = self._begun
        self.changed: Callable[[], object] = lambda: None

    def begin(self, title: str) -> None:
        """A step of a title begins."""

    def advance(self, title: str) -> None:
        """A step of a title has ended."""
        self._done[title] += 1
        if self._clock() - self._shown >= OFTEN:
            self._shown = self._clock()
            self.changed()

    def line(self) -> str:
        """Such as ``2 min: training 5/5, unlearning 12/40``."""
        parts = [f"{title} {self._done[title]}/{total}" for title, total in self.totals.items()]
        minutes, seconds = divmod(int(self._clock() - self._begun), 60)
        return f"{f'{minutes} min' if minutes else f'{seconds} s'}: {', '.join(parts)}"


def notebook_display() -> Callable[[str], Callable[[str], None]] | None:
    """What shows a text in a notebook and returns what changes it; None: this is no notebook."""
    module: Any = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    def show(text: str) -> Callable[[str], None]:
        handle: Any = display({"text/plain": text}, raw=True, display_id=True)
        return lambda text: handle.update({"text/plain": text}, raw=True)

    return show


@contextlib.contextmanager
def _each(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something again and again during the block, however long a step of it takes."""
    ended = threading.Event()

    def acting() -> None:
        while not ended.wait(seconds):
            act()

    thread = threading.Thread(target=acting, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _say(console: Console, line: str) -> None:
    say(line, console)
    console.file.flush()
