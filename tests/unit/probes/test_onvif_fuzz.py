"""Hostile devices: mutated replies through every parser. Nothing but OnvifError comes out, and memory does not grow.

20,000 seeded cases here; CAMSLA_FUZZ=1000000 for the long run.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from monitor.model import Instant, Reason
from monitor.probes.onvif import calls, liveness
from monitor.probes.onvif.announcement import found_at, read_matches
from monitor.probes.onvif.device import Device, service_of
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_client import Answer, Host
from monitor.probes.onvif.http_wire import Response, ResponseParser
from monitor.probes.onvif.identity import Identity, identify
from monitor.probes.onvif.liveness import soap_answer
from monitor.probes.onvif.soap import device_time, fault_of
from monitor.probes.target import Credentials
from tests.servers.onvif_announcer import match
from tests.servers.onvif_scripted import (
    MEDIA,
    capabilities,
    fault,
    http,
    information,
    interfaces,
    profiles,
    services,
    soap,
    stream,
    time_answer,
)

CASES = int(os.environ.get("CAMSLA_FUZZ", "20000"))
TIME = time_answer(datetime(2026, 7, 1, 12, 0, 30, tzinfo=UTC))
BODIES = [TIME, fault(), information(), soap(""), services((MEDIA, "http://10.0.0.2:80:80/m"))]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
    b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (TIME.encode()[i : i + 97] for i in range(0, len(TIME), 97))
)
PACKED = gzip.compress(TIME.encode())
REPLIES = [
    *(http(body) for body in BODIES),
    CHUNKED + b"0\r\n\r\n",
    http(PACKED, "200 OK", "text/xml", "Content-Encoding: gzip"),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 400 Bad\n\n" + fault().encode(),
]
SPICE = [
    b"\r\n", b"\n", b"\0", b"\xff\xfe", b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!DOCTYPE a>", b"<!ENTITY b 'c'>", b"&#0;", b"&lt;",
    b"-1", b"99999999999999999999", b"0x10", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"xmlns:tt='urn:x'",
    b"<tt:UTCDateTime>", b"</SOAP-ENV:Body>", b"%00", b"http://", b"uuid:", b"\xe2\x80\xae", b"A" * 9_000, b"<a>" * 300,
]  # fmt: skip


def mutated(rng: random.Random, raw: bytes) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(data) + 1), rng.randint(1, 40)
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + size]
        elif kind == 2:
            data[at:at] = rng.choice(SPICE)
        elif kind == 3:
            data[at:at] = data[at : at + size] * rng.randint(1, 5)
        elif kind == 4:
            del data[at:]
        else:
            data[at : at + size] = rng.randbytes(size)
    return bytes(data)


def reply(raw: bytes, rng: random.Random) -> Response:
    parser, start = ResponseParser(), 0
    while start < len(raw):
        size = rng.choice((1, 7, 100, 5_000, 100_000))
        response = parser.feed(raw[start : start + size])
        if response is not None:
            return response
        start += size
    return parser.end()


def through_liveness(rng: random.Random) -> str:
    element = soap_answer(reply(mutated(rng, rng.choice(REPLIES)), rng))
    found = fault_of(element)
    if found is not None:
        return str(found)
    told = device_time(element)
    assert told.utc is None or isinstance(told.utc, int)
    return told.zone


def through_discovery(rng: random.Random) -> str:
    raw = mutated(rng, match("uuid:1", "http://10.0.0.1/x http://10.0.0.2:99/y", relates_to=""))
    texts = [repr(found_at("10.0.0.1", 3702, found)) for found in read_matches(raw, "")]
    return "".join(texts)


def through_addresses(rng: random.Random) -> str:
    text = mutated(rng, b"http://user:pw@10.0.0.1:80:80/onvif/media?x=[1]#y").decode("latin-1")
    service = service_of(Device.parse("http://10.0.0.1"), "10.0.0.1", text)
    if service is not None:
        assert 1 <= service.port <= 65_535
        assert service.path.startswith("/")
        assert service.path.isascii()
        assert not any(c in service.path for c in "\r\n \0")
    return ""


@pytest.mark.parametrize(
    ("through", "share"), [(through_liveness, 0.6), (through_discovery, 0.2), (through_addresses, 0.2)]
)
def test_nothing_else_than_our_own_error_comes_out(through: Callable[[random.Random], str], share: float) -> None:
    refused = used = 0
    for case in range(round(CASES * share)):
        rng = random.Random(case)
        try:
            text = through(rng)
        except OnvifError as error:
            refused += 1
            assert error.reason in Reason
            assert len(str(error)) < 400
        else:
            used += 1
            assert text.isprintable()
    assert used
    assert refused or through is through_addresses


def test_memory_does_not_grow_with_malformed_replies() -> None:
    def some(first: int) -> None:
        for case in range(first, first + 500):
            try:
                through_liveness(random.Random(case))
            except OnvifError:
                continue

    some(0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for first in range(500, 2_500, 500):
            some(first)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1_000_000


USUAL = {
    "GetDeviceInformation": information(),
    "GetNetworkInterfaces": interfaces("4c:bd:8f:00:00:01"),
    "GetServices": services((MEDIA, "http://127.0.0.1/media")),
    "GetCapabilities": capabilities("http://127.0.0.1/media"),
    "GetProfiles": profiles(),
    "GetStreamUri": stream("rtsp://127.0.0.1/live"),
}


def test_the_soap_library_never_lets_an_error_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(0)

    async def ask(host: Host, port: int, request: bytes) -> Answer:
        operation = next(
            (name for name in USUAL if b":%b " % name.encode() in request or b":%b>" % name.encode() in request), ""
        )
        raw = (USUAL[operation] if operation else TIME).encode()
        status = rng.choice((200, 200, 200, 400, 401, 500))
        body = mutated(rng, raw) if rng.random() < 0.4 else raw
        return Answer(Response(status if rng.random() < 0.2 else 200, (), body), 0.0, 0.0)

    monkeypatch.setattr(calls, "ask", ask)
    monkeypatch.setattr(liveness, "ask", ask)

    async def many() -> list[Identity]:
        device, login = Device.parse("127.0.0.1"), Credentials("a", "b")
        return [
            await identify(device, login, at=Instant(0), timeout_s=60) for _ in range(min(max(100, CASES // 50), 2_000))
        ]

    told = asyncio.run(many())
    assert {Reason.OK, Reason.BAD_REPLY} <= {one.reason for one in told}
    assert any(one.missing for one in told)
    assert all(one.reason is not Reason.WATCHER for one in told)
