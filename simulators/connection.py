"""One client's connection to a fake camera's address: requests in, replies out, well or badly behaved.

Every connection is bounded: 64 KiB of unread request, one reply at a time, 300 s without a request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from simulators import misbehaviour, rtsp
from simulators.camera import Camera, answer, find

IDLE_S = 300.0
SLOW_S = 1.5
DRIP_S = 1.0


class House(Protocol):
    """What a connection needs of the address it came to."""

    @property
    def cameras(self) -> Mapping[str, Camera]: ...

    def arrived(self, connection: RtspConnection) -> bool: ...

    def left(self, connection: RtspConnection) -> None: ...

    def asked(self) -> int: ...


class RtspConnection(asyncio.Protocol):
    """Serves the requests of one client in turn. Which fault applies is decided per request, when it arrives."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._flood: Callable[[], bytes] | None = None
        self._writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        if not self._house.arrived(self):
            self._transport.abort()
            return
        self._wait(IDLE_S, self.cut)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._flood = None
        if self._timer is not None:
            self._timer.cancel()
        self._house.left(self)

    def cut(self) -> None:
        """End the connection at once, whatever is in flight."""
        self._transport.abort()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > 2 * rtsp.MAX_REQUEST_BYTES:
            self.cut()
        else:
            self._proceed()

    def _proceed(self) -> None:
        """Serve complete requests until one keeps the connection busy."""
        while not self._busy and not self._transport.is_closing():
            try:
                request = rtsp.take_request(self._buffer)
            except rtsp.NotRtsp:
                self._send(rtsp.reply(400, None), then_close=True)
                return
            if request is None:
                return
            self._wait(IDLE_S, self.cut)
            self._serve(request)

    def _serve(self, request: rtsp.Request) -> None:
        number = self._house.asked()
        camera = find(self._house.cameras, request)
        # A path that nobody has is still answered by a device, and the device's fault shows on it too.
        fault = (camera or next(iter(self._house.cameras.values()))).fault
        if fault == "silent" or (fault == "hang" and request.method != "OPTIONS"):
            return
        if fault == "reset":
            self._reset()
        elif fault == "malformed":
            good, _ = answer(camera, request)
            self._send(misbehaviour.malformed(request, good, number), then_close=True)
        elif fault == "oversized" and request.method == "DESCRIBE":
            self._send(misbehaviour.flood_head(request, number))
            self._busy = True
            self._flood = misbehaviour.flood(number)
            self._pour()
        else:
            data, then_close = answer(camera, request)
            if fault == "drip":
                self._busy = True
                self._drip(data, then_close=then_close)
            elif fault == "slow":
                self._busy = True
                self._wait(SLOW_S, lambda: self._finish(data, then_close=then_close))
            else:
                self._send(data, then_close=then_close)

    def _send(self, data: bytes, *, then_close: bool = False) -> None:
        self._transport.write(data)
        if then_close:
            self._transport.close()

    def _finish(self, data: bytes, *, then_close: bool) -> None:
        """End a late reply and take up the requests that came meanwhile."""
        self._send(data, then_close=then_close)
        self._busy = False
        self._wait(IDLE_S, self.cut)
        self._proceed()

    def _drip(self, data: bytes, *, then_close: bool) -> None:
        if len(data) == 1:
            self._finish(data, then_close=then_close)
            return
        self._transport.write(data[:1])
        self._wait(DRIP_S, lambda: self._drip(data[1:], then_close=then_close))

    def _reset(self) -> None:
        """Close with a TCP reset: a zero linger makes the kernel send RST instead of FIN."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _pour(self) -> None:
        """Write the flood's next chunk, one a loop turn, while the client reads."""
        if self._flood is None or not self._writable or self._transport.is_closing():
            return
        chunk = self._flood()
        if not chunk:
            self._flood = None
            self._transport.close()
            return
        self._wait(IDLE_S, self.cut)
        self._transport.write(chunk)
        self._loop.call_soon(self._pour)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._pour()
