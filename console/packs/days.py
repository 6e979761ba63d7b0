"""The log's days as members of a pack: as they lie in the folder, or with the records of other points withheld."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from console.packs.check_log import OTHERS
from console.packs.content import Source
from monitor.canonical import canonical, parse_line
from monitor.evidence.folder import LogFolder
from monitor.evidence.known import day_before
from monitor.evidence.tree import inclusion, leaf_hash
from monitor.finding import refuse
from monitor.period import Period

CHUNK = 1 << 20
FILES = ("frontier.json", "prev.note", "checkpoint.note")
_KIND = re.compile(rb'"k":"(\w+)"')
_POINT = re.compile(rb'"point":("(?:[^"\\]|\\.)*")')


def chosen(folder: LogFolder, period: Period, until: str) -> list[str]:
    """Return the days of a pack: from the period's first, or the nearest before it of which the state is known, or the log's first.

    InputError if nothing is sealed, or `until` ("" for the last sealed day) is none of the sealed days.
    """
    days = folder.days()
    if not days:
        raise refuse("还没有封存任何一天 no day is sealed yet", "camsla evidence seal", column="days")
    last = until or days[-1]
    if last not in days:
        raise refuse(f"{last} 没有封存 is not sealed", f"{days[0]} … {days[-1]}", column="--until")
    first = str(period.first)
    if last < first:
        raise refuse(f"{last} 早于期间 before the period {period.label}", f"{first} …", column="--until")
    known = [day for day in folder.states() if day in days and day < first]
    begin = days[0] if not known else days[days.index(known[-1]) + 1]
    return days[days.index(begin) : days.index(last) + 1]


def members(folder: LogFolder, days: list[str], only: frozenset[str] | None) -> dict[str, Source]:
    """Return the days' members; records are read from the folder each time, everything else now."""
    found: dict[str, Source] = {}
    for day in days:
        place = folder.path / day
        for name in FILES:
            found[f"log/{day}/{name}"] = (place / name).read_bytes()
        found[f"log/{day}/records.ndjson"] = _reading(place / "records.ndjson", only)
    if days[0] != folder.days()[0]:
        before = day_before(days[0], 1)
        found["log/state.json"] = folder.state(before) + b"\n"
        found["log/state.proof.json"] = canonical(_proof(folder, before)).encode() + b"\n"
    return found


def first_size(folder: LogFolder, day: str) -> int:
    """Return how many leaves the log has before a day."""
    return folder.read_day(day).frontier.size


def _proof(folder: LogFolder, day: str) -> dict[str, Any]:
    """The last leaf of a day and its path in the tree after it."""
    sealed = folder.read_day(day)
    leaves = [leaf_hash(line) for line in sealed.lines]
    leaf = sealed.frontier.size + len(leaves) - 1
    path = inclusion(sealed.frontier, leaves, leaf)
    return {"line": sealed.lines[-1].decode(), "leaf": leaf, "path": [one.hex() for one in path]}


def _reading(path: Path, only: frozenset[str] | None) -> Callable[[], Iterable[bytes]]:
    return partial(pieces, path) if only is None else partial(withheld, path, only)


def pieces(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def withheld(path: Path, only: frozenset[str]) -> Iterator[bytes]:
    """Yield a day's lines, those of other points as their leaf hash."""
    with path.open("rb") as file:
        for line in file:
            text = line.rstrip(b"\n")
            yield line if _shown(text, only) else b"~" + leaf_hash(text).hex().encode() + b"\n"


def _shown(line: bytes, only: frozenset[str]) -> bool:
    if not any(b'"k":"%b"' % kind.encode() in line for kind in OTHERS):
        return True
    found = _POINT.search(line)
    if found is not None and json.loads(found[1]) in only:
        return True
    record = parse_line(line)  # a text of the record may look like a field: only parsing tells
    return record["k"] not in OTHERS or record["point"] in only


def attested(folder: LogFolder, days: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the `att` records of the days."""
    for day in days:
        with (folder.path / day / "records.ndjson").open("rb") as file:
            for line in file:
                if b'"k":"att"' in line:
                    record = parse_line(line.rstrip(b"\n"))
                    if record["k"] == "att":
                        yield record
