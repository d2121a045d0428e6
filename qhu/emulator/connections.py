"""Connections within bounds: how many, how slow and how large what comes in may be."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MAX_CONNECTIONS = 256
IDLE_SECONDS = 300.0
"""Longest silence before a request."""
REQUEST_SECONDS = 60.0
"""Longest time from the first byte of a request to its last, and that a reply may take."""
MAX_BODY = 100 * 2**20
"""Most bytes in the body of a request."""


class TimedReader(io.RawIOBase):
    """Bytes of a socket, each request within its time, however slowly it trickles.

    Args:
        connection: the socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._deadline = connection, time.monotonic() + IDLE_SECONDS
        self._begun = False

    def restart(self) -> None:
        """Wait for the next request."""
        self._deadline, self._begun = time.monotonic() + IDLE_SECONDS, False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what has come.

        Raises:
            TimeoutError: nothing came in time.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        size = self._connection.recv_into(buffer)
        if not self._begun:
            self._deadline, self._begun = time.monotonic() + REQUEST_SECONDS, True
        self._connection.settimeout(REQUEST_SECONDS)  # for what is sent
        return size


class Connections:
    """All open connections; of those whose request is still to come, the oldest makes room."""

    def __init__(self) -> None:
        self._lock, self._open = threading.Lock(), 0
        self._waiting: dict[socket.socket, None] = {}

    @contextmanager
    def count(self) -> Iterator[bool]:
        """Count a connection while it is served; false where there is no room for it."""
        with self._lock:
            longest = next(iter(self._waiting), None)
            room = self._open < MAX_CONNECTIONS or longest is not None
            if self._open >= MAX_CONNECTIONS and longest is not None:
                del self._waiting[longest]
                with suppress(OSError):  # its client may have gone by itself
                    longest.shutdown(socket.SHUT_RDWR)
            self._open += 1
        try:
            yield room
        finally:
            with self._lock:
                self._open -= 1

    @contextmanager
    def awaiting(self, connection: socket.socket) -> Iterator[None]:
        """The request of a connection is awaited and read."""
        with self._lock:
            self._waiting[connection] = None
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(connection, None)


def refusal(chunked: bool, lengths: list[str]) -> tuple[int, str] | None:
    """Status and reason why a request's body is not read; None where it is.

    Args:
        chunked: whether the body comes in chunks.
        lengths: every ``Content-Length`` that it carries.
    """
    if chunked:
        return 411, "Say the Content-Length of the body; chunks are not read."
    if len(set(lengths)) > 1 or any(not (x.isascii() and x.isdigit()) for x in lengths):
        return 400, "The Content-Length is no whole number."
    if lengths and (len(lengths[0]) > 18 or int(lengths[0]) > MAX_BODY):
        return 413, f"The body of a request may hold {MAX_BODY} bytes."
    return None
