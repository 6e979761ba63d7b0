"""The reply parser against the bytes that real devices were seen to send, its limits, and a seeded fuzzer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Reason
from monitor.probes import rtsp_wire
from monitor.probes.rtsp_wire import Reply, ReplyParser, WireError
from tests.servers.mutation import COUNT, MAX_GROWTH, resident

SDP = b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nm=video 0 RTP/AVP 96\r\na=control:track1\r\n"
OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n"
DESCRIBED = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%b" % (
    len(SDP),
    SDP,
)
UNAUTHORIZED = b'RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm="x", nonce="y"\r\n\r\n'


def whole(data: bytes) -> list[Reply]:
    parser = ReplyParser()
    parser.feed(data)
    replies = []
    while (reply := parser.next()) is not None:
        replies.append(reply)
    return replies


def pieces(parts: list[bytes]) -> tuple[list[Reply], Reason | None]:
    """Feed parts one by one; return the replies and the reason of the error that ended it, if one did."""
    parser, replies = ReplyParser(), []
    try:
        for part in parts:
            parser.feed(part)
            while (reply := parser.next()) is not None:
                replies.append(reply)
    except WireError as wrong:
        return replies, wrong.reason
    return replies, None


def one(data: bytes) -> Reply:
    [reply] = whole(data)
    return reply


QUIRKS = {
    "reply without CSeq (VLC's errors)": (
        b"RTSP/1.0 404 Not found\r\nServer: VLC/3.0.24\r\nContent-Length: 0\r\n\r\n",
        (404, "Not found", b""),
    ),
    "Cseq in other case": (b"RTSP/1.0 200 OK\r\nCseq: 1\r\n\r\n", (200, "OK", b"")),
    "OPTIONS without Public": (b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", (200, "OK", b"")),
    "session without timeout": (b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: ABC\r\n\r\n", (200, "OK", b"")),
    "session with timeout": (b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: ABC;timeout=65\r\n\r\n", (200, "OK", b"")),
    "session as UUID": (
        b"RTSP/1.0 200 OK\r\nSession: 6f2a17c3-7e1d-4cd8-9d7c-0f3f4a1f8a55\r\n\r\n",
        (200, "OK", b""),
    ),
    "extra parameters in Transport": (
        b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=A1B2C3D4;mode=play;x=1\r\n\r\n",
        (200, "OK", b""),
    ),
    "reason phrase of one's own": (b"RTSP/1.0 401 Client error\r\n\r\n", (401, "Client error", b"")),
    "no reason phrase": (b"RTSP/1.0 200\r\nCSeq: 1\r\n\r\n", (200, "", b"")),
    "pipeline failed": (b"RTSP/1.0 503 Service Unavailable\r\nCSeq: 2\r\n\r\n", (503, "Service Unavailable", b"")),
    "TCP refused": (b"RTSP/1.0 461 Unsupported transport\r\n\r\n", (461, "Unsupported transport", b"")),
    "date that is none": (b"RTSP/1.0 200 OK\r\nDate: 2026-11-21 08:00:00 +8\r\n\r\n", (200, "OK", b"")),
    "GET_PARAMETER reply with a body": (
        b"RTSP/1.0 200 OK\r\nContent-Type: text/parameters\r\nContent-Length: 9\r\n\r\nfps: 25\r\n",
        (200, "OK", b"fps: 25\r\n"),
    ),
    "no Content-Base, relative control": (DESCRIBED, (200, "OK", SDP)),
    "Content-Base without trailing slash": (
        DESCRIBED.replace(b"CSeq: 2", b"Content-Base: rtsp://10.0.0.1/live"),
        (200, "OK", SDP),
    ),
    "bare line feeds": (DESCRIBED[: -len(SDP)].replace(b"\r\n", b"\n") + SDP, (200, "OK", SDP)),
    "blank lines before the reply": (b"\r\n\r\n" + OK, (200, "OK", b"")),
    "blank before the colon": (b"RTSP/1.0 200 OK\r\nContent-Length : 2\r\n\r\nhi", (200, "OK", b"hi")),
    "a header without colon": (b"RTSP/1.0 200 OK\r\nnonsense\r\nCSeq: 1\r\n\r\n", (200, "OK", b"")),
    "version in small letters": (b"rtsp/1.0 200 ok\r\n\r\n", (200, "ok", b"")),
    "interleaved frame before the reply": (b"$\x00\x00\x05hello" + OK, (200, "OK", b"")),
    "empty interleaved frame": (b"$\x01\x00\x00" + OK, (200, "OK", b"")),
    "the device asks something itself": (
        b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\nContent-Length: 3\r\n\r\nabc" + OK,
        (200, "OK", b""),
    ),
    "a provisional reply first": (b"RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n" + OK, (200, "OK", b"")),
    "header bytes in GBK": ("RTSP/1.0 200 OK\r\nServer: 海康\r\n\r\n".encode("gbk"), (200, "OK", b"")),
}


@pytest.mark.parametrize(("data", "expected"), QUIRKS.values(), ids=QUIRKS)
def test_what_real_devices_send(data: bytes, expected: tuple[int, str, bytes]) -> None:
    reply = one(data)
    assert (reply.status, reply.phrase, reply.body) == expected


def test_frames_between_two_replies_are_skipped() -> None:
    frame = b"$\x00\x04\x00" + b"RTSP/1.0 404 Not Found\r\n\r\n" + b"x" * (1024 - 26)
    assert [reply.status for reply in whole(OK + frame * 3 + UNAUTHORIZED)] == [200, 401]


def test_headers_keep_order_repeats_and_folds() -> None:
    reply = one(
        b"RTSP/1.0 401 No\r\nWWW-Authenticate: Basic\r\n realm=x\r\nX:1\r\nwww-authenticate:  Digest a=b \r\n\r\n"
    )
    assert reply.headers == [("www-authenticate", "Basic realm=x"), ("x", "1"), ("www-authenticate", "Digest a=b")]
    assert reply.all("www-authenticate") == ["Basic realm=x", "Digest a=b"]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"220 ready\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"RTSP/1.0 OK\r\n",
        b"RTSP/1.0 2000 OK\r\n",
        b"RTSP/1.0 20x OK\r\n",
        b"RTSP/1.0200 OK\r\n",
        b"\x00\x01\x02",
        b"<html>",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: many\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length:\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ],
)
def test_what_is_no_reply(data: bytes) -> None:
    with pytest.raises(WireError) as raised:
        whole(data)
    assert raised.value.reason is Reason.BAD_REPLY


def test_a_tls_record_is_told_apart() -> None:
    assert whole(b"\x15") == []
    assert pieces([b"\x15", b"\x03\x01"]) == ([], Reason.TLS)
    assert pieces([b"\x16\x03\x03\r\n\r\n"]) == ([], Reason.TLS)
    assert pieces([b"\x16", b"\x04"]) == ([], Reason.BAD_REPLY)


def message(lines: list[bytes], body: bytes = b"") -> bytes:
    return b"\r\n".join([b"RTSP/1.0 200 OK", *lines, b"", b""]) + body


def filled(size: int) -> list[bytes]:
    """Header lines which make a head of exactly `size` bytes with the status line, its CRLFs included."""
    rest = size - len(b"RTSP/1.0 200 OK\r\n")
    lines = [b"X: " + b"x" * 1000] * (rest // 1005)
    return [*lines[:-1], b"X: " + b"x" * (1000 + rest - 1005 * len(lines))]


LIMITS = {
    "line": (message([b"X: " + b"x" * (8192 - 4)]), message([b"X: " + b"x" * (8192 - 3)])),
    "headers": (message([b"X: 1"] * 64), message([b"X: 1"] * 65)),
    "head": (message(filled(32768)), message(filled(32769))),
    "body": (
        message([b"Content-Length: 131072"], b"b" * 131072),
        message([b"Content-Length: 131073"], b"b" * 131073),
    ),
    "frames": (b"$\0\0\0" * 1024 + OK, b"$\0\0\0" * 1025 + OK),
    "skipped bytes": (b"\r\n" * (128 * 1024) + OK, b"\r\n" * (128 * 1024) + b"\n" + OK),
    "ignored": (b"OPTIONS * RTSP/1.0\r\n\r\n" * 16 + OK, b"OPTIONS * RTSP/1.0\r\n\r\n" * 17 + OK),
}


@pytest.mark.parametrize(("within", "beyond"), LIMITS.values(), ids=LIMITS)
def test_each_limit_holds_to_the_byte(within: bytes, beyond: bytes) -> None:
    assert one(within).status == 200
    assert pieces([beyond]) == ([], Reason.BAD_REPLY)


@pytest.mark.parametrize(
    "endless",
    [b"RTSP/1.0 200 " + b"O" * 9000, b"RTSP/1.0 200 OK\r\n" + b"X: 1\r\n" * 6000, b"A" * 9000],
    ids=["status line", "headers", "word"],
)
def test_what_never_ends_is_refused_before_it_is_whole(endless: bytes) -> None:
    assert pieces([endless]) == ([], Reason.BAD_REPLY)
    assert pieces([endless[at : at + 100] for at in range(0, len(endless), 100)]) == ([], Reason.BAD_REPLY)


def test_memory_held_stays_bounded() -> None:
    parser = ReplyParser()
    parser.feed(b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % rtsp_wire.MAX_BODY)
    for _ in range(rtsp_wire.MAX_BODY // 1024 - 1):
        parser.feed(b"x" * 1024)
        assert parser.next() is None
    assert parser.waiting < rtsp_wire.MAX_BODY


FRAGMENTS = [
    OK, DESCRIBED, UNAUTHORIZED, b"$\x00\x00\x05hello", b"$\x00\xff\xff", b"\r\n", b"\n", b"\r", b"RTSP/1.0 ", b"200", b" OK",
    b"Content-Length: 5\r\n", b"Content-Length: 131073\r\n", b"X: " + b"y" * 5000, b" folded\r\n", b"\x16\x03", b"\x16",
    b"OPTIONS * RTSP/1.0\r\n\r\n", b"RTSP/1.0 100 Continue\r\n\r\n", b"CSeq: 1", b":", b"\x00", b"\xff" * 7, SDP,
]  # fmt: skip


def sets(data: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(data) | st.binary(max_size=12), max_size=8).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(sets(FRAGMENTS), st.integers(1, 700))
def test_cutting_the_bytes_changes_nothing(data: bytes, step: int) -> None:
    at_once = pieces([data])
    assert pieces([data[at : at + step] for at in range(0, len(data), step)]) == at_once
    assert pieces([data[at : at + 1] for at in range(len(data))]) == at_once


def mutated(rng: random.Random) -> bytes:
    data = bytearray(b"".join(rng.choice(FRAGMENTS) for _ in range(rng.randint(1, 6))))
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at:at] = rng.randbytes(rng.randint(1, 9))
            case 1:
                del data[at : at + rng.randint(1, 30)]
            case 2:
                data[at : at + 1] = rng.choice([b"\r\n", b"\n\n", b"$", b":", b" ", b"\x00", b'"', b"9"])
            case _:
                data += data[at : at + rng.randint(1, 60)]
    return bytes(data)


@pytest.mark.timeout(max(120, COUNT // 200))
def test_mutated_replies_raise_nothing_but_the_parsers_own_error() -> None:
    rng = random.Random(20260101)
    kinds = {True: 0, False: 0}
    before = resident()
    for _ in range(COUNT):
        data = mutated(rng)
        cut = rng.randrange(len(data) + 1)
        replies, reason = pieces([data[:cut], data[cut:]])
        kinds[reason is None] += 1
        for reply in replies:
            assert all(isinstance(value, str) for value in reply.all("www-authenticate"))
    assert min(kinds.values()) > COUNT // 10  # both outcomes were really exercised
    assert resident() - before < MAX_GROWTH
