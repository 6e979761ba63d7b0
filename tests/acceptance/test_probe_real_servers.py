"""The probes against GStreamer's own RTSP server, and against devices that misbehave on purpose."""

from __future__ import annotations

import resource
import socket
from typing import Any

import pytest

from monitor.model import Reason, Rung, State
from monitor.probes.registry import probe
from monitor.probes.result import ProbeResult
from monitor.probes.target import Credentials, Target
from tests.acceptance.conftest import GstServer
from tests.servers.loops import Run
from tests.servers.scripted import Peer, scripted

LONG_S = 30.0
MIB = 1024 * 1024


def probed(
    run: Run[Any], url: str, rung: Rung = Rung.DESCRIBE, login: Credentials | None = None, timeout_s: float = LONG_S
) -> ProbeResult:
    async def once() -> ProbeResult:
        return await probe(Target.parse(url), rung, credentials=login, timeout_s=timeout_s)

    result: ProbeResult = run(once())
    return result


def right(server: GstServer) -> Credentials:
    return Credentials(server.user, server.password)


@pytest.mark.parametrize("path", ["/live", "/jpeg"])
def test_an_open_stream_is_online(gst_server: GstServer, run: Run[Any], path: str) -> None:
    result = probed(run, gst_server.url("open", path))
    assert (result.state, result.rung, result.reason, result.auth) == (State.ONLINE, Rung.DESCRIBE, Reason.OK, "")
    assert [(step.name, step.ok) for step in result.steps] == [("tcp", True), ("rtsp", True), ("describe", True)]
    assert any("m=video" in line for line in result.steps[-1].log)


@pytest.mark.parametrize("kind", ["digest", "basic"])
def test_a_login_is_answered(gst_server: GstServer, run: Run[Any], kind: str) -> None:
    result = probed(run, gst_server.url(kind), login=right(gst_server))
    assert (result.state, result.reason, result.auth) == (State.ONLINE, Reason.OK, kind)
    assert gst_server.password not in repr(result)


@pytest.mark.parametrize("kind", ["digest", "basic"])
def test_a_login_in_the_url_is_used_and_not_shown(gst_server: GstServer, run: Run[Any], kind: str) -> None:
    port = getattr(gst_server, kind)
    result = probed(run, f"rtsp://camera:%E5%AF%B9%E7%9A%84%20secret@127.0.0.1:{port}/live")
    assert result.reason is Reason.OK
    assert result.target == f"rtsp://camera:***@127.0.0.1:{port}/live"
    assert "secret" not in repr(result)


@pytest.mark.parametrize("kind", ["digest", "basic"])
def test_a_wrong_password_says_nothing_about_the_picture(gst_server: GstServer, run: Run[Any], kind: str) -> None:
    result = probed(run, gst_server.url(kind), login=Credentials(gst_server.user, "wrong"))
    assert (result.state, result.reason) == (State.UNKNOWN, Reason.AUTH_REJECTED)


@pytest.mark.parametrize("kind", ["digest", "basic"])
def test_no_password_at_all(gst_server: GstServer, run: Run[Any], kind: str) -> None:
    result = probed(run, gst_server.url(kind))
    assert (result.state, result.reason) == (State.UNKNOWN, Reason.AUTH_UNKNOWN)


@pytest.mark.parametrize("kind", ["open", "digest", "basic"])
def test_a_missing_path_is_not_found(gst_server: GstServer, run: Run[Any], kind: str) -> None:
    result = probed(run, gst_server.url(kind, "/missing"), login=right(gst_server))
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.DESCRIBE, Reason.NOT_FOUND)
    assert probed(run, gst_server.url(kind, "/missing"), Rung.RTSP).reason is Reason.OK


@pytest.mark.parametrize("path", ["/audio", "/broken"])
def test_a_stream_without_picture_has_no_media(gst_server: GstServer, run: Run[Any], path: str) -> None:
    result = probed(run, gst_server.url("open", path))
    assert (result.state, result.reason) == (State.OFFLINE, Reason.NO_MEDIA)


def test_probing_again_at_once_meets_no_torn_down_pipeline(gst_server: GstServer, run: Run[Any]) -> None:
    reasons = [probed(run, gst_server.url("open", "/live")).reason for _ in range(5)]
    assert reasons == [Reason.OK] * 5


@pytest.mark.parametrize("rung", [Rung.TCP, Rung.RTSP, Rung.DESCRIBE])
def test_a_dead_port_is_refused(run: Run[Any], rung: Rung) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # held, but nobody listens
        result = probed(run, f"127.0.0.1:{bound.getsockname()[1]}", rung)
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.TCP, Reason.REFUSED)
    assert len(result.steps) == 1


def test_a_device_that_never_speaks_times_out(run: Run[Any]) -> None:
    with scripted(Peer.wait_for_close) as device:
        result = probed(run, f"127.0.0.1:{device.port}", timeout_s=0.3)
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.RTSP, Reason.TIMEOUT)
    assert [step.ok for step in result.steps] == [True, False]


def test_a_device_that_never_accepts_times_out(run: Run[Any]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # the queue is full: the next SYN goes unanswered
        try:
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(place)
            result = probed(run, f"127.0.0.1:{place[1]}", timeout_s=0.3)
        finally:
            for client in waiting:
                client.close()
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.TCP, Reason.TIMEOUT)


def flood(piece: bytes) -> Any:
    def send_a_gigabyte(peer: Peer) -> None:
        peer.read()
        for _ in range(1024 * MIB // len(piece)):
            if not peer.send(piece):
                return

    return send_a_gigabyte


@pytest.mark.parametrize(
    "piece",
    [
        b"A" * MIB,
        b"RTSP/1.0 200 OK\r\nX: y\r\n" + b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 32768,
        b"RTSP/1.0 200 OK\r\nContent-Length: 1073741824\r\n\r\n" + b"\0" * MIB,
        (b"$\0\xff\xff" + b"\0" * 65535) * 16,
        b"\r\n" * (MIB // 2),
        b"RTSP/1.0 100 Continue\r\n\r\n" * 32768,
    ],
    ids=["line", "headers", "body", "frames", "blank", "provisional"],
)
def test_a_gigabyte_is_a_bad_reply_promptly_and_in_bounded_memory(run: Run[Any], piece: bytes) -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with scripted(flood(piece)) as device:
        result = probed(run, f"127.0.0.1:{device.port}")
        assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.RTSP, Reason.BAD_REPLY)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 32 * 1024
    assert device.sent < 64 * MIB  # it was cut off, with what the kernel's buffers hold


def test_a_dripping_device_is_ended_by_the_one_deadline(run: Run[Any]) -> None:
    def drip(peer: Peer) -> None:
        peer.read()
        peer.connection.settimeout(0.02)
        for byte in b"RTSP/1.0 200 OK\r\nServer: " + b"x" * 4000:
            if not peer.send(bytes([byte])):
                return
            try:
                if not peer.connection.recv(1):
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return

    with scripted(drip) as device:
        result = probed(run, f"127.0.0.1:{device.port}", timeout_s=0.4)
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.RTSP, Reason.TIMEOUT)


def reset(peer: Peer) -> None:
    peer.read()
    peer.reset()


def hang_up(peer: Peer) -> None:
    peer.read()


def half_a_reply(peer: Peer) -> None:
    peer.read()
    peer.send(b"RTSP/1.0 200 OK\r\nCSe")


def garbage(peer: Peer) -> None:
    peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    peer.wait_for_close()


def binary(peer: Peer) -> None:
    peer.send(bytes(range(128, 256)))
    peer.wait_for_close()


def web(peer: Peer) -> None:
    peer.read()
    peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    peer.wait_for_close()


@pytest.mark.parametrize("device", [reset, hang_up, half_a_reply, garbage, binary, web])
def test_no_usable_reply_is_a_bad_reply(run: Run[Any], device: Any) -> None:
    with scripted(device) as server:
        result = probed(run, f"127.0.0.1:{server.port}")
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.RTSP, Reason.BAD_REPLY)


def test_a_port_that_speaks_tls_is_named_so(run: Run[Any]) -> None:
    def alert(peer: Peer) -> None:
        peer.read()
        peer.send(b"\x15\x03\x01\x00\x02\x02\x46")
        peer.wait_for_close()

    with scripted(alert) as device:
        result = probed(run, f"127.0.0.1:{device.port}")
    assert (result.state, result.reason) == (State.OFFLINE, Reason.TLS)


def test_a_redirect_off_the_host_is_not_followed(run: Run[Any]) -> None:
    with scripted(Peer.wait_for_close) as elsewhere:

        def redirect(peer: Peer) -> None:
            peer.read()
            peer.reply("200 OK")
            peer.read()
            peer.reply("302 Moved", f"Location: rtsp://127.0.0.2:{elsewhere.port}/live")
            peer.wait_for_close()

        with scripted(redirect) as device:
            result = probed(run, f"rtsp://127.0.0.1:{device.port}/live", login=Credentials("camera", "secret"))
            assert device.connections == 1
        assert elsewhere.connections == 0
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.DESCRIBE, Reason.BAD_REPLY)
    assert "secret" not in repr(result)
