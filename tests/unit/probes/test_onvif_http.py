"""HTTP replies as devices write them, in any pieces, and the limits that nobody gets past."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from monitor.model import Reason
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_wire import MAX_BODY, MAX_CHUNKS, MAX_HEAD, MAX_INTERIM, Response, ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"


def read(raw: bytes, piece: int = 0, *, close: bool = True) -> Response | None:
    """Feed bytes in pieces of a size (0: all at once), then the end of the connection."""
    parser = ResponseParser()
    for start in range(0, len(raw), piece or len(raw) or 1):
        response = parser.feed(raw[start : start + (piece or len(raw))])
        if response is not None:
            return response
    return parser.end() if close else None


WHOLE = [
    (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    (b"HTTP/1.0 200\nContent-Length:5\n\nhello", b"hello"),
    (OK + b"content-LENGTH: 5\r\nContent-Length: 5\r\n\r\nhello and more", b"hello"),
    (OK + b"Connection: close\r\n\r\nhello", b"hello"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", b"hello"),
    (OK + b"Transfer-Encoding: Chunked\nContent-Length: 99\n\n3\nhel\n 2 \nlo\n0\nA: b\n\n", b"hello"),
    (OK + b"X: y\r\n folded\r\nno colon here\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    (OK + b"Content-Length: 0\r\n\r\n", b""),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello", mtime=0), b"hello"),
    (
        OK
        + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(zlib.compress(b"hello"))
        + zlib.compress(b"hello"),
        b"hello",
    ),
    (OK + b"Content-Encoding: identity\r\n\r\nhello", b"hello"),
]


@pytest.mark.parametrize("piece", [0, 1, 2, 7])
@pytest.mark.parametrize(("raw", "body"), WHOLE)
def test_a_reply_is_the_same_in_any_pieces(raw: bytes, body: bytes, piece: int) -> None:
    response = read(raw, piece)
    assert response is not None
    assert response.body == body
    assert response.status in {200, 204}


def test_header_values_are_kept_in_order_with_names_in_lower_case() -> None:
    response = read(
        b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest a\r\nwww-authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    )
    assert response is not None
    assert response.all("www-authenticate") == ["Digest a", "Basic"]


def test_nothing_is_returned_before_the_reply_is_whole() -> None:
    raw = OK + b"Content-Length: 5\r\n\r\nhello"
    for end in range(len(raw)):
        assert read(raw[:end], close=False) is None
    assert read(OK + b"\r\nhello", close=False) is None


CUT_OFF = [raw[:-1] for raw, _ in WHOLE if b"ontent-" in raw and b"ncoding" not in raw and not raw.endswith(b"more")]


@pytest.mark.parametrize("raw", [b"", b"HTT", OK, *CUT_OFF, OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"])
def test_a_connection_that_ends_too_early_is_a_bad_reply(raw: bytes) -> None:
    with pytest.raises(OnvifError, match="closed the connection") as caught:
        read(raw)
    assert caught.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"RTSP/1.0 200 OK\r\n\r\n", "not HTTP"),
        (b"SSH-2.0-dropbear\r\n", "not HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 9 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "interim"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_INTERIM + 1), "interim"),
        (OK + b"X: y\r\n" * 70 + b"\r\n", "more than 64 headers"),
        (OK + b"X: " + b"y" * MAX_HEAD + b"\r\n\r\n", "headers longer"),
        (OK + b"X: " + b"y" * MAX_HEAD, "headers longer"),
        (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "not one number"),
        (OK + b"Content-Length: -5\r\n\r\nhello", "not one number"),
        (OK + b"Content-Length: 1048577\r\n\r\n", "more than 1048576"),
        (OK + b"\r\n" + b"x" * (MAX_BODY + 1), "more than 1048576"),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", "chunk size"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n100001\r\n", "more than 1048576"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello", "longer than it says"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (MAX_CHUNKS + 1), "chunks"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * (MAX_CHUNKS + 1), "chunks"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 2_000, "endless line"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1;" + b"x" * 900 + b"\r\nx\r\n") * 4_000, "bytes"),
        (OK + b"Content-Encoding: br\r\n\r\nx", "content coding"),
        (OK + b"Content-Encoding: gzip\r\n\r\nnot gzip", "does not decompress"),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello", mtime=0)[:-9], "ends too early"),
        (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 30_000_000), "inflates"),
    ],
)
def test_what_is_no_usable_reply_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(OnvifError, match=why) as caught:
        read(raw)
    assert caught.value.reason is Reason.BAD_REPLY


def test_a_bomb_is_not_inflated_beyond_the_limit() -> None:
    packed = gzip.compress(b"\0" * 60_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(OnvifError, match="inflates"):
            read(OK + b"Content-Encoding: gzip\r\n\r\n" + packed)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


def test_tls_is_told_apart() -> None:
    with pytest.raises(OnvifError) as caught:
        read(b"\x15\x03\x01\x00\x02\x02\x46")
    assert caught.value.reason is Reason.TLS


def test_no_more_is_held_than_the_limits_allow() -> None:
    parser = ResponseParser()
    parser.feed(OK + b"\r\n")
    with pytest.raises(OnvifError):
        for _ in range(100):
            parser.feed(b"x" * 65_536)
