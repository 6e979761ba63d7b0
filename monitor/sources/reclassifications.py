"""Claims that unknown time was online or offline (补判): point, start, end, to, reason. One row per point and span."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor.finding import InputError
from monitor.model import Reclassification, State
from monitor.origin import Origin
from monitor.sources.csvfile import Complaints, instant, read_content, rows_of

COLUMNS = ("point", "start", "end", "to", "reason")
MAX_ROWS = 50_000
STATES = {"online": State.ONLINE, "offline": State.OFFLINE, "在线": State.ONLINE, "离线": State.OFFLINE}


@dataclass(frozen=True, slots=True)
class ReclassificationFile:
    """A file's claims in its own order."""

    rows: list[Reclassification]
    origin: Origin


def read_reclassifications(path: Path) -> ReclassificationFile:
    """Read claims. Raises InputError with every complaint."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints)
    found: list[Reclassification] = []
    lines: list[int] = []
    if content is not None:
        for line, (point, begun, ended, to, reason) in rows_of(content, COLUMNS, (), complaints, max_rows=MAX_ROWS):
            start, end = instant(begun, line, "start", complaints), instant(ended, line, "end", complaints)
            state = STATES.get(to.lower())
            if not point:
                complaints.add(line, "point", "点位编号为空 no point code", "补上编号 give one")
            if state is None:
                complaints.add(line, "to", f"不是补判的状态 not a state: {to[:20]!r}", "online 在线 | offline 离线")
            if not reason:
                complaints.add(line, "reason", "没有事由 no reason", "写明事由 say why")
            if start is None or end is None or state is None:
                continue
            if end <= start:
                complaints.add(line, "end", "结束不晚于开始 end is not after start", "改正时刻 correct the instants")
            found.append(Reclassification(point, start, end, state, reason))
            lines.append(line)
        if not found and not complaints.count:
            complaints.add(0, "", "没有数据行 no rows", "至少一行 at least one")
    if complaints.count or content is None:
        raise InputError(complaints.findings())
    return ReclassificationFile(found, Origin(str(path), content.sha256, lines))
