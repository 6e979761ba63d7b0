"""Tables of working days as files: `day,working,source`, one row per holiday or worked weekend."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from monitor.finding import InputError
from monitor.sources.csvfile import Complaints, read_content, rows_of
from settlement.calendar import DayNote

COLUMNS = ("day", "working", "source")
MAX_ROWS = 5_000
_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "上班", "班", "工作日"), True),
    **dict.fromkeys(("0", "false", "no", "休息", "休", "节假日", "放假"), False),
}


def read_workdays(path: Path) -> list[DayNote]:
    """Read a table. InputError with every complaint, each with its line."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints)
    found: list[DayNote] = []
    if content is not None:
        for line, (day, working, source) in rows_of(content, COLUMNS, (), complaints, max_rows=MAX_ROWS):
            when = _day(day, line, complaints)
            worked = _WORDS.get(working.strip().lower())
            if worked is None:
                complaints.add(
                    line,
                    "working",
                    f"看不懂 not understood: {working[:20]!r}",
                    "写 上班 或 休息 write 1 (worked) or 0 (free)",
                )
            if not source.strip():
                complaints.add(line, "source", "没有依据 no source", "写通知文号 name the notice")
            if when is not None and worked is not None:
                found.append(DayNote(when, worked, source.strip(), line))
    if complaints.count or content is None:
        raise InputError(complaints.findings())
    return found


def _day(text: str, line: int, complaints: Complaints) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        complaints.add(line, "day", f"不是日期 not a day: {text[:20]!r}", "写成 2027-01-01 write it like 2027-01-01")
        return None
