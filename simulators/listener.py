"""A listening socket that can be open, closed or dead.

Closed: clients are refused. Dead: like a switch without power, nothing comes back. The kernel of the same machine would
still greet clients on our behalf, so the queue of connections it has greeted is made as short as it can be and filled with
one of our own: from then on Linux drops the greetings (SYN) and a client's connect runs into its timeout. On kernels that
do not drop them, a client connects and never hears a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
from collections.abc import Callable
from typing import Literal

BACKLOG = 64
_ACCEPTED_AT_ONCE = 32
_BREATH_S = 0.5


class Listener:
    """One address and port. `arrive` makes the protocol of a new connection."""

    def __init__(self, address: str, port: int, arrive: Callable[[], asyncio.Protocol]) -> None:
        self.line: Literal["open", "closed", "dead"] = "closed"
        self._where = (address, port)
        self._arrive = arrive
        self._socket: socket.socket | None = None
        self._accepting = False
        self._tasks: set[asyncio.Task[object]] = set()

    def open(self) -> None:
        """Let clients in. Raises OSError."""
        sock = self._listen()
        if not self._accepting:
            sock.listen(BACKLOG)
            asyncio.get_running_loop().add_reader(sock.fileno(), self._accept)
        self._accepting = True
        self.line = "open"

    def close(self) -> None:
        """Refuse clients."""
        self._hold_off()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.line = "closed"

    def die(self) -> None:
        """Let clients wait for an answer that never comes. Raises OSError."""
        self._hold_off()
        self._listen().listen(0)
        self.line = "dead"
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.setblocking(False)
        with contextlib.suppress(OSError):
            filler.connect(self._where)
        poll = select.poll()
        poll.register(filler, select.POLLOUT)
        if poll.poll(0):  # greeted: it keeps its place in the queue after it is closed
            filler.close()
        else:
            asyncio.get_running_loop().call_later(_BREATH_S, filler.close)

    def _listen(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self._where)
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
        self._socket = sock
        return sock

    def _hold_off(self) -> None:
        if self._accepting and self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._accepting = False

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_ACCEPTED_AT_ONCE):
            if self._socket is None or not self._accepting:
                return
            try:
                sock, _ = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    # Clients wait in the queue while there is no room; asking again at once would only spin.
                    self._hold_off()
                    loop.call_later(_BREATH_S, self._again)
                return
            sock.setblocking(False)
            task = loop.create_task(_greet(loop, self._arrive, sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _again(self) -> None:
        if self.line == "open":
            self.open()


async def _greet(loop: asyncio.AbstractEventLoop, arrive: Callable[[], asyncio.Protocol], sock: socket.socket) -> None:
    """Give a connection its protocol; a client that is gone already is none."""
    try:
        await loop.connect_accepted_socket(arrive, sock)
    except OSError:
        sock.close()
