"""Calls to a service that may hang, fail for a moment, or refuse: with a deadline, again, or not.

The client's reads have no timeout. So every call runs in a thread of its own; one that overruns
its deadline is left behind, and a daemon thread does not keep the process alive.
"""

import contextlib
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TypeVar

from qiskit.exceptions import QiskitError
from requests import RequestException
from requests.exceptions import ConnectTimeout
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential
from urllib3.exceptions import NewConnectionError

from qhu.errors import QhuError

T = TypeVar("T")
DAMAGED = (ValueError, LookupError, TypeError, AttributeError)
"""What the client raises when it stumbles over an answer."""
FAILURES = (QiskitError, RequestException, OSError, TimeoutError, *DAMAGED)
"""What the client raises when an answer is missing, refused or damaged."""
DEFINITE = {400, 403, 404, 405, 409, 410, 413, 422}
"""HTTP statuses that another try does not change; 401 may be an expired token, 429 passes."""


class Unreachable(QhuError):
    """The platform gave no usable answer for as long as one waits."""


class Denied(QhuError):
    """The platform refuses; its own error is the ``__cause__``."""


@dataclass(frozen=True)
class Patience:
    """How long one waits for the platform, in seconds.

    Attributes:
        call: for the answer to one call; the client itself may block 60 s to renew its token.
        submit: for a submit to end, its circuits prepared on this machine included.
        total: for a usable answer, over all repetitions of a call.
        pause: between two repetitions, at first; it doubles, up to 30 s.
        spared: like ``total``, for an answer that one can do without.
    """

    call: float = 75.0
    submit: float = 900.0
    total: float = 600.0
    pause: float = 1.0
    spared: float = 60.0

    @property
    def brief(self) -> "Patience":
        """How long one waits for an answer that one can do without."""
        return replace(self, call=min(self.call, self.spared), total=min(self.total, self.spared))


def within(seconds: float, call: Callable[[], T]) -> T:
    """The call's result, or its error, or ``TimeoutError`` if it takes longer."""
    done: Future[T] = Future()

    def work() -> None:
        try:
            done.set_result(call())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return done.result(seconds)


def patiently(
    call: Callable[[], T],
    patience: Patience,
    between: Callable[[], None],
    final: tuple[type[Exception], ...] = (),
) -> T:
    """The call's result, repeated while it fails in a way that may pass.

    Args:
        call: may be made any number of times.
        patience: how long.
        between: called before each repetition.
        final: errors that another try does not change, beside those of :func:`definite` and
            :func:`is_ours`.

    Raises:
        Unreachable: it still fails when patience ends; the cause is its ``__cause__``.
        Exception: the call's own, where another try would not change it.
    """

    def hopeful(error: BaseException) -> bool:
        final_anyway = isinstance(error, final) or definite(error) or is_ours(error)
        return isinstance(error, FAILURES) and not final_anyway

    retrying = Retrying(
        retry=retry_if_exception(hopeful),
        wait=wait_exponential(patience.pause, max=30.0),
        stop=stop_after_delay(patience.total),
        before_sleep=lambda state: between(),
        reraise=True,
    )
    try:
        return retrying(within, patience.call, call)
    except FAILURES as error:
        if not hopeful(error):
            raise
        raise Unreachable(f"no usable answer for {patience.total:g} s") from error


def definite(error: BaseException) -> bool:
    """Whether the platform has refused, rather than failed to answer."""
    return status(error) in DEFINITE


def is_ours(error: BaseException) -> bool:
    """Whether code of qhu stumbled, or called the client in a way that it does not know."""
    if not isinstance(error, DAMAGED) or error.__traceback__ is None:
        return False
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__", "")).startswith("qhu.")


def unsent(error: BaseException) -> bool:
    """Whether a request did not reach the platform, or was turned away by it."""
    code = status(error)
    if code is not None:
        return 400 <= code < 500
    return any(isinstance(cause, NewConnectionError | ConnectTimeout) for cause in _causes(error))


def retry_after(error: BaseException) -> float | None:
    """Seconds until the platform wants to be asked again (RFC 9110, 10.2.3), where it says so."""
    for cause in _causes(error):
        headers = getattr(getattr(cause, "response", None), "headers", None) or {}
        value = str(headers.get("Retry-After", "")).strip()
        if value.isdecimal():
            return float(value)
        with contextlib.suppress(ValueError):
            until = parsedate_to_datetime(value).timestamp()
            sent = headers.get("Date")  # by the same clock
            now = parsedate_to_datetime(sent).timestamp() if sent else time.time()
            return max(0.0, until - now)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it goes back to, by whichever way it is kept."""
    ahead, seen = [error], set[int]()
    while ahead:
        cause = ahead.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        reason = getattr(cause, "reason", None)  # of urllib3
        ahead += [
            item
            for item in (cause.__cause__, cause.__context__, reason, *cause.args)
            if isinstance(item, BaseException)
        ]


def status(error: BaseException) -> int | None:
    """HTTP status behind an error; the client often keeps it in its text only."""
    code = getattr(error, "status_code", None)
    if code is None or code < 0:
        match = re.search(r"\b([45]\d\d) (?:Client|Server) Error", str(error))
        code = int(match[1]) if match else None
    return code
