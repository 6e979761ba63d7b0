"""Connections on the shared epoll set, against raw sockets, on both event loops."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from monitor.model import Reason, Rung
from monitor.probes import sockets
from monitor.probes.registry import probe
from monitor.probes.target import Target
from tests.servers.loops import Run


class Noted(asyncio.Protocol):
    """Writes down what it is told; `on_made` acts as soon as there is a connection."""

    def __init__(self, on_made: Callable[[asyncio.Transport], None] = lambda _: None) -> None:
        self._on_made = on_made
        self.told: list[str] = []
        self.data = bytearray()
        self.error: Exception | None = None
        self.made = asyncio.Event()
        self.lost = asyncio.Event()
        self.heard = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.told.append("made")
        self.made.set()
        assert isinstance(transport, asyncio.Transport)
        self._on_made(transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.heard.set()

    def eof_received(self) -> None:
        self.told.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")
        self.error = exc
        self.lost.set()


def listening() -> tuple[socket.socket, int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    return listener, listener.getsockname()[1]


def on_loop(run: Run[Any], work: Callable[[], Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(60):
            return await work()

    return run(bounded())


def test_more_than_the_system_takes_at_once_arrives_whole_and_in_order(run: Run[Any]) -> None:
    sent = bytes(range(256)) * 65_536

    async def work() -> Noted:
        protocol = Noted(in_two_pieces)
        wire = sockets.connect(protocol, "127.0.0.1", port)
        received = await asyncio.to_thread(drain)
        await protocol.lost.wait()
        assert received == sent
        assert wire.is_closing()
        return protocol

    def in_two_pieces(wire: asyncio.Transport) -> None:
        wire.write(sent[:10_000_000])
        wire.write(sent[10_000_000:])

    def drain() -> bytes:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(30)
            found = bytearray()
            while len(found) < len(sent):
                found += peer.recv(1 << 20)
            return bytes(found)

    listener, port = listening()
    with closing(listener):
        assert on_loop(run, work).told == ["made", "eof", "lost"]


def test_a_refusal_and_a_reset_are_told_with_their_errors(run: Run[Any]) -> None:
    async def work() -> tuple[Noted, Noted]:
        reset = Noted()
        sockets.connect(reset, "127.0.0.1", port)
        peer, _ = await asyncio.to_thread(listener.accept)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await reset.lost.wait()
        listener.close()
        refused = Noted()
        sockets.connect(refused, "127.0.0.1", port)
        await refused.lost.wait()
        return reset, refused

    listener, port = listening()
    with closing(listener):
        reset, refused = on_loop(run, work)
    assert reset.told == ["made", "lost"]
    assert isinstance(reset.error, ConnectionResetError)
    assert refused.told == ["lost"]
    assert isinstance(refused.error, ConnectionRefusedError)


def test_after_abort_nothing_is_told_and_nothing_is_sent(run: Run[Any]) -> None:
    async def work() -> Noted:
        protocol = Noted()
        wire = sockets.connect(protocol, "127.0.0.1", port)
        peer, _ = await asyncio.to_thread(listener.accept)
        with peer:
            peer.sendall(b"x")
            await protocol.heard.wait()
            wire.abort()
            wire.abort()
            wire.write(b"late")
            peer.settimeout(30)
            assert await asyncio.to_thread(peer.recv, 10) == b""
        return protocol

    listener, port = listening()
    with closing(listener):
        protocol = on_loop(run, work)
    assert (protocol.told, protocol.data) == (["made"], b"x")


def test_one_of_two_ready_connections_may_close_the_other(run: Run[Any]) -> None:
    async def work() -> list[Noted]:
        wires: list[sockets.Wire] = []
        protocols: list[Noted] = []
        heard = asyncio.Event()

        class Closing(Noted):
            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                heard.set()
                for wire in wires:
                    wire.abort()

        for _ in range(2):
            protocols.append(Closing())
            wires.append(sockets.connect(protocols[-1], "127.0.0.1", port))
        peers = [(await asyncio.to_thread(listener.accept))[0] for _ in wires]
        for protocol in protocols:
            await protocol.made.wait()
        for peer in peers:  # both are ready before the loop looks again
            peer.sendall(b"x")
        await heard.wait()
        for peer in peers:
            peer.close()
        return protocols

    listener, port = listening()
    with closing(listener):
        protocols = on_loop(run, work)
    assert sorted(bytes(protocol.data) for protocol in protocols) == [b"", b"x"]


def test_what_cannot_even_begin_is_raised_and_leaves_no_socket(run: Run[Any]) -> None:
    async def work() -> OSError:
        with pytest.raises(OSError) as raised:
            sockets.connect(Noted(), "255.255.255.255", 9)
        return raised.value

    assert on_loop(run, work).errno in {errno.EACCES, errno.ENETUNREACH}


def test_without_epoll_the_loops_own_transports_serve(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "AVAILABLE", False)

    async def work() -> tuple[Reason, Reason]:
        up = await probe(Target.parse(f"127.0.0.1:{port}"), Rung.TCP, timeout_s=30)
        listener.close()
        return up.reason, (await probe(Target.parse(f"127.0.0.1:{port}"), Rung.TCP, timeout_s=30)).reason

    listener, port = listening()
    with closing(listener):
        assert on_loop(run, work) == (Reason.OK, Reason.REFUSED)
