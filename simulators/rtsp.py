"""RTSP 1.0 messages (RFC 2326) as the fake cameras read and write them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from simulators.reading import MAX_REQUEST_BYTES, NotUnderstood

REASONS: Mapping[int, str] = {
    200: "OK",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    459: "Aggregate Operation Not Allowed",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case, of repeated headers the last counts."""

    method: str
    uri: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The URI's path and query without a trailing slash; `*` for the whole server."""
        parts = urlsplit(self.uri) if self.uri != "*" else None
        if parts is None:
            return "*"
        return parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")


def take_request(buffer: bytearray) -> Request | None:
    """Remove the first complete request from the buffer and return it; None while it is incomplete.

    Interleaved frames (`$`, channel, length, data) in between are dropped. Raises NotUnderstood.
    """
    while buffer[:1] == b"$":
        if len(buffer) < 4 or len(buffer) < 4 + int.from_bytes(buffer[2:4]):
            return None
        del buffer[: 4 + int.from_bytes(buffer[2:4])]
    while buffer[:2] == b"\r\n":
        del buffer[:2]
    head_end = buffer.find(b"\r\n\r\n")
    if head_end < 0:
        if len(buffer) > MAX_REQUEST_BYTES:
            raise NotUnderstood
        return None
    first, *lines = buffer[:head_end].decode("utf-8", "replace").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/"):
        raise NotUnderstood
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) <= 5 and int(length) <= MAX_REQUEST_BYTES):
        raise NotUnderstood
    end = head_end + 4 + int(length)
    if len(buffer) < end:
        return None
    del buffer[:end]
    try:
        urlsplit(words[1])
    except ValueError as error:
        raise NotUnderstood from error
    return Request(words[0], words[1], headers)


def reply(status: int, cseq: str | None, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """Return the reply's bytes; CSeq first where the request had one, Content-Length where there is a body."""
    lines = [f"RTSP/1.0 {status} {REASONS[status]}"]
    lines += [f"CSeq: {cseq}"] if cseq is not None else []
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body
