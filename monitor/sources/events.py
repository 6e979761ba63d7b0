"""Events that rules count, from a file: event, point, at, until, source, and counts such as an inspection's sample."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from monitor.finding import InputError
from monitor.model import Event, Instant
from monitor.origin import Origin
from monitor.sources.csvfile import Complaints, instant, read_content, rows_of

COLUMNS = ("event", "point", "at", "until", "source")
COUNTS = ("sample", "defects", "amount_fen", "days")
"""Columns of whole numbers that rules read."""
OPTIONAL = ("phase", "incident", *COUNTS)
MAX_ROWS = 50_000
_WORD = re.compile(r"[^\s=,]{1,64}")
_COUNT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file's events in its own order."""

    events: list[Event]
    origin: Origin


def read_events(path: Path) -> EventFile:
    """Read events. An empty `until` has no duration or no end yet. Raises InputError with every complaint."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints)
    found: list[Event] = []
    lines: list[int] = []
    seen: dict[tuple[str, str, str, Instant], int] = {}
    if content is not None:
        for line, cells in rows_of(content, COLUMNS, OPTIONAL, complaints, max_rows=MAX_ROWS):
            event = _event(line, cells, complaints)
            if event is None:
                continue
            first = seen.setdefault((event.source, event.kind, event.point, event.at), line)
            if first != line:
                message = f"同一事件出现两次 the same event twice, first on line {first}"
                complaints.add(line, "event", message, "只留一行 keep one of them")
            found.append(event)
            lines.append(line)
    if complaints.count or content is None:
        raise InputError(complaints.findings())
    return EventFile(found, Origin(str(path), content.sha256, lines))


def _event(line: int, cells: tuple[str, ...], complaints: Complaints) -> Event | None:
    kind, point, begun, ended, source, phase, incident, *numbers = cells
    before = complaints.count
    if not _WORD.fullmatch(kind):
        complaints.add(line, "event", f"不是事件种类 not a kind of event: {kind[:64]!r}", "如 such as clock-off")
    if not source:
        complaints.add(line, "source", "没有来源 no source", "写明谁报的 say who reported it")
    at = instant(begun, line, "at", complaints)
    until = instant(ended, line, "until", complaints) if ended else None
    if at is not None and until is not None and until < at:
        complaints.add(line, "until", "结束早于开始 it ends before it begins", "改正时刻 correct the instants")
    counts: list[tuple[str, int]] = []
    for name, text in zip(COUNTS, numbers, strict=True):
        if text and not _COUNT.fullmatch(text):
            complaints.add(line, name, f"不是计数 not a count: {text[:40]!r}", "写非负整数 write a whole number")
        elif text:
            counts.append((name, int(text)))
    if complaints.count != before or at is None:
        return None
    return Event(kind, point, at, until, source, phase, incident, tuple(counts))
