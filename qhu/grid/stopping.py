"""Signals that stop a run: Ctrl-C, SIGTERM as clusters send it, SIGHUP of a closed terminal."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from qhu.errors import Interrupted

FROM_OUTSIDE = (signal.SIGTERM, signal.SIGHUP)
SIGNALS = (signal.SIGINT, *FROM_OUTSIDE)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """A block, or as a decorator a function, that all these signals stop as Ctrl-C does.

    Where one is ignored already, as ``nohup`` has it of SIGHUP, it stays so.

    Raises:
        Interrupted: one has arrived.
    """

    def stop(number: int, frame: Any) -> None:
        for other in FROM_OUTSIDE:  # a cluster repeats itself: what ends the run is not cut short
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt

    heeded = [number for number in FROM_OUTSIDE if signal.getsignal(number) != signal.SIG_IGN]
    with _handled(heeded, stop):
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped: what is finished is kept; the same command resumes"
            ) from None


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A block, such as the writing of files, that signals leave alone: they arrive after it."""
    arrived: list[int] = []
    with _handled(SIGNALS, lambda number, frame: arrived.append(number)):
        yield
    for number in arrived[:1]:
        signal.raise_signal(number)


def ignored() -> contextlib.AbstractContextManager[None]:
    """Processes that are started inside the block leave signals to this one, which ends them."""
    return _handled(SIGNALS, signal.SIG_IGN)


@contextlib.contextmanager
def _handled(
    numbers: Iterable[signal.Signals], handler: Callable[[int, Any], Any] | signal.Handlers
) -> Iterator[None]:
    """A handler for signals within the block, in the main thread, which alone may set one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, signal.SIG_DFL if handled is None else handled)
