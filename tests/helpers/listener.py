"""A stranger on this machine: a socket that notes who connects and what comes first."""

import socket
import threading


class Listener:
    """Listens on a free port; answers every connection with the same HTTP reply, or not at all.

    Args:
        reply: what is sent back.
    """

    def __init__(self, reply=b""):
        self.reply, self.heard = reply, []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                received = connection.recv(65536)
                if b"\r\n\r\n" in received and b"content-length" in received.lower():
                    received += self._rest(connection, received)
                self.heard.append(received)
                connection.sendall(self.reply)

    def _rest(self, connection, received):
        head, body = received.split(b"\r\n\r\n", 1)
        lines = (line.lower() for line in head.split(b"\r\n"))
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-len"))
        return b"" if len(body) >= length else connection.recv(length - len(body))

    def close(self):
        self._socket.close()


def http(status, body):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n{body}".encode()
