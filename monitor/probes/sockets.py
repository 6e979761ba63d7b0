"""Client sockets for very many short connections: one epoll set of their own, which the event loop watches as one file.

What a loop spends on a transport of its own (handles, selector keys, callbacks for later) costs more than all the
system calls of a connection that lives for one question. Here a wake-up of the loop serves every connection that has something to
say, by plain calls of the protocol it was opened for, on any event loop alike.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
from weakref import WeakKeyDictionary

AVAILABLE = hasattr(select, "epoll")
"""Whether this system has what is needed; elsewhere the loop's own transports serve."""
READ_BYTES = 65_536
"""Read from one connection before the others have their turn."""
_UNDER_WAY = frozenset({0, errno.EINPROGRESS})


class _Set:
    """One loop's epoll set and the connections in it."""

    __slots__ = ("__weakref__", "epoll", "wires")

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.wires: dict[int, Wire] = {}

    def ready(self) -> None:
        # Protocols are called here and tasks are not, so no descriptor is opened anew while the list is gone through.
        for fd, events in self.epoll.poll(0):
            wire = self.wires.get(fd)
            if wire is not None:
                wire.serve(events)


_SETS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Set] = WeakKeyDictionary()


class Wire(asyncio.Transport):
    """One connection. Calls its protocol as asyncio's transports do; `abort` is silent: connection_lost does not follow it."""

    __slots__ = ("_connected", "_fd", "_protocol", "_set", "_socket", "_unsent")

    def __init__(self, protocol: asyncio.Protocol, connecting: socket.socket, epoll_set: _Set) -> None:
        self._protocol = protocol
        self._socket = connecting
        self._set = epoll_set
        self._connected = False
        self._unsent = b""
        self._fd = fd = connecting.fileno()
        epoll_set.epoll.register(fd, select.EPOLLOUT)
        epoll_set.wires[fd] = self

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send now what the system takes, the rest as soon as it can; nothing after `abort`."""
        if self._fd < 0:
            return
        if self._unsent:
            self._unsent += bytes(data)
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:  # the caller is in the middle of something: told as soon as it is done
            asyncio.get_running_loop().call_soon(self._lose, error)
            return
        if sent < len(data):
            self._unsent = bytes(data[sent:])
            self._set.epoll.modify(self._fd, select.EPOLLIN | select.EPOLLOUT)

    def abort(self) -> None:
        """Close at once. May be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            del self._set.wires[fd]
            self._set.epoll.unregister(fd)  # a forked child may hold the socket open, and the set with it
            self._socket.close()

    close = abort

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return `sockname` or `peername` as asyncio's transports do, for as long as the connection is open."""
        if self._fd >= 0 and name in {"sockname", "peername"}:
            return self._socket.getsockname() if name == "sockname" else self._socket.getpeername()
        return default

    def is_closing(self) -> bool:
        """Tell whether it is closed."""
        return self._fd < 0

    def serve(self, events: int) -> None:
        """Do what the system says is possible now."""
        if not self._connected:
            error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._lose(OSError(error, os.strerror(error)))
                return
            self._connected = True
            self._set.epoll.modify(self._fd, select.EPOLLIN)
            self._protocol.connection_made(self)
            return
        if events & select.EPOLLOUT:
            waiting, self._unsent = self._unsent, b""
            self._set.epoll.modify(self._fd, select.EPOLLIN)
            self.write(waiting)
        if events & ~select.EPOLLOUT:
            self._read()

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._protocol.eof_received()
            self._lose(None)

    def _lose(self, error: OSError | None) -> None:
        if self._fd >= 0:
            self.abort()
            self._protocol.connection_lost(error)


def connect(protocol: asyncio.Protocol, address: str, port: int) -> Wire:
    """Begin to connect to an IP address; connection_made or connection_lost follows. Raises OSError if it cannot begin."""
    loop = asyncio.get_running_loop()
    epoll_set = _SETS.get(loop)
    if epoll_set is None:
        epoll_set = _SETS[loop] = _Set()
        loop.add_reader(epoll_set.epoll.fileno(), epoll_set.ready)
    connecting = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        error = connecting.connect_ex((address, port))
        if error not in _UNDER_WAY:
            raise OSError(error, os.strerror(error))
        return Wire(protocol, connecting, epoll_set)
    except BaseException:
        connecting.close()
        raise
