"""A connection that carries media: interleaved frames and UDP packets go to the exchange, and TEARDOWN ends it always.

A small part of the deadline is kept back for TEARDOWN, which is sent after success, failure, silence and cancellation
alike, and whose answer is awaited for at most half a second: a connection closed on unread packets is reset, and a reset
could overtake the request.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from monitor.model import Reason
from monitor.probes.connection import Climb
from monitor.probes.decoders import Decoded, DecodeJob
from monitor.probes.exchange import Exchange, Move, Picture, Request
from monitor.probes.result import Note
from monitor.probes.rtsp_wire import Reply, WireError

TEARDOWN_S = 0.5
TEARDOWN_SHARE = 0.1
"""Of the deadline, what is kept for TEARDOWN: a tenth, at most half a second."""
LEAST_TEARDOWN_S = 0.05
"""How long its answer is awaited even where we noticed the deadline late."""
MAX_LEAVING_BYTES = 8 * 1024 * 1024
"""Bytes read and dropped while waiting for the answer to TEARDOWN."""
MAX_BURST = 64
"""Datagrams read at one go, so that a flood does not keep the loop."""
RECEIVE_BUFFER = 1024 * 1024
_PORT_TRIES = 32
_DATAGRAM = 65_536


class Line(Protocol):
    """What a session may ask of the connection it runs on."""

    def note(self, text: str) -> None:
        """Add a remark to the log."""

    def listen(self) -> None:
        """Hand over interleaved frames from now on."""

    def open_ports(self) -> int | None:
        """Bind two UDP ports and hand over what comes from the camera; the even one, or None if there are none."""


class Stream(Exchange, Protocol):
    """An exchange that media belong to."""

    def packet(self, channel: int | None, data: bytes) -> Move:
        """Take a frame of an interleaved channel, or a datagram (channel None)."""

    def silent(self) -> tuple[str, Reason]:
        """Say why, and judge, when the deadline comes."""


class Session(Stream, Protocol):
    """The exchange that holds the session."""

    def attach(self, line: Line) -> None:
        """Take the connection that the session runs on."""

    def leave(self) -> Request | None:
        """Return TEARDOWN if there is anything to leave."""

    def left(self, reply: Reply) -> Request | None:
        """Return TEARDOWN signed anew if its reply asks for that."""


Decoder = Callable[[Picture, float], DecodeJob]
"""Begins to decode a picture, to be started within so many seconds."""


def opening(
    session: Session, max_bytes: int, decoder: Decoder | None = None
) -> Callable[[tuple[Exchange, ...], float, Note], StreamClimb]:
    """Return what climb() begins a connection with, for a session that may read so many bytes."""

    def begin(exchanges: tuple[Exchange, ...], timeout_s: float, setting: Note) -> StreamClimb:
        return StreamClimb(exchanges, timeout_s, setting, session, max_bytes, decoder)

    return begin


class StreamClimb(Climb):
    """One connection with a media session on it."""

    __slots__ = (
        "_deaf", "_decoder", "_end", "_foreign", "_job", "_leaving", "_listening", "_owed", "_peer", "_session", "_sockets",
    )  # fmt: skip

    def __init__(
        self,
        exchanges: tuple[Exchange, ...],
        timeout_s: float,
        setting: Note,
        session: Session,
        max_bytes: int,
        decoder: Decoder | None,
    ) -> None:
        super().__init__(exchanges, timeout_s - min(TEARDOWN_S, timeout_s * TEARDOWN_SHARE), setting)
        self._end = self._since + timeout_s
        self._max_bytes = max_bytes
        self._session = session
        self._decoder = decoder
        self._job: DecodeJob | None = None
        self._sockets: tuple[socket.socket, ...] = ()
        self._peer = ""
        self._owed = 0  # requests not answered yet
        self._foreign = 0  # datagrams from elsewhere
        self._listening = self._leaving = self._deaf = False
        session.attach(self)

    # What the session may ask of its line

    def listen(self) -> None:
        """Hand over interleaved frames from now on."""
        self._listening = True
        self._parser.frames_to(self._interleaved)

    def open_ports(self) -> int | None:
        """Bind an even UDP port and the next on the connection's own address; None if there are none."""
        if self._transport is None:
            return None
        own, peer = self._transport.get_extra_info("sockname"), self._transport.get_extra_info("peername")
        self._sockets = _two_ports(own)
        if not self._sockets:
            return None
        self._peer = peer[0]
        self._listening = True
        self._loop.add_reader(self._sockets[0].fileno(), self._readable)
        return int(self._sockets[0].getsockname()[1])

    # Media

    def _interleaved(self, channel: int, data: bytes) -> None:
        exchange = self._exchange
        if exchange is not None and not self._leaving:
            self._move(exchange.packet(channel, data))  # type: ignore[attr-defined]  # only streams listen

    def _readable(self) -> None:
        try:
            for _ in range(MAX_BURST):
                if not self._sockets or self._leaving:
                    return
                data, sender = self._sockets[0].recvfrom(_DATAGRAM)
                if sender[0] != self._peer:
                    self._foreign += 1
                    continue
                self._read += len(data)
                if self._read > self._max_bytes:
                    self._flooded()
                elif self._exchange is not None:
                    self._move(self._exchange.packet(None, data))  # type: ignore[attr-defined]
        except OSError:
            return  # nothing more for now
        except Exception as bug:
            self._own_fault(bug)

    def _flooded(self) -> None:
        if self._leaving:
            self._gone()
            return
        if not self._listening:
            super()._flooded()
        note, reason = self._silence()
        self.note(f"读到上限 read up to the limit of {self._max_bytes} bytes: {note}")
        self.end_step(reason)

    def _silence(self) -> tuple[str, Reason]:
        if self._job is not None and not self._job.started:
            return "解码进程都在忙，不能归咎设备 all decoders were busy, not the device's fault", Reason.WATCHER
        silent = getattr(self._exchange, "silent", None)
        if silent is None or self._pause is not None:
            return super()._silence()
        note, reason = silent()
        if self._foreign:
            note += f", {self._foreign} datagrams from other addresses ignored"
        return note, reason

    # Pictures

    def _decode(self, picture: Picture) -> None:
        assert self._decoder is not None  # noqa: S101
        self._job = self._decoder(picture, max(0.0, self._deadline - monotonic()))
        self._job.future.add_done_callback(self._decoded)

    def _decoded(self, future: asyncio.Future[Decoded]) -> None:
        self._job = None
        if self.finished or self._leaving or future.cancelled():
            return
        try:
            self._move(self._exchange.decoded(future.result()))  # type: ignore[union-attr]  # only who hands out pictures
        except Exception as bug:
            self._own_fault(bug)

    # The end

    def finish(self) -> None:
        """Send TEARDOWN where there is a session, and close when it is answered or half a second has passed."""
        request = self._session.leave() if self._transport is not None and not self._leaving else None
        if request is None:
            self._gone()
            return
        self._leaving = True
        self._max_bytes = self._read + MAX_LEAVING_BYTES
        self._timer.cancel()
        if self._pause is not None:
            self._pause.cancel()
        patience_s = max(LEAST_TEARDOWN_S, min(TEARDOWN_S, self._end - monotonic()))
        self._timer = self._loop.call_later(patience_s, self._gone)
        self._send(request)

    def _gone(self) -> None:
        if self._notes and self.steps:
            self.steps[-1] = self.steps[-1]._replace(notes=self.steps[-1].notes + tuple(self._notes))
            self._notes = []
        super().finish()

    def end_step(self, reason: Reason) -> None:
        if self._leaving:
            self._gone()  # whatever ends the connection now: the verdict stands
        else:
            super().end_step(reason)

    def data_received(self, data: bytes) -> None:
        if not self._deaf:
            super().data_received(data)
            return
        self._read += len(data)
        if self._read > self._max_bytes:
            self._gone()

    def _unreadable(self, wrong: WireError) -> None:
        self._deaf = True  # where a message begins cannot be told any more, nor the answer to TEARDOWN
        super()._unreadable(wrong)

    def _cut_off(self, why: str) -> None:
        if self._leaving and not self.finished:
            self._gone()
        else:
            super()._cut_off(why)

    def _answer(self, reply: Reply) -> None:
        self._owed -= 1
        if not self._leaving:
            super()._answer(reply)
            return
        self._notes.append(Note("<", self._masked(reply.head)))
        if self._owed <= 0:
            again = self._session.left(reply)
            self._gone() if again is None else self._send(again)

    def _send(self, request: Request) -> None:
        self._owed += 1
        super()._send(request)

    async def abandon(self) -> None:
        """Leave the session after the probe was cancelled; takes at most half a second."""
        if self.finished:
            return
        self.done = self._loop.create_future()
        self._exchange = None
        if not self._leaving:
            self.finish()
        await asyncio.wait([self.done], timeout=TEARDOWN_S)

    def close(self) -> None:
        """Let go of everything, the UDP ports and a picture being decoded included."""
        super().close()
        for udp in self._sockets:
            self._loop.remove_reader(udp.fileno())
            udp.close()
        self._sockets = ()
        if self._job is not None:
            self._job.future.cancel()


def _two_ports(own: tuple[object, ...]) -> tuple[socket.socket, ...]:
    """Bind an even port and the next one on an address; () if there are none."""
    family = socket.AF_INET6 if len(own) == 4 else socket.AF_INET
    for _ in range(_PORT_TRIES):
        pair = [socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in range(2)]
        try:
            pair[0].bind((own[0], 0, *own[2:]))
            port = pair[0].getsockname()[1]
            if port % 2 == 0 and port < 65_535:
                pair[1].bind((own[0], port + 1, *own[2:]))
                pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                return tuple(pair)
        except OSError:
            pass
        for udp in pair:
            udp.close()
    return ()
