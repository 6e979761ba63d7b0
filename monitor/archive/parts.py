"""Which files the archive has: beside each Parquet file a small record of its digest and of the batches that are in it.

`<day>.parquet` holds a day's results, `<day>.1.parquet` and so on those that came when the one before was already written;
`<day>.json`, `<day>.1.json` are the records. A part is there once its record is: it is written last. A file that is out of
its retention is removed, its record stays and says when. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from monitor.canonical import canonical, parse_line
from monitor.finding import refuse

FORMAT = "camsla-archive/1"
_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.([1-9][0-9]{0,5}))?\.json")
_CHUNK = 1 << 20
MAX_RECORD = 16 * 1024 * 1024
_REMEDY = "从备份恢复，或移走后重新归档 restore it from a backup, or move it away and build the day again"


class Cut(NamedTuple):
    """A batch with results of more than one day: `first` to `last`, both inclusive."""

    seq: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Taken:
    """A vantage's batches in a part: ranges [first, last] of numbers that lie wholly in the day, and those that do not."""

    whole: tuple[tuple[int, int], ...] = ()
    cut: tuple[Cut, ...] = ()

    def has(self, seq: int) -> bool:
        """Tell whether the batch's results of this day are in the part."""
        place = bisect_right(self.whole, (seq, 1 << 62)) - 1
        return (place >= 0 and seq <= self.whole[place][1]) or any(cut.seq == seq for cut in self.cut)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive. `taken` by vantage; `pruned_at` (µs) is set once its retention is over and the file gone."""

    day: date
    number: int
    zone: str
    rows: int
    points: int
    bytes: int
    sha256: str
    taken: Mapping[str, Taken] = field(default_factory=dict)
    pruned_at: int | None = None
    announced_at: int | None = None
    """When a document record for the evidence log was written (µs): for parts that no day's manifest names."""

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return str(self.day) if self.number == 0 else f"{self.day}.{self.number}"

    def path(self, folder: Path) -> Path:
        """Where the file lies."""
        return folder / f"{self.stem}.parquet"

    def figures(self) -> dict[str, int | str]:
        """What a day's manifest says of the archive: {bytes, rows, sha256}."""
        return {"bytes": self.bytes, "rows": self.rows, "sha256": self.sha256}


def parts_of(folder: Path, first: date | None = None, last: date | None = None) -> list[Part]:
    """Return the parts of the days from `first` to `last`, by day and number; none if there is no folder.

    InputError names a record that is damaged.
    """
    found: list[Part] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        day = _day(path, match[1])
        if (first is None or first <= day) and (last is None or day <= last):
            found.append(read_record(path, day, int(match[2] or 0)))
    return sorted(found, key=lambda part: (part.day, part.number))


def part_of(folder: Path, day: date, number: int = 0) -> Part | None:
    """Return one part, None if it is not there."""
    path = _record(folder, str(day) if number == 0 else f"{day}.{number}")
    return read_record(path, day, number) if path.exists() else None


def read_record(path: Path, day: date, number: int) -> Part:
    """Read a part's record. InputError if it is not one, or is that of another part."""
    try:
        if path.stat().st_size > MAX_RECORD:
            raise ValueError("too large")
        part = _part(parse_line(path.read_bytes().removesuffix(b"\n")))
        if (part.day, part.number) != (day, number):
            raise ValueError(f"it is the record of {part.stem}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"归档记录损坏 the archive's record is damaged: {type(error).__name__}: {error}"
        raise refuse(message, _REMEDY, file=str(path)) from None
    return part


def write_record(folder: Path, part: Part) -> None:
    """Write a part's record, whole or not at all; on the disk when this returns. OSError as the disk says."""
    put(_record(folder, part.stem), canonical(_body(part)).encode() + b"\n")


def pruned(folder: Path, part: Part, at: int) -> None:
    """Remove a part's file because its retention is over, and say so in its record."""
    write_record(folder, replace(part, pruned_at=at))
    part.path(folder).unlink(missing_ok=True)
    sync(folder)


def put(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; on the disk when this returns."""
    fresh = path.with_name(f".{path.name}.part")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(folder: Path) -> None:
    """Return once the folder's names are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest_of(path: Path) -> str:
    """Return a file's SHA-256, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sound(folder: Path, part: Part) -> None:
    """Raise InputError unless the part's file is there with the size and digest of its record."""
    path = part.path(folder)
    try:
        size = path.stat().st_size
        right = size == part.bytes and digest_of(path) == part.sha256
    except FileNotFoundError:
        raise refuse("归档文件不见了 the archive's file is missing", _REMEDY, file=str(path)) from None
    except OSError as error:
        message = f"归档文件无法读取 the archive's file cannot be read: {error.strerror}"
        raise refuse(message, _REMEDY, file=str(path)) from None
    if not right:
        message = "归档文件已损坏：与记录的摘要不符 the archive's file is damaged: its digest is not that of its record"
        raise refuse(message, _REMEDY, file=str(path))


def done_up_to(parts: Iterable[Part], lowest: Mapping[str, int]) -> dict[str, int]:
    """Return by vantage the number up to which all batches, from the store's lowest on, are archived for all their days."""
    spans: dict[str, list[tuple[int, int]]] = {vantage: [] for vantage in lowest}
    days: dict[tuple[str, int], set[date]] = {}
    cuts: dict[tuple[str, int], Cut] = {}
    for part in parts:
        for vantage, taken in part.taken.items():
            spans.setdefault(vantage, []).extend(taken.whole)
            for cut in taken.cut:
                cuts[vantage, cut.seq] = cut
                days.setdefault((vantage, cut.seq), set()).add(part.day)
    for (vantage, seq), cut in cuts.items():
        if len(days[vantage, seq]) > (cut.last - cut.first).days:
            spans[vantage].append((seq, seq))
    reach = {}
    for vantage, low in lowest.items():
        reach[vantage] = low - 1
        for first, last in sorted(spans[vantage]):
            if first > reach[vantage] + 1:
                break
            reach[vantage] = max(reach[vantage], last)
    return reach


def _record(folder: Path, stem: str) -> Path:
    return folder / f"{stem}.json"


def _day(path: Path, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse("文件名不是日期 the file's name is no day", "移走它 move it away", file=str(path)) from None


def _body(part: Part) -> dict[str, object]:
    batches = {
        vantage: {
            "cut": [[cut.seq, str(cut.first), str(cut.last)] for cut in taken.cut],
            "whole": [list(span) for span in taken.whole],
        }
        for vantage, taken in part.taken.items()
    }
    return {
        "announced_at": part.announced_at,
        "batches": [[vantage, batches[vantage]] for vantage in sorted(batches)],
        "bytes": part.bytes,
        "day": str(part.day),
        "format": FORMAT,
        "part": part.number,
        "points": part.points,
        "pruned_at": part.pruned_at,
        "rows": part.rows,
        "sha256": part.sha256,
        "zone": part.zone,
    }


def _part(body: Mapping[str, Any]) -> Part:
    if body["format"] != FORMAT:
        raise ValueError(f"another format: {body['format']!r}")
    taken = {
        str(vantage): Taken(
            tuple((int(first), int(last)) for first, last in its["whole"]),
            tuple(Cut(int(seq), date.fromisoformat(a), date.fromisoformat(b)) for seq, a, b in its["cut"]),
        )
        for vantage, its in body["batches"]
    }
    return Part(
        date.fromisoformat(body["day"]),
        int(body["part"]),
        str(body["zone"]),
        int(body["rows"]),
        int(body["points"]),
        int(body["bytes"]),
        str(body["sha256"]),
        taken,
        body["pruned_at"],
        body["announced_at"],
    )
