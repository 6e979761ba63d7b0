"""HTTP/1.1 replies cut out of a connection's bytes, one per connection, within stated limits. No I/O here.

What small devices get wrong is tolerated where the meaning stays plain (bare line feeds, no reason phrase, HTTP/1.0,
interim replies); what could hide a second message or fill memory is refused.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

from monitor.model import Reason
from monitor.probes.onvif.failure import OnvifError

MAX_HEAD = 32 * 1024
MAX_HEADERS = 64
MAX_BODY = 1024 * 1024
"""Bytes of a body, after chunks are joined and after decompression."""
MAX_RAW = MAX_HEAD * 2 + MAX_BODY * 2
"""Bytes read from one connection, interim replies and the overhead of chunks included."""
MAX_CHUNKS = 16_384
MAX_CHUNK_LINE = 1_024
MAX_INTERIM = 4

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"HTTP/1\.[01][ \t]+([1-5][0-9]{2})(?:[ \t].*)?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?\r?")
_NO_BODY = frozenset({204, 304})


class Response(NamedTuple):
    """A whole reply. Header names are in lower case, values are latin-1 views of the bytes that came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return every value of a header, by its lower-case name."""
        return [value for key, value in self.headers if key == name]


class ResponseParser:
    """Takes what arrives and hands out the one final reply. Holds at most what the limits allow."""

    __slots__ = ("_body", "_buffer", "_chunks", "_head", "_interim", "_left", "_mode", "_raw", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body = bytearray()
        self._head: tuple[int, tuple[tuple[str, str], ...]] | None = None
        self._mode = "head"  # then "length", "close" or "chunk" (size line), "data", "trailer"
        self._left = 0
        self._chunks = 0
        self._interim = 0
        self._raw = 0
        self._scanned = 0

    @property
    def began(self) -> bool:
        """Say whether anything has arrived."""
        return self._raw > 0

    def feed(self, data: bytes) -> Response | None:
        """Take what arrived; return the reply once it is whole. Raises OnvifError and nothing else."""
        self._raw += len(data)
        if self._raw > MAX_RAW:
            raise _bad(f"more than {MAX_RAW} bytes")
        self._buffer += data
        while True:
            if self._mode == "head":
                if not self._read_head():
                    return None
            elif self._mode == "length":
                if len(self._buffer) < self._left:
                    return None
                return self._finish(bytes(self._buffer[: self._left]))
            elif self._mode == "close":
                if len(self._buffer) > MAX_BODY:
                    raise _bad(f"a body of more than {MAX_BODY} bytes")
                return None
            elif not self._read_chunk():
                return self._finish(bytes(self._body)) if self._mode == "done" else None

    def end(self) -> Response:
        """Take the end of the connection: the reply if that completes it, else OnvifError."""
        if self._mode == "close":
            return self._finish(bytes(self._buffer))
        if not self._raw:
            raise _bad("the device closed the connection without a reply")
        raise _bad("the device closed the connection in the middle of its reply")

    def _read_head(self) -> bool:
        buffer = self._buffer
        if b"HTTP/1."[: len(buffer)] != buffer[:7]:
            if re.match(rb"[\x14-\x17]\x03", buffer):
                raise OnvifError(Reason.TLS, "a TLS record, not HTTP")
            raise _bad(f"not HTTP: begins with {bytes(buffer[:16])!r}")
        end = _HEAD_END.search(buffer, max(0, self._scanned - 3))
        if (end.start() if end else len(buffer)) > MAX_HEAD:
            raise _bad(f"headers longer than {MAX_HEAD} bytes")
        if end is None:
            self._scanned = len(buffer)
            return False
        head = buffer[: end.start()].decode("latin-1")
        del buffer[: end.end()]
        self._scanned = 0
        status, headers = _head(head)
        if status < 200:
            self._interim += 1
            if status == 101 or self._interim > MAX_INTERIM:
                raise _bad("interim replies instead of an answer")
            return True
        self._head = (status, headers)
        self._mode, self._left = _framing(status, headers)
        return True

    def _read_chunk(self) -> bool:
        """Move on by one piece of a chunked body; False if more bytes are needed or the body is whole."""
        buffer = self._buffer
        if self._mode == "data":
            stop = self._left + (bytes(buffer[self._left : self._left + 1]) == b"\r")
            if len(buffer) <= stop:
                return False
            if buffer[stop] != 0x0A:
                raise _bad("a chunk longer than it says")
            self._body += buffer[: self._left]
            del buffer[: stop + 1]
            self._mode = "chunk"
            return True
        end = buffer.find(b"\n")
        if (len(buffer) if end < 0 else end) > MAX_CHUNK_LINE:
            raise _bad("an endless line between chunks")
        if end < 0:
            return False
        line = bytes(buffer[:end])
        del buffer[: end + 1]
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            raise _bad(f"more than {MAX_CHUNKS} chunks")
        if self._mode == "trailer":
            if line.strip():
                return True
            self._mode = "done"
            return False
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise _bad(f"not a chunk size: {line[:40]!r}")
        self._left = int(size[1], 16)
        if len(self._body) + self._left > MAX_BODY:
            raise _bad(f"a body of more than {MAX_BODY} bytes")
        self._mode = "data" if self._left else "trailer"
        return True

    def _finish(self, body: bytes) -> Response:
        assert self._head is not None  # noqa: S101
        status, headers = self._head
        return Response(status, headers, _decoded(body, headers))


def _bad(note: str) -> OnvifError:
    return OnvifError(Reason.BAD_REPLY, note)


def _head(text: str) -> tuple[int, tuple[tuple[str, str], ...]]:
    first, *lines = text.split("\n")
    status = _STATUS.fullmatch(first.rstrip("\r"))
    if status is None:
        raise _bad(f"not an HTTP status line: {first[:80]!r}")
    if len(lines) > MAX_HEADERS:
        raise _bad(f"more than {MAX_HEADERS} headers")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if line[:1] in {" ", "\t"} and headers:
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip()}")
        elif colon:
            headers.append((name.strip().lower(), value.strip()))
    return int(status[1]), tuple(headers)


def _framing(status: int, headers: tuple[tuple[str, str], ...]) -> tuple[str, int]:
    """Return how the body is delimited and, for a stated length, that length."""
    if status in _NO_BODY:
        return "length", 0
    codings = [
        v for key, value in headers if key == "transfer-encoding" for v in re.split(r"[\s,]+", value.lower()) if v
    ]
    if codings and codings != ["identity"]:
        if codings != ["chunked"]:
            raise _bad(f"an unknown transfer coding: {', '.join(codings)[:80]}")
        return "chunk", 0
    lengths = {value for key, value in headers if key == "content-length"}
    if not lengths:
        return "close", 0
    length = lengths.pop()
    if lengths or not _NUMBER.fullmatch(length):
        raise _bad("Content-Length is not one number")
    if int(length) > MAX_BODY:
        raise _bad(f"a body of {length} bytes, more than {MAX_BODY}")
    return "length", int(length)


def _decoded(body: bytes, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Undo a content coding that we did not ask for but some devices use all the same, within the limit."""
    codings = [value.strip().lower() for key, value in headers if key == "content-encoding" and value.strip()]
    if not codings or codings == ["identity"] or not body:
        return body
    if codings not in (["gzip"], ["x-gzip"], ["deflate"]):
        raise _bad(f"an unknown content coding: {', '.join(codings)[:80]}")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = inflate.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise _bad("a body that does not decompress") from None
    if len(plain) > MAX_BODY:
        raise _bad(f"a body that inflates to more than {MAX_BODY} bytes")
    if not inflate.eof:
        raise _bad("a compressed body that ends too early")
    return plain
