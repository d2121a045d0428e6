"""The socket: HTTP on loopback, and the ways in which a connection can go wrong."""

import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qhu.emulator.faults import Fault
from qhu.emulator.http import Reply, Request
from qhu.errors import UserError

Responder = Callable[[Request], tuple[Reply, Fault | None]]
"""From a request to its reply and the fault, if any, on the way back."""
LOOPBACK = "127.0.0.1"
_HOSTS = (LOOPBACK, "localhost")


class LoopbackServer:
    """Serves one answer function on loopback, one thread per connection.

    Args:
        answer: what answers requests.
        port: port to listen on; 0 for a free one.

    Raises:
        UserError: the port is in use.
    """

    def __init__(self, answer: Responder, port: int) -> None:
        self.stopping = threading.Event()
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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; anything else is told as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Responder
    server_: LoopbackServer

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server_.stopping.is_set():  # a connection kept from before
            self._cut()
            return
        if (self.headers.get("Host") or "").split(":")[0] not in _HOSTS:
            self._send(Reply.json({"error": "loopback only"}, 403))
            return
        request = Request.parse(self.command, self.path, dict(self.headers), body)
        reply, fault = type(self).answer(request)
        if fault is None:
            self._send(reply)
        elif fault.do == "drop":
            self._cut()
        elif fault.do == "hang":
            self.server_.stopping.wait(fault.seconds)
            self._cut()
        elif fault.do == "slow":
            self.server_.stopping.wait(fault.seconds)
            self._send(reply)
        elif fault.do == "truncate":
            self._send(reply, sent=len(reply.body) // 2)
            self._cut()
        elif fault.do == "malform":
            self._send(Reply(reply.body[: len(reply.body) // 2], reply.status, reply.headers))
        else:
            self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, reply: Reply, sent: int | None = None) -> None:
        """Send a reply, or with ``sent`` only so many bytes of the announced body."""
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[:sent])

    def _cut(self) -> None:
        """End the connection without another word."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept by the emulator, not printed."""
