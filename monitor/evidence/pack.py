"""Packs: a ZIP of one canonical form, written so that equal members give equal bytes and read so that nothing else passes.

The form is docs/evidence-format.md's: members in order of their names, nothing between, before or behind them, no field
free to vary. What a pack holds is opaque here: names and bytes.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import IO, NamedTuple

MAX_PACK_BYTES = (4 << 30) - 1
MAX_MEMBERS = 65_534
MAX_MEMBER_BYTES = (4 << 30) - 2
MAX_UNPACKED_BYTES = 8 << 30
MAX_LINE_BYTES = 64 << 20
MAX_NAME = 200
SIGNATURE = "manifest.sig"
"""The member that signs all others' packed data."""

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
_VERSION, _FLAGS, _TIME, _DATE = 20, 1 << 11, 0, (1 << 5) | 1
STORED, DEFLATED = 0, 8
_NAME = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*", re.ASCII)


class PackError(ValueError):
    """A pack that is not of the canonical form, or beyond its limits. `member` names where, "" the container itself."""

    def __init__(self, member: str, message: str) -> None:
        self.member = member
        super().__init__(f"{member}: {message}" if member else message)


class Member(NamedTuple):
    """One member as the directory tells it; `start` is where its data begin."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


def usable_name(name: str) -> bool:
    """Tell whether a member may be called so: ASCII parts joined by `/`, none of them `.` or `..`."""
    parts = name.split("/")
    return len(name) <= MAX_NAME and bool(_NAME.fullmatch(name)) and "." not in parts and ".." not in parts


class PackWriter:
    """Writes one pack to a seekable file that is at its beginning; `close` ends it.

    A member's bytes may come in pieces of any size; memory stays bounded. ValueError where the caller breaks the form (an
    unusable name, names out of order, beyond a limit): the file is then worthless.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._members: list[Member] = []
        self._unpacked = 0
        self.digests: dict[str, str] = {}
        """The SHA-256 of each member so far, in hex."""
        self._data = hashlib.sha256()

    def add(self, name: str, body: bytes | Iterable[bytes], *, stored: bool = False) -> str:
        """Add the next member and return the digest of its bytes. `stored`: not compressed, for what already is."""
        if not usable_name(name):
            raise PackError(name[:MAX_NAME], "名称不合规 not a usable name")
        if self._members and name <= self._members[-1].name:
            raise PackError(name, f"未按名称排序 out of order, after {self._members[-1].name}")
        if len(self._members) == MAX_MEMBERS:
            raise PackError(name, f"超过 {MAX_MEMBERS:,} 个成员 too many members")
        pieces = (body,) if isinstance(body, bytes) else body
        at = self._file.tell()
        start = at + LOCAL.size + len(name)
        self._file.seek(start)
        crc = packed = size = 0
        sha = hashlib.sha256()
        deflate = None if stored else _deflate()
        for piece in pieces:
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            sha.update(piece)
            packed += self._put(name, piece if deflate is None else deflate.compress(piece))
        packed += 0 if deflate is None else self._put(name, deflate.flush())
        self._unpacked += size
        if size > MAX_MEMBER_BYTES or self._unpacked > MAX_UNPACKED_BYTES or start + packed > MAX_PACK_BYTES:
            raise PackError(name, f"证据包过大 the pack is too large ({self._unpacked:,} bytes)")
        member = Member(name, STORED if stored else DEFLATED, crc, packed, size, start)
        self._file.seek(at)
        self._file.write(local_header(member))
        self._file.seek(start + packed)
        self._members.append(member)
        self.digests[name] = sha.hexdigest()
        return self.digests[name]

    def _put(self, name: str, piece: bytes) -> int:
        if name != SIGNATURE:
            self._data.update(piece)
        return self._file.write(piece)

    def data_digest(self, later: Iterable[tuple[bytes, bool]]) -> str:
        """Return the SHA-256 over all members' packed data in hex, as if `later` (bytes, stored) were added already.

        The member that is to sign it is left out.
        """
        digest = self._data.copy()
        for body, stored in later:
            deflate = _deflate()
            digest.update(body if stored else deflate.compress(body) + deflate.flush())
        return digest.hexdigest()

    def close(self) -> None:
        """Write the directory and the end record."""
        start = self._file.tell()
        for member in self._members:
            self._file.write(directory_entry(member))
        size = self._file.tell() - start
        if start + size + END.size > MAX_PACK_BYTES:
            raise PackError("", f"证据包过大 the pack is too large ({start + size:,} bytes)")
        count = len(self._members)
        self._file.write(END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0))


def _deflate() -> zlib._Compress:
    return zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)


def pack_bytes(file: IO[bytes], members: Mapping[str, bytes]) -> None:
    """Write a whole pack of members that are in memory, compressed where that makes them smaller."""
    writer = PackWriter(file)
    for name, body in sorted(members.items()):
        writer.add(name, body, stored=not shrinks(body))
    writer.close()


def shrinks(body: bytes) -> bool:
    """Tell whether deflate makes a member in memory smaller by at least an eighth."""
    return len(zlib.compress(body, 1)) * 8 <= len(body) * 7


def local_header(member: Member) -> bytes:
    """Return the bytes before a member's data."""
    return (
        LOCAL.pack(
            b"PK\3\4",
            _VERSION,
            _FLAGS,
            member.method,
            _TIME,
            _DATE,
            member.crc,
            member.packed,
            member.size,
            len(member.name),
            0,
        )
        + member.name.encode()
    )


def directory_entry(member: Member) -> bytes:
    """Return the bytes that the directory has of a member."""
    offset = member.start - LOCAL.size - len(member.name)
    return (
        CENTRAL.pack(
            b"PK\1\2",
            _VERSION,
            _VERSION,
            _FLAGS,
            member.method,
            _TIME,
            _DATE,
            member.crc,
            member.packed,
            member.size,
            len(member.name),
            0,
            0,
            0,
            0,
            0,
            offset,
        )
        + member.name.encode()
    )
