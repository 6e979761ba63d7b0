"""A scripted device on loopback: every connection is handed to a function that may answer, drip, flood, reset or hang.

Standard library only and none of the product's code, so that a shared bug cannot cancel out.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Handler = Callable[["Peer"], None]
LONGEST_S = 60.0


class Peer:
    """One accepted connection. `requests` holds what was read; `server` is shared by all connections."""

    def __init__(self, connection: socket.socket, server: Scripted) -> None:
        self.connection = connection
        self.server = server
        self._rest = b""

    def read(self) -> str:
        """Return the next whole request; "" once the prober has closed."""
        while b"\r\n\r\n" not in self._rest:
            try:
                data = self.connection.recv(65536)
            except ConnectionError:
                return ""
            if not data:
                return ""
            self._rest += data
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.server.requests.append(head.decode())
        self.server.heard()
        return head.decode()

    def send(self, data: bytes) -> bool:
        """Send; False once the prober has closed."""
        try:
            self.connection.sendall(data)
        except ConnectionError:
            return False
        self.server.sent += len(data)
        return True

    def reply(self, status: str, *headers: str, body: bytes = b"") -> bool:
        """Answer with a well-formed reply; CSeq counts the requests of this device."""
        lines = [f"RTSP/1.0 {status}", f"CSeq: {len(self.server.requests)}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def wait_for_close(self) -> None:
        """Say nothing more until the prober closes."""
        with contextlib.suppress(ConnectionError):
            while self.connection.recv(65536):
                pass

    def reset(self) -> None:
        """Close so that the prober sees a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Scripted:
    """The device: `port` on 127.0.0.1, the requests it read, the bytes it sent, the connections it took."""

    def __init__(self, handler: Handler) -> None:
        self.requests: list[str] = []
        self.sent = 0
        self.connections = 0
        self.failures: list[BaseException] = []
        self.heard: Callable[[], object] = lambda: None
        """Called, on the connection's own thread, for every request that was read."""
        self._handler = handler
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping:
                connection.close()
                return
            self.connections += 1
            connection.settimeout(LONGEST_S)
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self._threads.append(thread)

    _stopping = False

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._handler(Peer(connection, self))
            except BaseException as failure:
                self.failures.append(failure)

    def close(self) -> None:
        """Stop listening, wait for every connection's handler, and raise what one of them raised."""
        self._stopping = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(LONGEST_S)
            assert not thread.is_alive(), "a handler still waits: the prober left a connection open"
        if self.failures:
            raise self.failures[0]


@contextlib.contextmanager
def scripted(handler: Handler) -> Iterator[Scripted]:
    """Run a device for the length of a with block."""
    device = Scripted(handler)
    try:
        yield device
    finally:
        device.close()
