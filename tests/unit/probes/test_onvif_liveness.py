"""Rung onvif against a scripted device, on both event loops: every quirk seen in the field, every way to fail."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from monitor.model import Instant, Reason, Rung, State
from monitor.probes import sockets
from monitor.probes.address import Allowed
from monitor.probes.onvif import http_client
from monitor.probes.onvif.device import Device
from monitor.probes.onvif.liveness import Liveness, probe
from tests.servers.loops import Run
from tests.servers.onvif_scripted import OnvifDevice, fault, http, onvif_device, soap, time_answer


def now() -> Instant:
    return Instant(time.time_ns() // 1000)


def probed(run: Run[Any], device: OnvifDevice | str, timeout_s: float = 30, **options: Any) -> Liveness:
    address = device if isinstance(device, str) else device.url
    return run(probe(Device.parse(address), at=now(), timeout_s=timeout_s, **options))  # type: ignore[no-any-return]


def answered(run: Run[Any], answer: bytes | str) -> Liveness:
    with onvif_device(answers={"GetSystemDateAndTime": answer}) as device:
        return probed(run, device)


def test_a_device_that_tells_its_time_is_online(run: Run[Any]) -> None:
    with onvif_device() as device:
        live = probed(run, device)
    assert (live.result.state, live.result.rung, live.result.reason) == (State.ONLINE, Rung.ONVIF, Reason.OK)
    assert live.result.target == device.url
    assert live.zone == "CST-8"
    # It tells whole seconds; a busy machine may add some.
    assert live.clock_offset_s is not None
    assert -30 < live.clock_offset_s < 30


def test_one_connection_one_question_without_a_login(run: Run[Any]) -> None:
    with onvif_device() as device:
        probed(run, device.url.replace("http://", "http://admin:geheim@"))
    assert device.connections == 1
    (asked,) = device.asked
    assert (asked.method, asked.path, asked.operation) == ("POST", "/onvif/device_service", "GetSystemDateAndTime")
    assert asked.headers["connection"] == "close"
    assert asked.headers["host"] == f"127.0.0.1:{device.port}"
    assert not asked.has_login
    assert "geheim" not in asked.body + str(asked.headers)


def test_a_clock_years_off_is_a_value(run: Run[Any]) -> None:
    live = answered(run, time_answer(datetime(1970, 1, 1, 0, 10, 0, tzinfo=UTC), "MoroccoStandardTime0"))
    assert live.result.reason is Reason.OK
    assert live.zone == "MoroccoStandardTime0"
    assert live.clock_offset_s is not None
    assert abs(live.clock_offset_s + time.time() - 600) < 60


def test_the_offset_is_against_the_callers_clock() -> None:
    told, at = 1_700_000_000, Instant(1_699_999_000_000_000)

    async def once() -> float | None:
        answer = time_answer(datetime.fromtimestamp(told, UTC))
        with onvif_device(answers={"GetSystemDateAndTime": answer}) as device:
            return (await probe(Device.parse(device.url), at=at, timeout_s=30)).clock_offset_s

    # `at` is the caller's clock, not the machine's: 1,000 s less half of what it took.
    offset = asyncio.run(once())
    assert offset is not None
    assert 970 < offset <= 1_000


def test_half_of_the_round_trip_is_accounted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor.probes.onvif.http_client import Answer
    from monitor.probes.onvif.http_wire import Response

    async def ask(*_: object) -> Answer:
        return Answer(Response(200, (), time_answer(datetime.fromtimestamp(2_000, UTC)).encode()), began + 3, began + 5)

    began = 100.0
    monkeypatch.setattr("monitor.probes.onvif.liveness.ask", ask)
    monkeypatch.setattr("monitor.probes.onvif.liveness.monotonic", lambda: began)
    live = asyncio.run(probe(Device.parse("127.0.0.1"), at=Instant(1_000_000_000), timeout_s=9))
    assert live.clock_offset_s == 996.0  # 2,000 s against 1,000 s + (3 + 5) / 2


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "401 Unauthorized", "500 Internal Server Error"])
def test_a_device_that_refuses_to_tell_the_time_lives(run: Run[Any], status: str) -> None:
    live = answered(run, http(fault(), status))
    assert (live.result.state, live.result.reason) == (State.ONLINE, Reason.OK)
    assert live.clock_offset_s is None
    assert live.fault == "Sender/NotAuthorized Sender not Authorized"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(""), Reason.BAD_REPLY),
        (http(soap("")), Reason.BAD_REPLY),
        (http("TypeError: x is undefined\n  at f (app.js:1)", "500 Internal Server Error"), Reason.BAD_REPLY),
        (http("<html>login</html>", "200 OK", "text/html"), Reason.BAD_REPLY),
        (http("", "302 Found", "text/html", "Location: http://192.0.2.1/"), Reason.BAD_REPLY),
        (http(soap("<a/>"), "301 Moved", "text/xml", "Location: http://192.0.2.1/"), Reason.BAD_REPLY),
        (http("", "404 Not Found", "text/html"), Reason.NOT_FOUND),
        (http("", "410 Gone", "text/html"), Reason.NOT_FOUND),
        (
            http("", "401 Unauthorized", "text/html", 'WWW-Authenticate: Digest realm="x", nonce="y"'),
            Reason.AUTH_UNKNOWN,
        ),
        (http("", "403 Forbidden", "text/html"), Reason.AUTH_UNKNOWN),
        (http("", "503 Busy", "text/html"), Reason.BAD_REPLY),
        (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", Reason.BAD_REPLY),
        (b"\x15\x03\x01\x00\x02\x02\x46", Reason.TLS),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n<?xml", Reason.BAD_REPLY),
        (http(b"\x00" * 5_000_000), Reason.BAD_REPLY),
    ],
)
def test_what_is_no_device_service(run: Run[Any], answer: bytes, reason: Reason) -> None:
    live = answered(run, answer)
    assert live.result.reason is reason
    assert live.clock_offset_s is None


def test_a_device_that_hangs_times_out_and_is_let_go(run: Run[Any]) -> None:
    with onvif_device(answers={"GetSystemDateAndTime": b""}) as device:
        live = probed(run, device, timeout_s=0.2)
    assert (live.result.state, live.result.reason) == (State.OFFLINE, Reason.TIMEOUT)


def test_a_refused_connection(run: Run[Any]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert probed(run, f"127.0.0.1:{port}").result.reason is Reason.REFUSED


def test_the_loops_own_transports_do_the_same(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "AVAILABLE", False)
    with onvif_device() as device:
        assert probed(run, device).result.reason is Reason.OK
    with onvif_device(answers={"GetSystemDateAndTime": b""}) as device:
        assert probed(run, device, timeout_s=0.2).result.reason is Reason.TIMEOUT
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert probed(run, f"127.0.0.1:{port}").result.reason is Reason.REFUSED


def test_a_deadline_while_connecting_is_a_timeout(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr("monitor.probes.onvif.http_client._Call.open", never)
    assert probed(run, "127.0.0.1:1", timeout_s=0.1).result.reason is Reason.TIMEOUT


def test_cancelling_is_passed_on_and_closes(run: Run[Any]) -> None:
    async def cancelled(url: str) -> bool:
        task = asyncio.ensure_future(probe(Device.parse(url), at=now(), timeout_s=30))
        await asyncio.to_thread(device.heard.wait, 30)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False

    with onvif_device(answers={"GetSystemDateAndTime": b""}) as device:
        assert run(cancelled(device.url))


def test_an_address_outside_the_allow_list_gets_no_connection(run: Run[Any]) -> None:
    with onvif_device() as device:
        url = f"http://localhost:{device.port}"
        live = probed(run, url, allowed=[Allowed.parse("127.0.0.1:1")])
        assert (live.result.state, live.result.reason) == (State.UNKNOWN, Reason.WATCHER)
        assert device.connections == 0


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1", "224.0.0.1", "fe80::1%eth0"])
def test_a_name_is_looked_up_once_and_its_address_judged(
    run: Run[Any], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    asked: list[str] = []

    async def look_up(host: str, port: int) -> str:
        asked.append(host)
        return address

    monkeypatch.setattr(http_client, "_look_up", look_up)
    assert probed(run, "http://camera.lan/").result.reason is Reason.WATCHER
    assert asked == ["camera.lan"]


def test_a_failed_look_up_says_nothing_about_the_device(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(host: str, port: int) -> str:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")

    monkeypatch.setattr(http_client, "_look_up", fail)
    assert probed(run, "http://camera.lan/").result.reason is Reason.WATCHER


def test_no_sockets_left_is_our_own_trouble(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_left(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("monitor.probes.onvif.http_client._Call.open", none_left)
    assert probed(run, "127.0.0.1:1").result.reason is Reason.WATCHER


def test_a_fault_of_our_own_is_neither_the_devices_nor_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("monitor.probes.onvif.http_wire.ResponseParser._read_head", broken)
    complaints: list[dict[str, Any]] = []

    async def once(url: str) -> Liveness:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        return await probe(Device.parse(url), at=now(), timeout_s=30)

    with onvif_device() as device:
        live = asyncio.run(once(device.url))
    assert live.result.reason is Reason.WATCHER
    assert [str(complaint["exception"]) for complaint in complaints] == ["planted"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file, as cameras have them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_certificate_is_verified_unless_the_caller_brings_another_context(run: Run[Any], certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    knowing = ssl.create_default_context(cafile=str(certificate))
    with onvif_device(tls=server) as device:
        address = f"https://127.0.0.1:{device.port}"
        assert probed(run, address).result.reason is Reason.TLS
        assert device.asked == []
        assert probed(run, address, tls=knowing).result.reason is Reason.OK


def test_the_systems_certificates_are_asked_by_default() -> None:
    context = asyncio.run(http_client.host_of(Device.parse("https://10.0.0.1"), time.monotonic() + 9, None)).tls
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_what_was_received_is_in_the_log_printable_and_bounded(run: Run[Any]) -> None:
    live = answered(run, http("\x1b[2J" + "x" * 100_000, "500 Oops", "text/plain"))
    log = live.result.steps[0].log
    assert any("HTTP 500" in line for line in log)
    assert all(line.isprintable() and len(line) <= 242 for line in log)
