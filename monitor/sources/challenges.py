"""An evaluator's challenge: secret points and times, their commitment, and what was seen there.

The commitment is the SHA-256 of the salt file's bytes followed by the challenge file's, which any computer can reckon:

    cat FILE.salt FILE | sha256sum                                            (Linux, macOS: shasum -a 256)
    copy /b FILE.salt+FILE joined && certutil -hashfile joined SHA256         (Windows)

A salt file is exactly 64 lower-case hexadecimal digits and a line feed: were its length free, some rows could later be told
as part of the salt.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from monitor.finding import InputError, refuse
from monitor.model import Instant, State
from monitor.sources.csvfile import Complaints, Content, instant, read_content, rows_of

CHALLENGE = ("point", "at")
OBSERVED = ("point", "at", "seen")
MAX_ROWS = 2_000
MAX_BYTES = 1_000_000
MAX_NOTE = 200
_SALT = re.compile(rb"[0-9a-f]{64}\n")
_SEEN = {"online": State.ONLINE, "offline": State.OFFLINE, "在线": State.ONLINE, "离线": State.OFFLINE}


class Moment(NamedTuple):
    """A point and an instant; `line` is where its file says so."""

    point: str
    at: Instant
    line: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge file: its moments in its own order, and the bytes that the commitment covers."""

    file: str
    moments: tuple[Moment, ...]
    data: bytes


class Observation(NamedTuple):
    """What the evaluator saw at a point, and when."""

    point: str
    at: Instant
    seen: State
    note: str
    line: int


def commitment(salt: bytes, data: bytes) -> str:
    """Return the commitment to a challenge file under a salt file, in hexadecimal."""
    return hashlib.sha256(salt + data).hexdigest()


def is_salt(salt: bytes) -> bool:
    """Tell whether bytes are those of a salt file."""
    return _SALT.fullmatch(salt) is not None


def read_salt(path: Path) -> bytes:
    """Return a salt file's bytes. InputError if it is missing or not of the one form."""
    try:
        with path.open("rb") as file:
            salt = file.read(1_000)
    except OSError as error:
        message = f"盐值文件无法读取 the salt cannot be read: {error.strerror}"
        raise refuse(message, "检查路径与权限 check path and permissions", file=str(path)) from error
    if not is_salt(salt):
        remedy = "用承诺时的原文件，未另存过 the very file of the commitment, never saved again"
        raise refuse("盐值须为 64 位小写十六进制和一个换行 64 hex digits and a line feed", remedy, file=str(path))
    return salt


def read_challenge(path: Path) -> Challenge:
    """Read secret points and times (point, at). InputError with every complaint; a moment may stand there once."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints, max_bytes=MAX_BYTES)
    moments: list[Moment] = []
    seen: dict[tuple[str, int], int] = {}
    for line, (point, text) in _rows(content, CHALLENGE, (), complaints):
        at = instant(text, line, "at", complaints)
        if not point:
            complaints.add(line, "point", "点位编号为空 no point code", "补上编号 give one")
        if at is None:
            continue
        first = seen.setdefault((point, at), line)
        if first != line:
            complaints.add(line, "at", f"与第 {first} 行重复 the same as line {first}", "删去一行 leave one out")
        moments.append(Moment(point, at, line))
    _stop(complaints, content, moments)
    return Challenge(str(path), tuple(moments), b"" if content is None else content.data)


def read_observations(path: Path) -> list[Observation]:
    """Read what was seen (point, at, seen online|offline, note). InputError with every complaint."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints, max_bytes=MAX_BYTES)
    found: list[Observation] = []
    for line, (point, text, said, note) in _rows(content, OBSERVED, ("note",), complaints):
        at, seen = instant(text, line, "at", complaints), _SEEN.get(said.lower())
        if not point:
            complaints.add(line, "point", "点位编号为空 no point code", "补上编号 give one")
        if seen is None:
            complaints.add(line, "seen", f"不是所见状态 not a state seen: {said[:20]!r}", "online 在线 | offline 离线")
        if len(note) > MAX_NOTE:
            complaints.add(line, "note", f"超过 {MAX_NOTE} 字 too long", "缩短 shorten it")
        if at is not None and seen is not None:
            found.append(Observation(point, at, seen, note, line))
    _stop(complaints, content, found)
    return found


def _rows(
    content: Content | None, required: tuple[str, ...], optional: tuple[str, ...], complaints: Complaints
) -> list[tuple[int, tuple[str, ...]]]:
    if content is None:
        return []
    return [(row.line, row.cells) for row in rows_of(content, required, optional, complaints, max_rows=MAX_ROWS)]


def _stop(complaints: Complaints, content: Content | None, rows: list[Moment] | list[Observation]) -> None:
    if content is not None and not rows and not complaints.count:
        complaints.add(0, "", "没有数据行 no rows", "至少一行 at least one")
    if complaints.count or content is None:
        raise InputError(complaints.findings())
