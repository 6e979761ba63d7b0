"""What arrives on an RTSP connection, cut into replies: tolerant of how real devices write, strict about how much.

Bytes come in any pieces and the replies depend only on their sum. Tolerated: bare line feeds, blank lines between
messages, folded headers, header names in any case, lines without a colon, a missing reason phrase or CSeq, requests sent
by the device (read and left unanswered), and interleaved `$` frames. Not tolerated: more than the limits below, or a
first line that is not RTSP.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from monitor.model import Reason

MAX_LINE = 8 * 1024
MAX_HEADERS = 64
MAX_HEAD = 32 * 1024
MAX_BODY = 128 * 1024
MAX_SKIPPED = 256 * 1024
"""Bytes of interleaved frames and of blank lines that are skipped per connection."""
MAX_FRAMES = 1_024
MAX_MEDIA_FRAMES = 32_768
"""Interleaved frames that are handed over per connection."""
MAX_IGNORED = 16
"""Requests of the device and provisional (1xx) replies that are skipped per connection."""

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(r"RTSP/\d{1,2}\.\d{1,2} +(\d{3})(?: +(.*))?[ \t]*", re.IGNORECASE | re.ASCII)
_REQUEST = re.compile(r"[A-Z_]{3,32} +\S+ +RTSP/\d{1,2}\.\d{1,2}[ \t]*", re.ASCII)
_LENGTH = re.compile(rb"\ncontent-length[ \t]*:([^\n]*)")
_NUMBER = re.compile(rb"\d{1,12}")
_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03")
_DOLLAR = 0x24
_FRAME_HEAD = 4
_BLANK = b"\r\n"
_SKIPPED = frozenset(b"\r\n$")


class WireError(Exception):
    """What arrived cannot be an RTSP reply, or is more than we read; `reason` is bad-reply or tls."""

    def __init__(self, message: str, reason: Reason = Reason.BAD_REPLY) -> None:
        super().__init__(message)
        self.reason = reason


class Reply(NamedTuple):
    """One reply. `head` is status line and headers as they came; header texts are latin-1 views of those bytes."""

    status: int
    phrase: str
    body: bytes
    head: bytes

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header in order, names in lower case; cut up only when asked, as most replies never are."""
        found: list[tuple[str, str]] = []
        for line in self.head.decode("latin-1").split("\n")[1:]:
            name, colon, value = line.partition(":")
            if line[:1] in {" ", "\t"} and found:
                key, before = found[-1]
                found[-1] = (key, f"{before} {line.strip()}")
            elif colon:
                found.append((name.strip().lower(), value.strip()))
        return found

    def all(self, name: str) -> list[str]:
        """Return every value of a header, by its lower-case name."""
        return [value for key, value in self.headers if key == name]


class ReplyParser:
    """Cuts one connection's bytes into replies. Holds at most one message within the limits, plus the last piece fed."""

    __slots__ = ("_buffer", "_frames", "_head", "_ignored", "_line", "_scanned", "_sink", "_skip", "_skipped", "_want")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # up to where the buffer was searched for the end of the head
        self._line = 0  # up to where the lines of an unfinished head were checked
        self._skip = 0  # bytes of an interleaved frame still to be dropped
        self._want = -1  # length of the body being waited for; -1: reading a head
        self._head: Reply | None = None  # None while the body belongs to a message that is ignored
        self._frames = 0
        self._skipped = 0
        self._ignored = 0
        self._sink: Callable[[int, bytes], object] | None = None

    def frames_to(self, sink: Callable[[int, bytes], object]) -> None:
        """Hand interleaved frames to `sink(channel, data)` from now on, whole and in order, instead of skipping them."""
        self._sink = sink
        self._frames = 0

    @property
    def waiting(self) -> int:
        """The bytes held that do not yet make a reply."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what arrived. Call next() until it returns None before feeding more."""
        self._buffer += data

    def next(self) -> Reply | None:
        """Return the next whole reply, None if it has not arrived yet; raises WireError and nothing else."""
        while True:
            if self._want < 0 and not self._read_head():
                return None
            if len(self._buffer) < self._want:
                return None
            body = bytes(self._buffer[: self._want])
            del self._buffer[: self._want]
            head, self._head, self._want = self._head, None, -1
            if head is not None:
                return head._replace(body=body) if body else head

    def _read_head(self) -> bool:
        """Read a head into `_head` and `_want`; False if it has not arrived whole."""
        buffer = self._buffer
        if not buffer:
            return False
        if (self._skip or buffer[0] in _SKIPPED) and not self._skip_between():
            return False
        if not 0x61 <= buffer[0] | 0x20 <= 0x7A and not self._may_be_tls():
            return False
        end = _HEAD_END.search(buffer, max(0, self._scanned - 2))
        if end is None:
            self._scanned = len(buffer)
            self._check_part()
            return False
        head = bytes(buffer[: end.start() + 1])
        if len(head) > MAX_HEAD:
            raise WireError(f"headers longer than {MAX_HEAD} bytes")
        if len(head) > MAX_LINE and max(map(len, head.split(b"\n"))) > MAX_LINE:
            raise WireError(f"a line longer than {MAX_LINE} bytes")
        del buffer[: end.end()]
        self._scanned = self._line = 0
        self._take_head(head)
        return True

    def _skip_between(self) -> bool:
        """Drop blank lines and interleaved frames before a message; False if all that arrived was dropped."""
        buffer = self._buffer
        while buffer:
            if self._skip:
                dropped = min(self._skip, len(buffer))
                self._skip -= dropped
            elif buffer[0] == _DOLLAR:
                if len(buffer) < _FRAME_HEAD:
                    return False
                if self._sink is not None:
                    if not self._hand_over(self._sink):
                        return False
                    continue
                self._skip = _FRAME_HEAD + int.from_bytes(buffer[2:4], "big")
                self._frames += 1
                if self._frames > MAX_FRAMES:
                    raise WireError(f"more than {MAX_FRAMES} interleaved frames instead of a reply")
                continue
            elif buffer[0] in _BLANK:
                dropped = len(buffer) - len(buffer.lstrip(_BLANK))
            else:
                return True
            self._skipped += dropped
            if self._skipped > MAX_SKIPPED:
                raise WireError(f"more than {MAX_SKIPPED} bytes of interleaved frames instead of a reply")
            del buffer[:dropped]
        return False

    def _hand_over(self, sink: Callable[[int, bytes], object]) -> bool:
        """Hand over the frame that the buffer begins with; False if it has not arrived whole."""
        buffer = self._buffer
        end = _FRAME_HEAD + int.from_bytes(buffer[2:4], "big")
        if len(buffer) < end:
            return False
        self._frames += 1
        if self._frames > MAX_MEDIA_FRAMES:
            raise WireError(f"more than {MAX_MEDIA_FRAMES} interleaved frames")
        channel, data = buffer[1], bytes(buffer[_FRAME_HEAD:end])
        del buffer[:end]
        sink(channel, data)
        return True

    def _may_be_tls(self) -> bool:
        """Complain about a first byte that begins no RTSP message; False while one more byte would tell TLS apart."""
        opening = bytes(self._buffer[:16])
        if len(opening) == 1 and 0x14 <= opening[0] <= 0x17:
            return False
        if _TLS_RECORD.match(opening):
            raise WireError("a TLS record, not RTSP", Reason.TLS)
        raise WireError(f"not RTSP: begins with {opening!r}")

    def _check_part(self) -> None:
        """Refuse a head that has not arrived whole as soon as it is plain that it will not do."""
        buffer, start = self._buffer, self._line
        while (end := buffer.find(b"\n", start)) >= 0:
            if end - start > MAX_LINE:
                break
            if start == 0:
                _opening(bytes(buffer[:end]))
            start = end + 1
        self._line = start
        if end >= 0 or len(buffer) - start > MAX_LINE:
            raise WireError(f"a line longer than {MAX_LINE} bytes")
        if len(buffer) > MAX_HEAD + 2:
            raise WireError(f"headers longer than {MAX_HEAD} bytes")

    def _take_head(self, head: bytes) -> None:
        if head.count(b"\n") > MAX_HEADERS + 1:  # the first line is none
            raise WireError(f"more than {MAX_HEADERS} headers")
        match = _opening(head[: head.index(b"\n")])
        self._want = _body_length(head)
        if match is None or match[1][0] == "1":
            self._ignored += 1
            if self._ignored > MAX_IGNORED:
                raise WireError(f"more than {MAX_IGNORED} requests or provisional replies instead of a reply")
        else:
            self._head = Reply(int(match[1]), (match[2] or "").strip(), b"", head)


def _opening(line: bytes) -> re.Match[str] | None:
    """Read a first line: the match of a status line, None for a request of the device; WireError for anything else."""
    text = line.decode("latin-1").rstrip("\r")
    status = _STATUS.fullmatch(text)
    if status is None and not _REQUEST.fullmatch(text):
        raise WireError(f"not an RTSP status line: {text[:80]!r}")
    return status


def _body_length(head: bytes) -> int:
    head = head.lower()
    if b"\ncontent-length" not in head:
        return 0
    lengths = {value.strip() for value in _LENGTH.findall(head)}
    if not lengths:
        return 0
    length = lengths.pop()
    if lengths or not _NUMBER.fullmatch(length):
        raise WireError("Content-Length is not one number")
    if int(length) > MAX_BODY:
        raise WireError(f"a body of {int(length)} bytes, more than {MAX_BODY}")
    return int(length)
