"""Claims for time out of the account: point, start, end, reason. One row per point and span, as after a typhoon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor.finding import InputError
from monitor.model import Exclusion
from monitor.origin import Origin
from monitor.sources.csvfile import Complaints, instant, read_content, rows_of

COLUMNS = ("point", "start", "end", "reason")
MAX_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class ExclusionFile:
    """A file's claims in its own order."""

    exclusions: list[Exclusion]
    origin: Origin


def read_exclusions(path: Path) -> ExclusionFile:
    """Read claims; spans may overlap. Raises InputError with every complaint."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints)
    found: list[Exclusion] = []
    lines: list[int] = []
    if content is not None:
        for line, (point, begun, ended, reason) in rows_of(content, COLUMNS, (), complaints, max_rows=MAX_ROWS):
            start, end = instant(begun, line, "start", complaints), instant(ended, line, "end", complaints)
            if not point:
                complaints.add(line, "point", "点位编号为空 no point code", "补上编号 give one")
            if not reason:
                complaints.add(line, "reason", "没有事由 no reason", "写明事由 say why")
            if start is None or end is None:
                continue
            if end <= start:
                complaints.add(line, "end", "结束不晚于开始 end is not after start", "改正时刻 correct the instants")
            found.append(Exclusion(point, start, end, reason))
            lines.append(line)
    if complaints.count or content is None:
        raise InputError(complaints.findings())
    return ExclusionFile(found, Origin(str(path), content.sha256, lines))
