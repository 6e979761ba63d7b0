"""HTTP/1.1 messages as the fake cameras read and write them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulators.reading import MAX_REQUEST_BYTES, NotUnderstood

REASONS: Mapping[int, str] = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case, of repeated headers the last counts."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def keeps_open(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


def take_request(buffer: bytearray) -> Request | None:
    """Remove the first complete request from the buffer and return it; None while it is incomplete.

    Bodies come with Content-Length or in chunks. Raises NotUnderstood.
    """
    head_end = buffer.find(b"\r\n\r\n")
    if head_end < 0:
        if len(buffer) > MAX_REQUEST_BYTES:
            raise NotUnderstood
        return None
    first, *lines = buffer[:head_end].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise NotUnderstood
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        found = _chunks(buffer, head_end + 4)
    else:
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) <= 5 and int(length) <= MAX_REQUEST_BYTES):
            raise NotUnderstood
        end = head_end + 4 + int(length)
        found = (bytes(buffer[head_end + 4 : end]), end) if len(buffer) >= end else None
    if found is None:
        return None
    body, end = found
    del buffer[:end]
    return Request(words[0], words[1], headers, body)


def _chunks(buffer: bytearray, at: int) -> tuple[bytes, int] | None:
    """Return a chunked body and where it ends, None while it is incomplete."""
    body = b""
    while True:
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            return None
        try:
            size = int(buffer[at:line_end].partition(b";")[0], 16)
        except ValueError as error:
            raise NotUnderstood from error
        if size < 0 or len(body) + size > MAX_REQUEST_BYTES:
            raise NotUnderstood
        end = line_end + 2 + size + 2
        if len(buffer) < end:
            return None
        body += buffer[line_end + 2 : end - 2]
        at = end
        if size == 0:
            return body, end


def reply(status: int, content_type: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """Return the reply's bytes."""
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", "Server: camsla-simulator/1", f"Content-Type: {content_type}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
