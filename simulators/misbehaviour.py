"""The bytes of cameras that answer wrongly. No I/O.

Every variant is wrong beyond tolerance: a client that still calls the camera online has a bug.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from simulators import rtsp

FLOOD_BYTES = 1 << 30
_CHUNK_BYTES = 64 * 1024


def malformed(request: rtsp.Request, good: bytes, number: int) -> bytes:
    """Return a reply that is none; the request's number within its address chooses the variant."""
    cseq = request.headers.get("cseq", "1")
    head = f"CSeq: {cseq}\r\n"
    page = b"<html><body>404</body></html>"
    variants = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 29\r\n\r\n" + page,
        f"RTSP/1.0 OK 200\r\n{head}\r\n".encode(),
        random.Random(f"noise/{cseq}/{number}").randbytes(512),
        f"RTSP/1.0 200 OK\r\n{head}Content-Length: -1\r\n\r\n".encode(),
        good[: len(good) // 2].rstrip(b"\r\n"),
    ]
    if request.method == "DESCRIBE":
        html = f"RTSP/1.0 200 OK\r\n{head}Content-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n"
        variants.append(html.encode() + page)
    return variants[number % len(variants)]


def malformed_http(good: bytes, number: int) -> bytes:
    """Return an HTTP reply that is none, or whose body is no SOAP; the number chooses the variant."""
    page = b"<html><body>busy"
    envelope = b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    ok = "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"
    variants = [
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
        f"{ok}Content-Length: {len(page)}\r\n\r\n".encode() + page,
        random.Random(f"noise/{number}").randbytes(512),
        f"{ok}Content-Length: -1\r\n\r\n".encode(),
        f"{ok}Content-Length: 0\r\n\r\n".encode(),
        f"{ok}Content-Length: {len(envelope)}\r\n\r\n".encode() + envelope,
        good[: len(good) // 2].rstrip(b"\r\n"),
    ]
    return variants[number % len(variants)]


def flood_head_http(number: int) -> bytes:
    """Return how an endless HTTP reply begins, as `flood_head` does for RTSP."""
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"
    if number % 2:
        return head.encode()
    return f"{head}Content-Length: {FLOOD_BYTES}\r\n\r\n<s:Envelope>".encode()


def flood_head(request: rtsp.Request, number: int) -> bytes:
    """Return how an endless reply begins: even numbers announce a body of 1 GiB, odd ones never end their headers."""
    head = f"RTSP/1.0 200 OK\r\nCSeq: {request.headers.get('cseq', '1')}\r\n"
    if number % 2:
        return head.encode()
    return f"{head}Content-Type: application/sdp\r\nContent-Length: {FLOOD_BYTES}\r\n\r\nv=0\r\n".encode()


def flood(number: int) -> Callable[[], bytes]:
    """Return a function that gives an endless reply's chunks one by one, and nothing once 1 GiB has been given."""
    line = b"X-Padding: " + b"x" * 51 + b"\r\n" if number % 2 else b"a=padding:" + b"x" * 52 + b"\r\n"
    chunk = line * (_CHUNK_BYTES // len(line))
    left = FLOOD_BYTES

    def pour() -> bytes:
        nonlocal left
        given = chunk[: min(left, len(chunk))]
        left -= len(given)
        return given

    return pour
