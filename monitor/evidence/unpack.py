"""Reading packs: a container that is not canonical, to the last bit, is refused before anything of it is believed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from monitor.evidence.pack import (
    CENTRAL,
    DEFLATED,
    END,
    LOCAL,
    MAX_LINE_BYTES,
    MAX_MEMBERS,
    MAX_PACK_BYTES,
    MAX_UNPACKED_BYTES,
    SIGNATURE,
    STORED,
    Member,
    PackError,
    directory_entry,
    local_header,
    usable_name,
)

CHUNK = 1 << 18
"""No more bytes than these are unpacked at a time."""


class PackReader:
    """A pack on disk whose container is canonical; members are checked as they are read.

    PackError at the opening for anything in the container that the form does not allow, before a byte is unpacked; from the
    reading methods for a member that does not unpack to exactly its stated size and checksum. Nothing is ever written.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self.members = _directory(self._file)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> PackReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def names(self) -> list[str]:
        """All members' names, sorted."""
        return list(self.members)

    def read(self, name: str, most: int = MAX_LINE_BYTES) -> bytes:
        """Return a member's bytes. PackError if there is none, it is damaged, or it states more than `most`."""
        member = self.members.get(name)
        if member is None:
            raise PackError(name, "缺少成员 no such member")
        if member.size > most:
            raise PackError(name, f"成员过大 too large: {member.size:,} bytes")
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member's bytes in pieces of at most CHUNK; damage is told at the latest at its end."""
        member = self.members.get(name)
        if member is None:
            raise PackError(name, "缺少成员 no such member")
        crc = size = 0
        for piece in _stored(self._file, member) if member.method == STORED else _inflated(self._file, member):
            crc, size = zlib.crc32(piece, crc), size + len(piece)
            if size > member.size:
                raise PackError(name, "解压后大于所记大小 unpacks to more than its stated size")
            yield piece
        if size != member.size:
            raise PackError(name, "解压后小于所记大小 unpacks to less than its stated size")
        if crc != member.crc:
            raise PackError(name, "校验和不符 the checksum differs")

    def data_digest(self) -> str:
        """Return the SHA-256 over the packed data of all members but the signature, in their order, in hex."""
        digest = hashlib.sha256()
        for member in self.members.values():
            if member.name != SIGNATURE:
                for piece in _stored(self._file, member):
                    digest.update(piece)
        return digest.hexdigest()

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield a member's lines without their LF. PackError for a last line without one, or a line that is too long."""
        rest = b""
        for piece in self.chunks(name):
            whole = (rest + piece).split(b"\n")
            rest = whole.pop()
            if len(rest) > MAX_LINE_BYTES:
                raise PackError(name, "行过长 a line is too long")
            yield from whole
        if rest:
            raise PackError(name, "最后一行不完整 the last line is cut short")


def _directory(file: IO[bytes]) -> dict[str, Member]:
    file.seek(0, 2)
    length = file.tell()
    if length > MAX_PACK_BYTES:
        raise PackError("", f"超过 4 GiB the pack is too large: {length:,} bytes")
    if length < END.size:
        raise PackError("", "不是证据包，或被截断 not a pack, or cut short")
    file.seek(length - END.size)
    mark, disk, first, here, count, size, start, comment = END.unpack(file.read(END.size))
    if mark != b"PK\5\6":
        raise PackError(
            "", "末尾不是结束记录：被截断或有附加内容 no end record at the end: cut short, or more behind it"
        )
    if (disk, first, comment) != (0, 0, 0) or here != count or count > MAX_MEMBERS:
        raise PackError("", "结束记录不合规 the end record is not canonical")
    if start + size + END.size != length:
        raise PackError("", "目录与结束记录不相接 the directory does not end at the end record")
    file.seek(start)
    found: dict[str, Member] = {}
    at = total = 0
    previous = ""
    directory = file.read(size)
    place = 0
    for _ in range(count):
        member, place = _entry(directory, place, at)
        if found and member.name <= previous:
            raise PackError(member.name, f"重名或未按名称排序 twice, or out of order, after {previous}")
        file.seek(at)
        if file.read(LOCAL.size + len(member.name)) != local_header(member):
            raise PackError(member.name, "文件头与目录不符 its local header is not that of the directory")
        total += member.size
        if total > MAX_UNPACKED_BYTES:
            raise PackError(member.name, "解压后超过 8 GiB unpacks to too much")
        found[member.name], previous, at = member, member.name, member.start + member.packed
    if place != size or at != start:
        raise PackError("", "成员与目录之间有空隙 there is something between the members and the directory")
    return found


def _entry(directory: bytes, place: int, at: int) -> tuple[Member, int]:
    """Read one entry of the directory; its member must begin at `at`."""
    end = place + CENTRAL.size
    if end > len(directory):
        raise PackError("", "目录被截断 the directory is cut short")
    row = CENTRAL.unpack(directory[place:end])
    method, crc, packed, size, length = row[4], *row[7:11]
    raw = directory[end : end + length]
    name = raw.decode("ascii", "replace")
    if len(raw) != length or not usable_name(name):
        raise PackError("", f"成员名不合规 an unusable member name: {raw[:60]!r}")
    member = Member(name, method, crc, packed, size, at + LOCAL.size + length)
    if method not in {STORED, DEFLATED} or directory_entry(member) != directory[place : end + length]:
        raise PackError(name, "目录项不合规 its entry in the directory is not canonical")
    if method == STORED and packed != size:
        raise PackError(name, "大小不符 its two sizes differ")
    return member, end + length


def _stored(file: IO[bytes], member: Member) -> Iterator[bytes]:
    left, at = member.packed, member.start
    while left:
        file.seek(at)
        piece = file.read(min(CHUNK, left))
        if not piece:
            raise PackError(member.name, "被截断 cut short")
        left, at = left - len(piece), at + len(piece)
        yield piece


def _inflated(file: IO[bytes], member: Member) -> Iterator[bytes]:
    """Unpack with bounded output per step; the last byte is fed alone, so that its unused bits can be looked at."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    head = member._replace(packed=max(0, member.packed - 1))
    last = member._replace(start=member.start + head.packed, packed=min(1, member.packed))
    try:
        for piece in _stored(file, head):
            yield from _drained(inflate, piece)
        early = inflate.eof
        if early or not last.packed:
            raise PackError(member.name, "压缩数据之后还有内容 something follows the compressed data")
        final = b"".join(_stored(file, last))
        before = inflate.copy()
        tail = b"".join(_drained(inflate, final))
        if not inflate.eof or inflate.unused_data:
            raise PackError(member.name, "压缩数据不完整 the compressed data is cut short")
        _padding(before, final[0], tail, member.name)
    except zlib.error as error:
        raise PackError(member.name, f"压缩数据损坏 damaged: {error}") from None
    if tail:
        yield tail


def _drained(inflate: zlib._Decompress, piece: bytes) -> Iterator[bytes]:
    """Feed a piece and yield what comes of it, in bounded parts; what follows the end of the data is left in the object."""
    waiting = piece
    while made := inflate.decompress(waiting, CHUNK):
        yield made
        waiting = inflate.unconsumed_tail


def _padding(before: zlib._Decompress, byte: int, tail: bytes, name: str) -> None:
    """Refuse bits that are set behind the last block: those whose change changes nothing, from the highest down."""
    for bit in (1 << n for n in range(7, -1, -1)):
        trial = before.copy()
        try:
            same = trial.decompress(bytes([byte ^ bit])) == tail and trial.eof
        except zlib.error:
            same = False
        if not same:
            return
        if byte & bit:
            raise PackError(name, "压缩数据末尾的填充位不为零 the bits behind the compressed data are not zero")
