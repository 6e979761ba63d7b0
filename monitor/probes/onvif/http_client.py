"""One question over HTTP: one connection to one address, one total deadline, bounded bytes, nothing followed.

Whatever goes wrong is an OnvifError with its reason; connections are always closed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from time import monotonic
from typing import NamedTuple

from monitor.model import Reason
from monitor.probes import sockets
from monitor.probes.address import Allowed, literal, permitted
from monitor.probes.connection import DRAIN_FROM_S, DRAIN_S, LATE_S
from monitor.probes.onvif.device import Device
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_wire import Response, ResponseParser
from monitor.probes.system_errors import reason_of


class Host(NamedTuple):
    """The one IP address of a device for the length of a question, and what may be done there.

    `deadline` is on the monotonic clock. `name` is what the device is registered as; it goes into the Host header.
    """

    address: str
    name: str
    deadline: float
    allowed: Sequence[Allowed] | None = None
    tls: ssl.SSLContext | None = None


class Answer(NamedTuple):
    """A reply and when, on the monotonic clock, its question was sent and its first byte came."""

    response: Response
    sent: float
    came: float


async def host_of(
    device: Device, deadline: float, allowed: Sequence[Allowed] | None, tls: ssl.SSLContext | None = None
) -> Host:
    """Look a device's name up, once. Raises OnvifError: an address that may not be used is `watcher`.

    For an https device without a context of the caller's, certificates are verified as the system does.
    """
    context = None
    if device.tls:
        context = tls or ssl.create_default_context()
    address = device.address
    if address is None:
        try:
            async with asyncio.timeout(max(0.0, deadline - monotonic())):
                address = await _look_up(device.host, device.port)
        except TimeoutError:
            raise OnvifError(Reason.WATCHER, "名称解析超时 the name look-up took too long") from None
        except OSError as error:
            raise OnvifError(Reason.WATCHER, f"名称解析失败 the name look-up failed: {error.strerror}") from None
        try:
            literal(address)
        except ValueError as complaint:
            raise OnvifError(Reason.WATCHER, f"{address}: {complaint}") from None
    return Host(address, device.host, deadline, allowed, context)


async def _look_up(host: str, port: int) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return str(found[0][4][0])


def request_bytes(host: str, port: int, path: str, content_type: str, body: bytes, authorization: bytes = b"") -> bytes:
    """Return a whole POST request. `path` must be fit for the wire, `content_type` without line ends."""
    name = f"[{host}]" if ":" in host else host
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {name}:{port}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nAccept-Encoding: identity\r\nConnection: close\r\n"
    ).encode()
    if authorization:
        head += b"Authorization: %b\r\n" % authorization
    return head + b"\r\n" + body


async def ask(host: Host, port: int, request: bytes) -> Answer:
    """Connect, send, read one reply, close. Raises OnvifError and, when the caller is cancelled, CancelledError."""
    if host.allowed is not None and not permitted(ip_address(host.address), port, host.allowed):
        raise OnvifError(
            Reason.WATCHER, f"{host.address}:{port} 不在白名单内，未连接 is outside the allow-list, not connected"
        )
    call = _Call(request, host.deadline)
    try:
        await call.open(host, port)
        return await call.done
    except asyncio.CancelledError:
        if not call.claim_cancellation():
            raise
        raise call.late() from None
    except OSError as error:
        raise OnvifError(reason_of(error), f"{error.strerror or error} (errno {error.errno})") from None
    finally:
        call.close()


class _Call(asyncio.Protocol):
    """One connection: sends its request as soon as it stands and completes `done`."""

    __slots__ = (
        "_came", "_cancelling", "_deadline", "_expired", "_lag_s", "_loop", "_parser", "_request", "_sent",
        "_task", "_timer", "_transport", "done",
    )  # fmt: skip

    def __init__(self, request: bytes, deadline: float) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._request = request
        self._deadline = deadline
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self._timer = loop.call_later(max(0.0, deadline - monotonic()), self._expire)
        self._parser = ResponseParser()
        self._transport: asyncio.Transport | None = None
        self._sent = self._came = 0.0
        self._lag_s = 0.0
        self._expired = False
        self.done: asyncio.Future[Answer] = loop.create_future()

    async def open(self, host: Host, port: int) -> None:
        """Begin to connect, or, where the loop's own transports serve, connect."""
        if host.tls is None and sockets.AVAILABLE:
            self._transport = sockets.connect(self, host.address, port)
            return
        name = host.name if host.tls else None
        await self._loop.create_connection(lambda: self, host.address, port, ssl=host.tls, server_hostname=name)

    def close(self) -> None:
        """Let go of connection and timer. May be called twice."""
        self._timer.cancel()
        if not self.done.done():
            self.done.cancel()
        elif not self.done.cancelled():
            self.done.exception()  # seen, even if nobody waited for it any more
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def claim_cancellation(self) -> bool:
        """Say whether the cancellation in flight is the deadline's own, and take it back if so."""
        return self._expired and self._task is not None and self._task.uncancel() <= self._cancelling

    def late(self) -> OnvifError:
        """Return what a passed deadline means: silence is the device's, unless we ourselves were late."""
        if self._lag_s > LATE_S:
            note = f"截止时间晚了 {self._lag_s:.3f} s 才处理，不能归咎设备 we were late, not the device"
            return OnvifError(Reason.WATCHER, note)
        return OnvifError(Reason.TIMEOUT, "在截止时间前没有完整应答 no whole answer before the deadline")

    def _expire(self) -> None:
        lag_s = monotonic() - self._deadline
        if lag_s > DRAIN_FROM_S and not self._lag_s:
            # What already waits in the socket is read first.
            self._lag_s = lag_s
            self._timer = self._loop.call_later(DRAIN_S, self._expire)
        elif self._transport is not None:
            self._fail(self.late())
        elif self._task is not None and not self.done.done():
            self._expired = True
            self._task.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass of asyncio.Transport
        if self.done.done() or self._expired:
            self.close()
            return
        self._sent = monotonic()
        assert self._transport is not None  # noqa: S101
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        if not self._came:
            self._came = monotonic()
        try:
            response = self._parser.feed(data)
        except OnvifError as error:
            self._fail(error)
        except Exception as bug:
            # Left to the loop, a fault of ours would look like a broken device.
            self._loop.call_exception_handler({"message": "reading an HTTP reply failed", "exception": bug})
            self._fail(OnvifError(Reason.WATCHER, f"探测程序自身出错 a fault of our own: {type(bug).__name__}: {bug}"))
        else:
            if response is not None:
                self.done.set_result(Answer(response, self._sent, self._came))

    def eof_received(self) -> None:
        self._ended()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if isinstance(exc, OSError):
            self._fail(OnvifError(reason_of(exc), f"{exc.strerror or exc} (errno {exc.errno})"))
        else:
            self._ended()

    def _ended(self) -> None:
        if self.done.done():
            return
        try:
            self.done.set_result(Answer(self._parser.end(), self._sent, self._came))
        except OnvifError as error:
            self._fail(error)

    def _fail(self, error: OnvifError) -> None:
        if not self.done.done():
            self.done.set_exception(error)
