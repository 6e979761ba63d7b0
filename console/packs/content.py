"""A pack's members, wherever they lie: in a file that somebody handed in, or still in the log's folder before packing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from monitor.canonical import parse_line
from monitor.evidence.pack import PackError

MAX_DOCUMENT_BYTES = 1 << 28
"""Frozen inputs of a large city are tens of megabytes; beyond this nothing is read into memory at once."""


class Content(Protocol):
    """What a check reads. PackError for a member that is not there or damaged."""

    @property
    def names(self) -> list[str]: ...
    def read(self, name: str, most: int = MAX_DOCUMENT_BYTES) -> bytes: ...
    def chunks(self, name: str) -> Iterator[bytes]: ...
    def lines(self, name: str) -> Iterator[bytes]: ...


Source = bytes | Callable[[], Iterable[bytes]]
"""A member's bytes, or what gives them anew each time, in pieces."""


class Members:
    """Members that are not packed yet."""

    def __init__(self, members: Mapping[str, Source]) -> None:
        self.members = dict(members)

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self.members)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member's bytes in pieces."""
        source = self.members.get(name)
        if source is None:
            raise PackError(name, "缺少成员 no such member")
        if isinstance(source, bytes):
            yield source
        else:
            yield from source()

    def read(self, name: str, most: int = MAX_DOCUMENT_BYTES) -> bytes:
        """Return a member's bytes."""
        body = b"".join(self.chunks(name))
        if len(body) > most:
            raise PackError(name, f"成员过大 too large: {len(body):,} bytes")
        return body

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield a member's lines without their LF."""
        rest = b""
        for piece in self.chunks(name):
            whole = (rest + piece).split(b"\n")
            rest = whole.pop()
            yield from whole
        if rest:
            raise PackError(name, "最后一行不完整 the last line is cut short")


def one_line(content: Content, name: str) -> dict[str, object]:
    """Return a member that is one canonical line. PackError if it is not."""
    body = content.read(name, MAX_DOCUMENT_BYTES)
    if not body.endswith(b"\n"):
        raise PackError(name, "缺换行 no LF at its end")
    try:
        return parse_line(body[:-1])
    except ValueError as error:
        raise PackError(name, str(error)) from None
