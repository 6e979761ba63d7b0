"""One client's connection to a fake camera's address: requests in, replies out, well or badly behaved.

Every connection is bounded: 64 KiB of unread request, one reply at a time, 300 s without a request (a client that plays
video over the connection may stay).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, cast

from simulators import misbehaviour
from simulators.house import House
from simulators.reading import MAX_REQUEST_BYTES, NotUnderstood

IDLE_S = 300.0
SLOW_S = 1.5
DRIP_S = 1.0

Request = TypeVar("Request")


class Reply(NamedTuple):
    """A reply's bytes, whether the connection closes after it, and what happens once it is written."""

    data: bytes
    then_close: bool = False
    after: Callable[[], None] | None = None


class Conversation(asyncio.Protocol, Generic[Request]):
    """Serves the requests of one client in turn. Which fault applies is decided per request, when it arrives."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.transport: asyncio.Transport
        self._buffer = bytearray()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._flood: Callable[[], bytes] | None = None
        self._writable = True

    @abstractmethod
    def take(self, buffer: bytearray) -> Request | None:
        """Remove the first complete request from the buffer; None while incomplete. Raises NotUnderstood."""

    @abstractmethod
    def refuse(self) -> bytes:
        """Return what is said to what was not understood."""

    @abstractmethod
    def fault(self, request: Request) -> str:
        """Return the fault to show on this request: one of silent, reset, malformed, oversized, drip, slow, or none."""

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """Return the reply where nothing keeps it from being sent whole."""

    @abstractmethod
    def garble(self, request: Request, good: bytes, number: int) -> bytes:
        """Return a reply that is none."""

    @abstractmethod
    def flood_head(self, request: Request, number: int) -> bytes:
        """Return how an endless reply begins."""

    def may_stay(self) -> bool:
        """Whether an idle client is left alone."""
        return False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.loop = asyncio.get_running_loop()
        if not self.house.arrived(self):
            self.transport.abort()
            return
        self._wait(IDLE_S, self._idle)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._flood = None
        if self._timer is not None:
            self._timer.cancel()
        self.house.left(self)

    def cut(self) -> None:
        """End the connection at once, whatever is in flight."""
        self.transport.abort()

    def write(self, data: bytes) -> None:
        """Send bytes; a dead line swallows them."""
        if not self.house.dead:
            self.transport.write(data)

    def _idle(self) -> None:
        if self.may_stay():
            self._wait(IDLE_S, self._idle)
        else:
            self.cut()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, then)

    def data_received(self, data: bytes) -> None:
        if self.house.dead:
            return
        self._buffer += data
        if len(self._buffer) > 2 * MAX_REQUEST_BYTES:
            self.cut()
        else:
            self._proceed()

    def _proceed(self) -> None:
        """Serve complete requests until one keeps the connection busy."""
        while not self._busy and not self.transport.is_closing():
            try:
                request = self.take(self._buffer)
            except NotUnderstood:
                self._send(Reply(self.refuse(), then_close=True))
                return
            if request is None:
                return
            self._wait(IDLE_S, self._idle)
            self._serve(request)

    def _serve(self, request: Request) -> None:
        number = self.house.asked()
        fault = self.fault(request)
        if fault == "silent":
            return
        if fault == "reset":
            self._reset()
        elif fault == "malformed":
            good = self.answer(request).data
            self._send(Reply(self.garble(request, good, number), then_close=True))
        elif fault == "oversized":
            self.write(self.flood_head(request, number))
            self._busy = True
            self._flood = misbehaviour.flood(number)
            self._pour()
        else:
            reply = self.answer(request)
            if fault == "drip":
                self._busy = True
                self._drip(reply)
            elif fault == "slow":
                self._busy = True
                self._wait(SLOW_S, lambda: self._finish(reply))
            else:
                self._send(reply)

    def _send(self, reply: Reply) -> None:
        self.write(reply.data)
        if reply.then_close:
            self.transport.close()
        if reply.after is not None:
            reply.after()

    def _finish(self, reply: Reply) -> None:
        """End a late reply and take up the requests that came meanwhile."""
        self._send(reply)
        self._busy = False
        self._wait(IDLE_S, self._idle)
        self._proceed()

    def _drip(self, reply: Reply) -> None:
        if len(reply.data) <= 1:
            self._finish(reply)
            return
        self.write(reply.data[:1])
        self._wait(DRIP_S, lambda: self._drip(reply._replace(data=reply.data[1:])))

    def _reset(self) -> None:
        """Close with a TCP reset: a zero linger makes the kernel send RST instead of FIN."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _pour(self) -> None:
        """Write the flood's next chunk, one a loop turn, while the client reads."""
        if self._flood is None or not self._writable or self.transport.is_closing():
            return
        chunk = self._flood()
        if not chunk:
            self._flood = None
            self.transport.close()
            return
        self._wait(IDLE_S, self._idle)
        self.write(chunk)
        self.loop.call_soon(self._pour)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._pour()
