"""The socket: HTTP on loopback, and the ways in which a connection can go wrong."""

import io
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qhu.emulator.connections import Connections, TimedReader, refusal
from qhu.emulator.faults import Fault
from qhu.emulator.http import UNKNOWN, ApiError, Reply, Request, error_body
from qhu.errors import UserError

Responder = Callable[[Request], tuple[Reply, Fault | None]]
"""From a request to its reply and the fault, if any, on the way back."""
LOOPBACK = "127.0.0.1"
_HOSTS = (LOOPBACK, "localhost")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LINE = 2**16
_DRAIN_SECONDS = 2.0


class LoopbackServer:
    """Serves one answer function on loopback, one thread per connection, within bounds.

    Args:
        answer: what answers requests.
        port: port to listen on; 0 for a free one.

    Raises:
        UserError: the port is in use.
    """

    def __init__(self, answer: Responder, port: int) -> None:
        self.stopping, self.connections = threading.Event(), Connections()
        handler = type("Handler", (_Handler,), {"answer": staticmethod(answer), "server_": self})
        try:
            self._server = _Server((LOOPBACK, port), handler)
        except OSError as error:
            raise UserError(f"cannot listen on port {port}: {error.strerror}; try 0") from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; what hangs is let go."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A restarted emulator takes its old port at once.
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or is too slow, is no error of ours; all else is, as usual."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Responder
    server_: LoopbackServer

    def setup(self) -> None:
        """Read from the socket within bounds of time."""
        super().setup()
        self.rfile.close()
        self._timed = TimedReader(self.connection)
        self.rfile = io.BufferedReader(self._timed)

    def handle(self) -> None:
        """Answer the requests of a connection, one after the other."""
        with self.server_.connections.count() as room:
            if room:
                super().handle()

    def handle_one_request(self) -> None:
        """Wait for a request, read it whole, answer it."""
        self._timed.restart()
        with self.server_.connections.awaiting(self.connection):
            body = self._read()
        if body is not None:
            self._serve(body)

    def _read(self) -> bytes | None:
        """The body of the next request, whose head is kept; None where there is none to answer."""
        self.raw_requestline = self.rfile.readline(_LINE + 1)
        self.requestline = self.request_version = self.command = ""
        if not self.raw_requestline:
            self.close_connection = True
        elif len(self.raw_requestline) > _LINE:
            self._refuse(414, "The request line is too long.")
        elif self.parse_request():
            lengths = self.headers.get_all("Content-Length", [])
            refused = refusal("Transfer-Encoding" in self.headers, lengths)
            if self.command not in _METHODS:
                self.close_connection = True
                self.send_error(501)
            elif refused is not None:
                self._refuse(*refused)
            else:
                size = int(lengths[0]) if lengths else 0
                body = self.rfile.read(size)
                if len(body) == size:
                    return body
                self.close_connection = True
        return None

    def _serve(self, body: bytes) -> None:
        if self.server_.stopping.is_set():  # a connection kept from before
            self._cut()
            return
        if (self.headers.get("Host") or "").split(":")[0] not in _HOSTS:
            self._send(Reply.json({"error": "loopback only"}, 403))
            return
        try:
            request = Request.parse(self.command, self.path, dict(self.headers), body)
        except ApiError as error:
            self._send(error.reply())
            return
        self._reply(*type(self).answer(request))

    def _reply(self, reply: Reply, fault: Fault | None) -> None:
        """Send a reply as the fault, if any, lets it through."""
        if fault is None:
            self._send(reply)
            return
        match fault.do:
            case "drop":
                self._cut()
            case "hang":
                self.server_.stopping.wait(fault.seconds)
                self._cut()
            case "slow":
                self.server_.stopping.wait(fault.seconds)
                self._send(reply)
            case "truncate":
                self._send(reply, sent=len(reply.body) // 2)
                self._cut()
            case "malform":
                half = reply.body[: len(reply.body) // 2]
                self._send(Reply(half, reply.status, reply.headers))
            case _:
                self._send(reply)

    def _send(self, reply: Reply, sent: int | None = None) -> None:
        """Send a reply, or with ``sent`` only so many bytes of the announced body."""
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[:sent])

    def _refuse(self, status: int, reason: str) -> None:
        """Answer a request whose body is not read, and end the connection."""
        self._send(Reply.json(error_body(UNKNOWN, reason), status))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_WR)
        # A client that still sends would not see the answer if the socket were closed on it.
        end = time.monotonic() + _DRAIN_SECONDS
        while time.monotonic() < end and self.rfile.read1(2**16):
            pass

    def _cut(self) -> None:
        """End the connection without another word."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept by the emulator, not printed."""
