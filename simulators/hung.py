"""Crowds of hung cameras: connections to them are greeted and never answered, at next to no cost.

A hung camera has an address of its own, but one port and a few listening sockets serve all of them: the sockets listen on
every loopback address at once. Nobody accepts: the kernel greets clients and lets them wait in its queue. The queue is
looked after every SWEEP_S: once half full, its oldest connections are taken out, and those whose client is gone are
closed. So the crowd costs open files only for clients that wait longer than the queue is deep.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque

LISTENERS = 8
DEEPEST = 4096
MAX_HELD = 4096
"""Clients kept although their connection was taken out of the queue; with so many, the queue is left to fill."""
SWEEP_S = 1.0
_TCP_INFO_QUEUED_AT = 24
"""Offset of tcpi_unacked in struct tcp_info: for a listening socket the length of its queue (tcpi_sacked: its bound)."""


class Crowd:
    """All loopback addresses on one port, hung. `taken` counts connections taken out of the queue."""

    def __init__(self, port: int) -> None:
        self.taken = 0
        self._port = port
        self._sockets: list[socket.socket] = []
        self._held: deque[socket.socket] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to greet clients. Raises OSError."""
        try:
            for _ in range(LISTENERS):
                sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                self._sockets.append(sock)
                sock.setblocking(False)
                for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
                    sock.setsockopt(socket.SOL_SOCKET, option, 1)
                # Bound to the loopback device, so that "every address" means those of loopback and no other.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
                sock.bind(("0.0.0.0", self._port))
                sock.listen(DEEPEST)
        except OSError:
            self.close()
            raise
        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def close(self) -> None:
        """Refuse clients and cut those that wait."""
        if self._timer is not None:
            self._timer.cancel()
        for sock in (*self._sockets, *self._held):
            sock.close()
        self._sockets.clear()
        self._held.clear()

    def waiting(self) -> int:
        """Return how many connections wait: in the queues (gone clients among them), or taken out with their client."""
        return sum(_queue(sock)[0] for sock in self._sockets) + len(self._held)

    def _sweep(self) -> None:
        for _ in range(len(self._held)):
            client = self._held.popleft()
            if _is_there(client):
                self._held.append(client)
            else:
                client.close()
        for sock in self._sockets:
            queued, bound = _queue(sock)
            if queued > bound // 2:
                self._take(sock, queued // 2)
        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _take(self, sock: socket.socket, many: int) -> None:
        with contextlib.suppress(OSError):  # nobody left, or no open files: the next sweep goes on
            for _ in range(min(many, MAX_HELD - len(self._held))):
                client, _ = sock.accept()
                client.setblocking(False)
                self.taken += 1
                if _is_there(client):
                    self._held.append(client)
                else:
                    client.close()


def _queue(sock: socket.socket) -> tuple[int, int]:
    """Return how many connections a listening socket has greeted for us, and how many it may."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
    queued, bound = struct.unpack_from("=II", info, _TCP_INFO_QUEUED_AT)
    return queued, bound


def _is_there(client: socket.socket) -> bool:
    """Whether the client has not gone; what it said is thrown away."""
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
