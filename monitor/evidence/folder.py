"""The log's folder on disk: a day's files all or nothing, state documents, and blobs by their digest.

`<root>/<origin with / as _>/` holds `<day>/` (the format's four files), `states/<day>.json` and `blobs/<sha256>`. What is
being written lies in names that begin with a dot; `recover` removes what a crash left of them. Errors of the disk and files
that are damaged are InputErrors with the file's name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from monitor.canonical import parse_line
from monitor.evidence.durable import durable, folder_at_once, listing, read, remove
from monitor.evidence.known import KEPT_DAYS, day_after, day_before
from monitor.evidence.note import Note
from monitor.evidence.records import is_day
from monitor.evidence.replay import State, empty, read_state
from monitor.evidence.tree import Frontier, leaf_hash, read_frontier
from monitor.finding import refuse

RECORDS: Final = "records.ndjson"
FRONTIER: Final = "frontier.json"
PREV: Final = "prev.note"
CHECKPOINT: Final = "checkpoint.note"
FILES: Final = (RECORDS, FRONTIER, PREV, CHECKPOINT)

MAX_LINE_BYTES: Final = 64 << 20
_STATES: Final = "states"
_BLOBS: Final = "blobs"
_RESTORE: Final = "从备份恢复该文件 restore the file from a backup"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_POINT = re.compile(rb'"point":("(?:[^"\\]|\\.)*")')
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Day:
    """A sealed day: its lines without LF, the tree before it, the checkpoint before it (b"" at first) and after it."""

    day: str
    lines: tuple[bytes, ...]
    frontier: Frontier
    prev_note: bytes
    note: Note


class LogFolder:
    """One log's folder."""

    def __init__(self, root: Path, origin: str) -> None:
        """Name the folder `<root>/<origin with / as _>`; nothing is read or made yet."""
        self.origin = origin
        self.path = root / origin.replace("/", "_")

    # -- days

    def days(self) -> list[str]:
        """Return the sealed days, in order."""
        return [name for name in listing(self.path) if is_day(name)]

    def read_day(self, day: str) -> Day:
        """Read a sealed day and check its files' form. InputError names file and line."""
        place = self.path / day
        records = read(place / RECORDS)
        if not records.endswith(b"\n"):
            line = records.count(b"\n") + 1
            raise refuse("末行不完整 the last line is not complete", _RESTORE, file=str(place / RECORDS), line=line)
        lines = tuple(records[:-1].split(b"\n"))
        for number, line_bytes in enumerate(lines, 1):
            if not line_bytes or len(line_bytes) > MAX_LINE_BYTES:
                raise refuse(
                    "空行或过长的行 an empty line, or one too long", _RESTORE, file=str(place / RECORDS), line=number
                )
        frontier = _formed(place / FRONTIER, lambda data: read_frontier(data.removesuffix(b"\n")))
        note = _formed(place / CHECKPOINT, Note.parse)
        return Day(day, lines, frontier, read(place / PREV), note)

    def write_day(
        self, day: str, lines: Iterable[bytes], frontier: Frontier, prev_note: bytes, note: Note, state: bytes
    ) -> None:
        """Write a day and its state document's line (without LF): when this returns all of it is on the disk.

        If it does not return, nothing of it is there, or, if the power fails, all or nothing; `recover` then tidies up.
        The same day written again with the same bytes changes nothing. InputError if the day is there already with
        other bytes, is not the one after the last, or cannot be written.
        """
        files = {
            RECORDS: b"".join(line + b"\n" for line in lines),
            FRONTIER: frontier.line() + b"\n",
            PREV: prev_note,
            CHECKPOINT: note.encode(),
        }
        days = self.days()
        if day in days:
            self._require_same(day, files, note)
        elif days and day_before(day, 1) != days[-1]:
            raise refuse(
                f"{day} 不接在 {days[-1]} 之后 the day does not follow the last sealed one",
                "按日封存 seal every day in turn",
                file=str(self.path / day),
            )
        else:
            # The state first: one without its day is recognised and removed, a day without its state would be stuck.
            durable(self.path / _STATES / f"{day}.json", state + b"\n")
            folder_at_once(self.path / day, files)
        self._prune_states()

    def _require_same(self, day: str, files: Mapping[str, bytes], note: Note) -> None:
        there = _formed(self.path / day / CHECKPOINT, Note.parse)
        same = there.text == note.text and all(
            read(self.path / day / name) == files[name] for name in FILES if name != CHECKPOINT
        )
        if not same:
            raise refuse(
                f"{day} 已封存，内容不同 the day is sealed already, with other content",
                "已封存的日不可改；后来的更正记入以后的日 a sealed day never changes: corrections go into later days",
                file=str(self.path / day),
            )

    def set_note(self, day: str, note: Note) -> None:
        """Put a note with more signatures in the place of a day's checkpoint. InputError if its text is another's."""
        place = self.path / day / CHECKPOINT
        there = _formed(place, Note.parse)
        if there.text != note.text or not set(there.signatures) <= set(note.signatures):
            raise refuse(
                "检查点正文不同或缺少已有签名 the checkpoint's text differs, or a signature would be lost",
                "用本日检查点的签名 sign this day's own checkpoint",
                file=str(place),
            )
        durable(place, note.encode())

    # -- state documents

    def states(self) -> list[str]:
        """Return the days of which a state document is kept: the first, ends of months, and the latest."""
        return [name[:-5] for name in listing(self.path / _STATES) if name.endswith(".json") and is_day(name[:-5])]

    def state(self, day: str) -> bytes:
        """Return the state document after a day, without LF. InputError if it is not kept."""
        return read(self.path / _STATES / f"{day}.json").removesuffix(b"\n")

    def load_state(self, day: str, zone: str, only: frozenset[str] | None = None) -> State:
        """Read the state after a day. InputError if its document is not kept or is none."""
        return _formed(
            self.path / _STATES / f"{day}.json",
            lambda data: read_state(parse_line(data.removesuffix(b"\n")), zone, only),
        )

    def latest(self, zone: str, key: str) -> State:
        """Return the state after the last sealed day; of a log without days the empty one, with the collector's key."""
        days = self.days()
        return self.load_state(days[-1], zone) if days else empty(self.origin, zone, key)

    def earlier(self, wanted: Mapping[str, str], today: Iterable[bytes], zone: str, key: str) -> State:
        """Replay the log for these points from a kept state that can tell their days, `today`'s lines at its end.

        `key` is the collector's first public key, for a log that must be read from its beginning. This is what
        `sealing.closing` asks for. InputError names a day's file and line that cannot be replayed.
        """
        first, only, days = min(wanted.values()), frozenset(wanted), self.days()
        fitting = [day for day in self.states() if day in days and day_before(day, KEPT_DAYS) <= first]
        if fitting:
            state = self.load_state(fitting[-1], zone, only)
        else:
            state = empty(self.origin, zone, key, only)
        for day in days:
            if not fitting or day > fitting[-1]:
                self.replay(state, self.read_day(day).lines, str(self.path / day / RECORDS))
        self.replay(state, today, "")
        return state

    def replay(self, state: State, lines: Iterable[bytes], file: str = "") -> None:
        """Feed lines to a state, imports from the blobs. InputError names the file's line that the state cannot take."""
        for number, line in enumerate(lines, 1):
            leaf = leaf_hash(line)
            if state.only is not None and _is_sum_of_others(line, state.only):
                state.skip(leaf)
                continue
            try:
                state.feed(parse_line(line), leaf, self.imported)
            except ValueError as error:
                raise refuse(
                    f"记录无法接上 the record does not fit: {error}", _RESTORE, file=file, line=number
                ) from None

    def _prune_states(self) -> None:
        days = self.days()
        for day in self.states():
            if days and day < days[-1] and not _kept(day, days):
                remove(self.path / _STATES / f"{day}.json")

    # -- blobs

    def blob(self, sha256: str) -> bytes:
        """Return a blob. InputError if it is not there or its bytes have another digest."""
        if not _DIGEST.fullmatch(sha256):
            raise refuse(f"不是指纹 not a digest: {sha256:.80}", "给出 64 位小写十六进制 64 lower-case hex digits")
        place = self.path / _BLOBS / sha256
        data = read(place)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise refuse("文件内容与指纹不符 the bytes have another digest", _RESTORE, file=str(place))
        return data

    def put_blob(self, data: bytes) -> str:
        """Keep bytes on the disk and return their digest; what is there already is not written again."""
        sha256 = hashlib.sha256(data).hexdigest()
        place = self.path / _BLOBS / sha256
        if not place.exists() or place.stat().st_size != len(data):
            durable(place, data)
        return sha256

    def imported(self, sha256: str) -> list[bytes]:
        """Return the lines, without LF, of an import's file among the blobs."""
        data = self.blob(sha256)
        return data.removesuffix(b"\n").split(b"\n") if data else []

    # -- after a crash

    def recover(self) -> list[str]:
        """Remove what a crash left half-written, and states of days that were never sealed; return the removed names."""
        removed = []
        for folder in (self.path, self.path / _STATES, self.path / _BLOBS):
            removed += [folder / name for name in listing(folder, hidden=True)]
        days = self.days()
        removed += [self.path / _STATES / f"{day}.json" for day in self.states() if not days or day > days[-1]]
        for place in removed:
            remove(place)
        self._prune_states()
        return [str(place.relative_to(self.path)) for place in removed]


def _formed(path: Path, reader: Callable[[bytes], _T]) -> _T:
    """Read a file by a reader whose ValueError says what is wrong with it."""
    try:
        return reader(read(path))
    except ValueError as error:
        raise refuse(f"文件已损坏 the file is damaged: {error}", _RESTORE, file=str(path)) from None


def _is_sum_of_others(line: bytes, only: frozenset[str]) -> bool:
    """Tell, without parsing it, whether a canonical line is a `sum` of another point: nearly all lines of a city are."""
    if b'"k":"sum"' not in line[:96]:
        return False
    found = _POINT.search(line)
    return found is not None and json.loads(found[1]) not in only


def _kept(day: str, days: list[str]) -> bool:
    """Tell whether a sealed day's state document is kept: the log's first, its last, and every month's last."""
    return day in {days[0], days[-1]} or day_after(day).endswith("-01")
