"""One connection's life: deadline, own lateness, cancellation, addresses, masking. On both event loops."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import re
import socket
import ssl
import threading
import time
from typing import Any

import pytest

from monitor.model import Reason, Rung, State
from monitor.probes import describe
from monitor.probes.address import Allowed
from monitor.probes.registry import PROBES, probe
from monitor.probes.report import result_json
from monitor.probes.result import ProbeResult
from monitor.probes.system_errors import reason_of
from monitor.probes.target import Credentials, Target
from tests.servers.loops import Run
from tests.servers.scripted import Peer, scripted

SDP = b"v=0\r\nm=video 0 RTP/AVP 96\r\n"
LOGIN = Credentials("camera", "canary-secret")


def probed(run: Run[Any], text: str, rung: Rung = Rung.DESCRIBE, **options: Any) -> ProbeResult:
    async def once() -> ProbeResult:
        return await probe(Target.parse(text), rung, **{"timeout_s": 30.0, **options})

    result: ProbeResult = run(once())
    return result


def healthy(peer: Peer) -> None:
    while request := peer.read():
        peer.reply("200 OK", body=SDP if request.startswith("DESCRIBE") else b"")


def test_one_connection_climbs_all_rungs(run: Run[Any]) -> None:
    with scripted(healthy) as device:
        for rung, requests in ((Rung.TCP, 0), (Rung.RTSP, 1), (Rung.DESCRIBE, 3)):
            result = probed(run, f"rtsp://127.0.0.1:{device.port}/live", rung)
            assert (result.state, result.rung, result.reason) == (State.ONLINE, rung, Reason.OK)
            assert len(device.requests) == requests
    assert device.connections == 3
    assert [step.name for step in result.steps] == ["tcp", "rtsp", "describe"]
    options, describe_request = device.requests[1:]
    assert options.splitlines() == [
        f"OPTIONS rtsp://127.0.0.1:{device.port}/live RTSP/1.0", "User-Agent: camsla", "CSeq: 1",
    ]  # fmt: skip
    assert "CSeq: 2" in describe_request.splitlines()
    assert "Accept: application/sdp" in describe_request.splitlines()


def test_the_log_says_settings_and_both_directions(run: Run[Any]) -> None:
    with scripted(healthy) as device:
        result = probed(run, f"rtsp://127.0.0.1:{device.port}/live", timeout_s=7.5)
    row = result_json(result)
    assert list(row) == ["target", "state", "rung", "reason", "rungs"]
    assert [list(step) for step in row["rungs"]] == [["name", "ok", "reason", "ms", "log"]] * 3
    assert row["rungs"][0]["log"] == [f"# rtsp://127.0.0.1:{device.port}/live timeout_s=7.5"]
    assert row["rungs"][2]["log"][0] == f"> DESCRIBE rtsp://127.0.0.1:{device.port}/live RTSP/1.0"
    assert row["rungs"][2]["log"][-2:] == ["< v=0", "< m=video 0 RTP/AVP 96"]
    assert json.loads(json.dumps(row)) == row


def test_took_covers_the_steps(run: Run[Any]) -> None:
    with scripted(healthy) as device:
        result = probed(run, f"127.0.0.1:{device.port}")
    assert 0 < sum(step.took_us for step in result.steps) <= result.took_us + len(result.steps)


def test_sha_256_with_qop(run: Run[Any]) -> None:
    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    def device(peer: Peer) -> None:
        peer.read()
        peer.reply("401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="early", qop="auth"')
        request = peer.read()
        assert "Authorization" not in request
        challenge = 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'
        peer.reply(
            "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="weak"', f"WWW-Authenticate: {challenge}"
        )
        request = peer.read()
        given = dict(re.findall(r'(\w+)="?([^",\r]+)"?', request.partition("Authorization: Digest ")[2]))
        first, second = sha("camera:r:canary-secret"), sha(f"DESCRIBE:{given['uri']}")
        expected = sha(f"{first}:n:{given['nc']}:{given['cnonce']}:auth:{second}")
        peer.reply("200 OK" if given["response"] == expected else "401 Unauthorized", body=SDP)
        peer.wait_for_close()

    with scripted(device) as server:
        result = probed(run, f"rtsp://127.0.0.1:{server.port}/live", credentials=LOGIN)
    assert (result.reason, result.auth) == (Reason.OK, "digest")


def test_a_locking_camera_sees_one_attempt(run: Run[Any]) -> None:
    def locking(peer: Peer) -> None:
        while peer.read():
            nonce = len(peer.server.requests)
            peer.reply("401 Unauthorized", f'WWW-Authenticate: Digest realm="r", nonce="n{nonce}"')

    with scripted(locking) as device:
        result = probed(run, f"127.0.0.1:{device.port}", credentials=LOGIN)
    assert (result.state, result.reason) == (State.UNKNOWN, Reason.AUTH_REJECTED)
    assert sum("Authorization" in request for request in device.requests) == 1


@pytest.mark.parametrize("scheme", ["Basic realm=r", 'Digest realm="r", nonce="n"'])
def test_a_device_that_sends_our_secret_back_does_not_get_it_into_the_log(run: Run[Any], scheme: str) -> None:
    def echo(peer: Peer) -> None:
        peer.read()
        peer.reply("200 OK")
        peer.read()
        peer.reply("401 Unauthorized", f"WWW-Authenticate: {scheme}")
        secret = peer.read().partition("Authorization: ")[2]
        peer.reply("200 OK", f"X-Echo: {secret} canary-secret", body=SDP + secret.encode())
        peer.wait_for_close()

    with scripted(echo) as device:
        result = probed(run, f"127.0.0.1:{device.port}", credentials=LOGIN)
        sent = device.requests[-1].partition("Authorization: ")[2]
    assert result.reason is Reason.OK
    token = re.search(r'response="(\w+)"', sent)
    shown = repr(result) + json.dumps(result_json(result))
    assert "canary" not in shown
    assert (token[1] if token else sent.split()[1]) not in shown
    assert "> Authorization: " + scheme.partition(" ")[0] + " ***" in result.steps[-1].log


def test_hostile_text_cannot_write_to_a_terminal(run: Run[Any]) -> None:
    def device(peer: Peer) -> None:
        peer.read()
        peer.send(b"RTSP/1.0 200 \x1b[2J\r\nX: \x07\xff" + b"y" * 5000 + b"\r\n" + b"Z: 1\r\n" * 60 + b"\r\n")
        peer.wait_for_close()

    with scripted(device) as server:
        result = probed(run, f"127.0.0.1:{server.port}", Rung.RTSP)
    log = result.steps[-1].log
    assert result.reason is Reason.OK
    assert all(line.isprintable() and len(line) <= 242 for line in log)
    assert len(log) <= 60


@pytest.mark.parametrize("secret", ["user=admin_password=canary_channel=1", "?pwd=canary&channel=1"])
def test_a_password_in_the_path_is_sent_and_not_shown(run: Run[Any], secret: str) -> None:
    with scripted(healthy) as device:
        result = probed(run, f"rtsp://127.0.0.1:{device.port}/{secret}")
    assert "canary" in device.requests[0]
    assert "canary" not in json.dumps(result_json(result))


def test_503_passes_when_the_pipeline_is_back(run: Run[Any]) -> None:
    def device(peer: Peer) -> None:
        peer.read()
        peer.reply("200 OK")
        peer.read()
        peer.reply("503 Service Unavailable")
        peer.read()
        peer.reply("200 OK", body=SDP)
        peer.wait_for_close()

    with scripted(device) as server:
        assert probed(run, f"127.0.0.1:{server.port}").reason is Reason.OK


def busy(peer: Peer) -> None:
    while request := peer.read():
        peer.reply("503 Service Unavailable" if request.startswith("DESCRIBE") else "200 OK")


def test_503_twice_is_no_media(run: Run[Any]) -> None:
    with scripted(busy) as device:
        result = probed(run, f"127.0.0.1:{device.port}")
    assert (result.state, result.rung, result.reason) == (State.OFFLINE, Rung.DESCRIBE, Reason.NO_MEDIA)
    assert len(device.requests) == 3


def test_a_deadline_while_waiting_to_ask_again_is_no_media(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "BUSY_S", 60.0)
    with scripted(busy) as device:
        result = probed(run, f"127.0.0.1:{device.port}", timeout_s=0.5)
    assert result.reason is Reason.NO_MEDIA


def stall(peer: Peer) -> None:
    peer.read()
    peer.wait_for_close()


def test_our_own_lateness_is_not_the_devices_fault(run: Run[Any]) -> None:
    async def late() -> ProbeResult:
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(probe(Target.parse(f"127.0.0.1:{device.port}"), Rung.RTSP, timeout_s=0.1))
        loop.call_later(0.05, time.sleep, 0.9)  # the loop itself stands still over the deadline
        return await work

    with scripted(stall) as device:
        result: ProbeResult = run(late())
    assert (result.state, result.reason) == (State.UNKNOWN, Reason.WATCHER)
    assert "not the device" in result.steps[-1].log[-1]


def test_lateness_while_connecting_is_not_the_devices_fault(run: Run[Any]) -> None:
    async def late() -> ProbeResult:
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(probe(Target.parse(f"127.0.0.1:{port}"), Rung.TCP, timeout_s=0.1))
        loop.call_later(0.05, time.sleep, 0.9)
        return await work

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # fill the queue, so that the next SYN goes unanswered
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        result: ProbeResult = run(late())
        for client in waiting:
            client.close()
    assert (result.state, result.rung, result.reason) == (State.UNKNOWN, Rung.TCP, Reason.WATCHER)


def test_a_reply_that_lay_waiting_while_we_slept_counts(run: Run[Any]) -> None:
    asleep, answered = threading.Event(), threading.Event()

    def slow(peer: Peer) -> None:
        peer.read()
        assert asleep.wait(30)
        peer.reply("200 OK")
        answered.set()
        peer.wait_for_close()

    def sleep_over_the_deadline() -> None:
        asleep.set()
        assert answered.wait(30)
        time.sleep(0.6)

    async def late() -> ProbeResult:
        loop = asyncio.get_running_loop()
        device.heard = lambda: loop.call_soon_threadsafe(sleep_over_the_deadline)
        return await probe(Target.parse(f"127.0.0.1:{device.port}"), Rung.RTSP, timeout_s=0.4)

    with scripted(slow) as device:
        result: ProbeResult = run(late())
    assert result.reason is Reason.OK
    assert result.took_us > 400_000  # it really came after the deadline


@pytest.mark.parametrize("rung", [Rung.TCP, Rung.DESCRIBE])
def test_cancellation_is_passed_on_and_closes_the_connection(run: Run[Any], rung: Rung) -> None:
    async def cancelled() -> bool:
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        device.heard = lambda: loop.call_soon_threadsafe(heard.set)
        work = asyncio.ensure_future(probe(Target.parse(f"127.0.0.1:{device.port}"), rung, timeout_s=60))
        await (heard.wait() if rung is Rung.DESCRIBE else asyncio.sleep(0))
        work.cancel()
        await asyncio.wait([work])
        return work.cancelled()

    with scripted(stall) as device:  # its end waits for the connection to be closed
        assert run(cancelled())


def test_cancellation_at_the_deadline_is_not_swallowed(run: Run[Any]) -> None:
    async def main() -> tuple[bool, int]:
        async def work() -> None:
            await probe(Target.parse(f"127.0.0.1:{port}"), Rung.TCP, timeout_s=0.1)

        task = asyncio.ensure_future(work())
        loop = asyncio.get_running_loop()
        loop.call_later(0.1, task.cancel)
        await asyncio.wait([task])
        return task.cancelled(), task.cancelling()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        cancelled, requests = run(main())
        for client in waiting:
            client.close()
    assert cancelled == (requests == 1)  # whichever came first, a request to cancel that arrived was obeyed


def test_the_deadlines_own_cancellation_leaves_no_trace_on_the_task(
    run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> int:
        result = await probe(Target.parse("host-that-hangs"), Rung.TCP, timeout_s=0.05)
        assert result.reason is Reason.TIMEOUT
        task = asyncio.current_task()
        assert task is not None
        await asyncio.sleep(0)  # a cancellation left behind would strike here
        return task.cancelling()

    async def hang(host: str, port: int) -> list[str]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    monkeypatch.setattr("monitor.probes.connection._look_up", hang)
    assert run(main()) == 0


def names(*answers: str) -> Any:
    """A resolver that gives another answer each time it is asked, as in DNS rebinding."""
    asked: list[str] = []

    async def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return [answers[len(asked) - 1]]

    look_up.asked = asked  # type: ignore[attr-defined]
    return look_up


def test_a_name_is_resolved_once_and_that_address_is_used(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = names("127.0.0.1", "127.0.0.2")
    monkeypatch.setattr("monitor.probes.connection._look_up", resolver)
    with scripted(healthy) as device:
        allowed = [Allowed.parse(f"127.0.0.1/32:{device.port}")]
        result = probed(run, f"rtsp://camera.lan:{device.port}/", allowed=allowed)
    assert result.reason is Reason.OK
    assert resolver.asked == ["camera.lan"]
    assert "# camera.lan = 127.0.0.1" in result.steps[0].log


@pytest.mark.parametrize("answer", ["127.0.0.1", "::ffff:127.0.0.1", "::1", "0.0.0.0", "fe80::1%lo"])
def test_a_name_that_leads_outside_the_allow_list_gets_no_connection(
    run: Run[Any], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("monitor.probes.connection._look_up", names(answer))
    with scripted(healthy) as device:
        result = probed(run, f"camera.lan:{device.port}", allowed=[Allowed.parse("10.0.0.0/8")])
        assert device.connections == 0
    assert (result.state, result.rung, result.reason) == (State.UNKNOWN, Rung.TCP, Reason.WATCHER)


def test_a_literal_outside_the_allow_list_gets_no_connection(run: Run[Any]) -> None:
    with scripted(healthy) as device:
        result = probed(run, f"127.0.0.1:{device.port}", allowed=[Allowed.parse("127.0.0.1:1")])
        assert device.connections == 0
    assert result.reason is Reason.WATCHER


def test_a_failed_look_up_says_nothing_about_the_device(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr("monitor.probes.connection._look_up", fail)
    result = probed(run, "camera.lan")
    assert (result.state, result.reason) == (State.UNKNOWN, Reason.WATCHER)


def test_a_fault_of_our_own_is_neither_the_devices_nor_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Reason:
        raise RuntimeError("planted")

    monkeypatch.setattr("monitor.probes.rtsp.Options.answer", broken)
    complaints: list[dict[str, Any]] = []

    async def once() -> ProbeResult:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        return await probe(Target.parse(f"127.0.0.1:{device.port}"), Rung.RTSP, timeout_s=30)

    with scripted(healthy) as device:
        result = asyncio.run(once())
    assert (result.state, result.rung, result.reason) == (State.UNKNOWN, Rung.RTSP, Reason.WATCHER)
    assert [str(complaint["exception"]) for complaint in complaints] == ["planted"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Reason.REFUSED),
        (OSError(errno.EHOSTUNREACH, "x"), Reason.UNREACHABLE),
        (OSError(errno.ENETUNREACH, "x"), Reason.UNREACHABLE),
        (TimeoutError(errno.ETIMEDOUT, "x"), Reason.TIMEOUT),
        (ConnectionResetError(errno.ECONNRESET, "x"), Reason.BAD_REPLY),
        (BrokenPipeError(errno.EPIPE, "x"), Reason.BAD_REPLY),
        (ssl.SSLError("x"), Reason.TLS),
        (socket.gaierror(socket.EAI_NONAME, "x"), Reason.WATCHER),
        (OSError(errno.EMFILE, "x"), Reason.WATCHER),
        (OSError(errno.ENFILE, "x"), Reason.WATCHER),
        (OSError(errno.EADDRNOTAVAIL, "x"), Reason.WATCHER),
        (OSError(errno.ENETDOWN, "x"), Reason.WATCHER),
        (PermissionError(errno.EPERM, "x"), Reason.WATCHER),
        (OSError("no number"), Reason.WATCHER),
    ],
)
def test_errors_of_the_operating_system(error: OSError, reason: Reason) -> None:
    assert reason_of(error) is reason


def test_no_sockets_left_is_our_own_trouble(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_sockets(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("monitor.probes.connection._connect", no_sockets)
    result = probed(run, "127.0.0.1:1")
    assert (result.state, result.reason) == (State.UNKNOWN, Reason.WATCHER)


def test_the_registry_names_every_rung_we_probe() -> None:
    assert set(PROBES) == {Rung.TCP, Rung.RTSP, Rung.DESCRIBE, Rung.MEDIA, Rung.FRAME}
    with pytest.raises(KeyError):
        probe(Target.parse("127.0.0.1"), Rung.PLATFORM, timeout_s=1)
