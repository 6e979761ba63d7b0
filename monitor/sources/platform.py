"""The video platform's own inspections (设备编码, 检测时间, 状态, 检测方式) as runs: evidence, but not our measurement.

Each inspection holds for a declared time. Inspections by different methods see different things and stay apart: the
vantage is `NAME` or `NAME/检测方式`. Times without a zone are the contract zone's. Rows of devices that no point has are
reconciling items (对方有我方无): reported, and no reason to stop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.finding import Finding, InputError
from monitor.model import MICROSECONDS, Instant, Outcome, Reason, Run, Rung, State
from monitor.origin import Origin
from monitor.period import ZONE
from monitor.sources.csvfile import MAX_FINDINGS, Complaints, instant, read_content, rows_of

MAX_BYTES = 400_000_000
MAX_ROWS = 2_000_000
MAX_METHOD = 32
COLUMNS = ("设备编码", "检测时间", "状态")

_ONLINE = Outcome(State.ONLINE, Reason.OK, Rung.PLATFORM)
_OFFLINE = Outcome(State.OFFLINE, Reason.PLATFORM, Rung.PLATFORM)
_UNKNOWN = Outcome(State.UNKNOWN, Reason.WATCHER, Rung.PLATFORM)
_WORDS: Mapping[str, Outcome] = {
    **dict.fromkeys(("在线", "正常", "online", "on", "1"), _ONLINE),
    **dict.fromkeys(("离线", "掉线", "不在线", "异常", "故障", "offline", "off", "0"), _OFFLINE),
    **dict.fromkeys(("未知", "未检测", "检测失败", "unknown"), _UNKNOWN),
}
# Spreadsheets drop leading zeros: 2020/7/1 8:05.
_LOOSE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class PlatformFile:
    """Runs by vantage, point and time; `origin` has the line of each run's first inspection; `warnings` the strangers."""

    runs: list[Run]
    origin: Origin
    warnings: tuple[Finding, ...]


class _Seen(NamedTuple):
    vantage: str
    point: str
    at: Instant
    line: int
    outcome: Outcome


def read_platform(
    path: Path,
    point_of: Callable[[str, Instant], str | None],
    *,
    valid_s: int,
    vantage: str = "platform",
    zone: str = ZONE,
) -> PlatformFile:
    """Read an inspection export; `point_of` finds the point of a device code at an instant.

    Raises InputError with every complaint: unreadable times and states, one device found in two states at one instant
    by one method, or not one device that the ledger knows.
    """
    complaints = Complaints(str(path))
    content = read_content(path, complaints, max_bytes=MAX_BYTES)
    seen: list[_Seen] = []
    strangers: dict[str, tuple[int, int]] = {}
    local = ZoneInfo(zone)
    if content is not None:
        for line, cells in rows_of(content, COLUMNS, ("检测方式",), complaints, max_rows=MAX_ROWS):
            device, when, word, method = cells
            at = _instant(when, local, line, complaints)
            outcome = _WORDS.get(word.lower())
            if outcome is None:
                complaints.add(line, "状态", f"没有这种状态 no such state: {word[:20]!r}", " | ".join(_WORDS))
            if len(method) > MAX_METHOD:
                complaints.add(line, "检测方式", f"超过 {MAX_METHOD} 字 too long", "改短 shorten it")
            if at is None or outcome is None:
                continue
            point = point_of(device, at)
            if point is None:
                first, count = strangers.get(device, (line, 0))
                strangers[device] = (first, count + 1)
                continue
            seen.append(_Seen(f"{vantage}/{method}" if method else vantage, point, at, line, outcome))
    runs, lines = _runs(seen, valid_s, complaints)
    if content is not None and not complaints.count and not runs:
        complaints.add(
            0, "设备编码", "没有一台设备在台账中 not one device is in the ledger", "先导入点位 import the points first"
        )
    if complaints.count or content is None:
        raise InputError(complaints.findings())
    return PlatformFile(runs, Origin(str(path), content.sha256, lines), _warnings(str(path), strangers))


def _runs(seen: list[_Seen], valid_s: int, complaints: Complaints) -> tuple[list[Run], list[int]]:
    """Join inspections of one outcome, no two further apart than they hold."""
    runs: list[Run] = []
    lines: list[int] = []
    seen.sort()
    before: _Seen | None = None
    for item in seen:
        same = before is not None and before[:2] == item[:2]
        if before is not None and same and before.at == item.at:
            if before.outcome != item.outcome:
                message = f"与第 {before.line} 行同一时刻状态不同 another state than line {before.line} at one instant"
                complaints.add(item.line, "状态", message, "核对导出 check the export")
            continue
        if (
            before is not None
            and same
            and before.outcome == item.outcome
            and item.at - before.at <= valid_s * MICROSECONDS
        ):
            last = runs[-1]
            runs[-1] = Run(last.point, last.vantage, last.first, item.at, last.count + 1, last.outcome, valid_s)
        else:
            runs.append(Run(item.point, item.vantage, item.at, item.at, 1, item.outcome, valid_s))
            lines.append(item.line)
        before = item
    return runs, lines


def _instant(text: str, zone: ZoneInfo, line: int, complaints: Complaints) -> Instant | None:
    found = _LOOSE.fullmatch(text)
    if found is None:
        return instant(text, line, "检测时间", complaints)
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return instant(text, line, "检测时间", complaints)
    return Instant(int(moment.timestamp()) * MICROSECONDS)


def _warnings(file: str, strangers: Mapping[str, tuple[int, int]]) -> tuple[Finding, ...]:
    found = [
        Finding(
            file,
            line,
            "设备编码",
            f"对方有我方无 no point has this device: {device[:40]!r}（{count} 行 rows）",
            "核对设备编码，未导入这些行 check the code; these rows were left out",
            "warning",
        )
        for device, (line, count) in sorted(strangers.items(), key=lambda item: item[1])[:MAX_FINDINGS]
    ]
    if len(strangers) > len(found):
        message = f"另有 {len(strangers) - len(found)} 台设备未列出 more devices not listed"
        found.append(Finding(file, 0, "设备编码", message, "", "warning"))
    return tuple(found)
