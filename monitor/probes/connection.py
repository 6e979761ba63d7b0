"""One connection that climbs: resolve once, connect to that address, then one exchange after the other.

Every probe has one total deadline on the monotonic clock, reads bounded bytes, and always closes its connection. Nothing
a device says makes us connect anywhere else.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from time import monotonic

from monitor.model import Reason, Rung
from monitor.probes import sockets
from monitor.probes.address import Allowed, literal, permitted
from monitor.probes.exchange import Exchange, Move, Picture, Request
from monitor.probes.result import MAX_NOTE, Note, ProbeResult, Step, result_of
from monitor.probes.rtsp_wire import Reply, ReplyParser, WireError
from monitor.probes.system_errors import reason_of
from monitor.probes.target import Target

LATE_S = 0.5
"""A deadline that is noticed later than this says that we slept, not that the device was silent."""
DRAIN_FROM_S = 0.05
DRAIN_S = 0.02
"""When a deadline is noticed this late, what already waits in the socket is read first, for one short moment."""
MAX_BYTES = 1024 * 1024
"""Bytes read per probe, all rungs together."""


class Climb(asyncio.Protocol):
    """The connection's own state: which exchange is on, what was logged, and the verdict once there is one.

    A connection that carries media is a subclass (`monitor/probes/stream.py`); the methods it replaces say so.
    """

    __slots__ = (
        "_auth", "_cancelling", "_cseq", "_deadline", "_exchange", "_exchanges", "_lag_s", "_loop", "_max_bytes",
        "_name", "_notes", "_parser", "_pause", "_read", "_secrets", "_since", "_task", "_timer", "_transport", "done", "expired",
        "finished", "steps",
    )  # fmt: skip

    def __init__(self, exchanges: tuple[Exchange, ...], timeout_s: float, setting: Note) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._since = monotonic()
        self._deadline = self._since + timeout_s
        self._timer = loop.call_later(timeout_s, self._expire)
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self._exchanges = iter(exchanges)
        self._exchange: Exchange | None = None
        self._name = Rung.TCP.value
        self._notes = [setting]
        self._parser = ReplyParser()
        self._pause: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._secrets: tuple[bytes, ...] = ()
        self._auth = ""
        self._cseq = 0
        self._read = 0
        self._max_bytes = MAX_BYTES
        self._lag_s = 0.0
        self.steps: list[Step] = []
        self.done: asyncio.Future[None] = loop.create_future()
        self.finished = False
        self.expired = False

    def note(self, text: str) -> None:
        """Add a remark to the log of the step under way."""
        self._notes.append(Note("#", self._masked(text.encode())))

    def end_step(self, reason: Reason) -> None:
        """Close the step under way; after any reason but ok the climb is over."""
        now = monotonic()
        ok = reason is Reason.OK
        self.steps.append(Step(self._name, ok, reason, round((now - self._since) * 1e6), tuple(self._notes)))
        self._since = now
        self._notes = []
        self._exchange = next(self._exchanges, None) if ok else None
        if self._exchange is None:
            self.finish()
        else:
            self._name = self._exchange.rung.value
            self._move(self._exchange.begin())

    def finish(self) -> None:
        """End the conversation, now that the verdict stands. Replaced where there is a session to leave."""
        self.close()
        if not self.done.done():
            self.done.set_result(None)

    async def abandon(self) -> None:
        """Take leave of the device after the probe was cancelled. Replaced where there is a session to leave."""

    def close(self) -> None:
        """Let go of connection and timer; what arrives from now on is ignored. May be called twice."""
        self.finished = True
        self._timer.cancel()
        if self._pause is not None:
            self._pause.cancel()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def fail(self, error: OSError) -> None:
        """End the climb with what the operating system said."""
        if not self.finished:
            self.note(f"{error.strerror or type(error).__name__} (errno {error.errno})")
            reason = reason_of(error)
            if reason is Reason.BAD_REPLY and self._exchange is not None:
                reason = self._exchange.cut_off()
            self.end_step(reason)

    def claim_cancellation(self) -> bool:
        """Say whether the cancellation in flight is the deadline's own, and take it back if so."""
        return self.expired and self._task is not None and self._task.uncancel() <= self._cancelling

    def end_late(self) -> None:
        """End the climb at its deadline: silence is the device's, unless we ourselves were late."""
        if self._lag_s > LATE_S:
            self.note(f"截止时间晚了 {self._lag_s:.3f} s 才处理，不能归咎设备 we were late, not the device")
            self.end_step(Reason.WATCHER)
        else:
            note, reason = self._silence()
            self.note(note)
            self.end_step(reason)

    def _silence(self) -> tuple[str, Reason]:
        """Say why and judge when the deadline comes. Replaced where packets are awaited."""
        pausing = self._exchange if self._pause is not None else None
        reason = pausing.cut_off() if pausing is not None else Reason.TIMEOUT
        return "在截止时间前没有完整应答 no whole answer before the deadline", reason

    def _expire(self) -> None:
        lag_s = monotonic() - self._deadline
        if lag_s > DRAIN_FROM_S and not self._lag_s:
            self._lag_s = lag_s
            self._timer = self._loop.call_later(DRAIN_S, self._expire)
        elif self._transport is not None:
            self.end_late()
        elif self._task is not None:
            self.expired = True
            self._task.cancel()

    def connecting(self, transport: asyncio.Transport) -> None:
        """Take the connection that is being opened, so that the deadline can close it."""
        self._transport = transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass of asyncio.Transport
        if self.finished or self.expired:
            self.close()
            return
        try:
            self.end_step(Reason.OK)
        except Exception as bug:
            self._own_fault(bug)

    def data_received(self, data: bytes) -> None:
        if self.finished:
            return
        self._read += len(data)
        try:
            if self._read > self._max_bytes:
                self._flooded()
                return
            self._parser.feed(data)
            while not self.done.done() and (reply := self._parser.next()) is not None:
                self._answer(reply)
        except WireError as wrong:
            self._notes.append(Note("<", self._masked(data)[:MAX_NOTE]))
            self.note(f"不是可用的 RTSP 应答 no usable RTSP reply: {wrong}")
            self._unreadable(wrong)
        except Exception as bug:
            self._own_fault(bug)

    def _flooded(self) -> None:
        """Refuse more bytes than a probe reads. Replaced where they may be media."""
        raise WireError(f"more than {self._max_bytes} bytes")

    def _unreadable(self, wrong: WireError) -> None:
        """End the climb: where the next message begins cannot be told. Replaced where there is a session to leave."""
        self.end_step(wrong.reason)

    def _own_fault(self, bug: Exception) -> None:
        """End the climb for a fault of ours: left to the loop, it would look like a silent device."""
        self._loop.call_exception_handler({"message": f"probe of {self._name} failed", "exception": bug})
        self.note(f"探测程序自身出错 a fault in the probe itself: {type(bug).__name__}: {bug}")
        self._exchange = None
        self.end_step(Reason.WATCHER)

    def eof_received(self) -> None:
        self._cut_off("设备关闭了连接 the device closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if isinstance(exc, OSError):
            self.fail(exc)
        else:
            self._cut_off("连接中断 the connection was lost")

    def _cut_off(self, why: str) -> None:
        if not self.finished and self._exchange is not None:
            self.note(f"{why}; {self._parser.waiting} bytes of an unfinished reply")
            self.end_step(self._exchange.cut_off())

    def _answer(self, reply: Reply) -> None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101
        self._notes.append(Note("<", self._masked(reply.head)[:MAX_NOTE]))
        if reply.body:
            self._notes.append(Note("<", self._masked(reply.body)[:MAX_NOTE]))
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        move = exchange.answer(reply)
        self._auth = exchange.auth
        self._move(move)

    def _move(self, move: Move) -> None:
        if isinstance(move, Request):
            if move.after_s:
                self._pause = self._loop.call_later(move.after_s, self._send, move)
            else:
                self._send(move)
        elif isinstance(move, Reason):
            self.end_step(move)
        elif move is not None:
            self._decode(move)

    def _decode(self, picture: Picture) -> None:
        """Have a picture decoded. Replaced where there can be one."""
        raise NotImplementedError(picture.codec)

    def _send(self, request: Request) -> None:
        if self._transport is None:
            return  # lost on the way here, and already judged
        self._pause = None
        self._cseq += 1
        head = b"%bCSeq: %d\r\n" % (request.head, self._cseq)
        if request.authorization:
            self._secrets = request.secrets
            scheme = request.authorization.partition(b" ")[0]
            self._notes.append(Note(">", head + b"Authorization: %b ***" % scheme))
            head = b"%bAuthorization: %b\r\n" % (head, request.authorization)
        else:
            self._notes.append(Note(">", head))
        self._transport.write(head + b"\r\n")

    def _masked(self, text: bytes) -> bytes:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, b"***")
        return text

    def result(self, target: Target, took_us: int) -> ProbeResult:
        """Return the verdict."""
        return result_of(target.text, tuple(self.steps), took_us, self._auth)


async def climb(
    target: Target,
    exchanges: tuple[Exchange, ...],
    *,
    timeout_s: float,
    allowed: Sequence[Allowed] | None,
    begin: Callable[[tuple[Exchange, ...], float, Note], Climb] = Climb,
) -> ProbeResult:
    """Connect and go through the exchanges in order until one fails. Only CancelledError is raised.

    `timeout_s` spans everything, the name look-up included. With `allowed`, an address outside it gets no connection.
    `begin` makes the connection's state.
    """
    began = monotonic()
    setting = Note("#", b"%b timeout_s=%g" % (target.uri.encode(), timeout_s))
    climber = begin(exchanges, timeout_s, setting)
    try:
        address = await _resolve(target, climber)
        if allowed is not None and not permitted(ip_address(address), target.port, allowed):
            raise _Unfit(f"{address}:{target.port} 不在白名单内，未连接 is outside the allow-list, not connected")
        await _connect(climber, address, target.port)
        await climber.done
    except _Unfit as unfit:
        climber.note(str(unfit))
        climber.end_step(Reason.WATCHER)
    except OSError as error:
        climber.fail(error)
    except asyncio.CancelledError:
        if not climber.claim_cancellation():
            await climber.abandon()
            raise
        climber.end_late()
    finally:
        climber.close()
    return climber.result(target, round((monotonic() - began) * 1e6))


class _Unfit(Exception):
    """The address is none we may connect to: our own decision, so it says nothing about the device."""


async def _connect(climber: Climb, address: str, port: int) -> None:
    if sockets.AVAILABLE:
        climber.connecting(sockets.connect(climber, address, port))
    else:
        await asyncio.get_running_loop().create_connection(lambda: climber, address, port)


async def _look_up(host: str, port: int) -> list[str]:
    """Ask the operating system for a name's addresses, on a thread of the loop's bounded pool."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


async def _resolve(target: Target, climber: Climb) -> str:
    """Return the one IP address to connect to; a name is looked up here and nowhere else."""
    if target.address is not None:
        return target.address
    address = (await _look_up(target.host, target.port))[0]
    climber.note(f"{target.host} = {address}")
    try:
        literal(address)
    except ValueError as complaint:
        raise _Unfit(f"{address}: {complaint}") from None
    return address
