"""Runs that somebody else recorded, and the gaps of whoever watched.

    runs   point, vantage, first, last, count, state, reason, rung, valid_s
    gaps   vantage, start, end, cause [, point: empty means all points of the vantage]

Instants are ISO 8601 with zone, or whole microseconds since 1970 UTC (15 to 17 digits). Limits: 400 MB and 2,000,000
runs a file; the rest see monitor/sources/csvfile.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.finding import Finding, InputError
from monitor.model import MICROSECONDS, STATE_OF, Gap, Instant, Outcome, Reason, Run, Rung, State
from monitor.origin import Origin
from monitor.sources.csvfile import Complaints, instant, read_content, rows_of

MAX_BYTES = 400_000_000
MAX_ROWS = 2_000_000
MAX_COUNT = 1_000_000_000
MAX_VALID_S = 31 * 86_400
MAX_NAME = 64

RUN_COLUMNS = ("point", "vantage", "first", "last", "count", "state", "reason", "rung", "valid_s")
GAP_COLUMNS = ("vantage", "start", "end", "cause")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REASONS = {reason.value: reason for reason in Reason}
_RUNGS = {rung.value: rung for rung in Rung}
_STATES = frozenset(state.value for state in State)


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file's runs in its own order. `warnings` doubt rows that are taken as they stand."""

    runs: list[Run]
    origin: Origin
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class GapFile:
    """A file's gaps in its own order."""

    gaps: list[Gap]
    origin: Origin


def read_runs(path: Path) -> RunFile:
    """Read a runs file. Raises InputError with every complaint; nothing is checked against the ledger here."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints, max_bytes=MAX_BYTES)
    runs: list[Run] = []
    lines: list[int] = []
    outcomes: dict[tuple[str, str, str], Outcome | None] = {}
    doubtful: list[int] = []
    if content is not None:
        for line, cells in rows_of(content, RUN_COLUMNS, (), complaints, max_rows=MAX_ROWS):
            point, vantage, begun, ended, count, state, reason, rung, valid = cells
            key = (state, reason, rung)
            outcome = outcomes.get(key)
            if outcome is None:
                outcome = outcomes[key] = _outcome(state, reason, rung, line, complaints)
            first, last = _instant(begun, line, "first", complaints), _instant(ended, line, "last", complaints)
            n = _number(count, 1, MAX_COUNT, line, "count", complaints)
            valid_s = _number(valid, 1, MAX_VALID_S, line, "valid_s", complaints)
            named = _named(point, line, "point", complaints) and _named(vantage, line, "vantage", complaints)
            if first is None or last is None or n is None or valid_s is None or outcome is None or not named:
                continue
            if last < first:
                complaints.add(line, "last", "末次早于首次 last is before first", "改正时刻 correct the instants")
            elif last - first > (n - 1) * valid_s * MICROSECONDS:
                doubtful.append(line)
            runs.append(Run(point, vantage, first, last, n, outcome, valid_s))
            lines.append(line)
    if complaints.count or content is None:
        raise InputError(complaints.findings())
    warnings: tuple[Finding, ...] = ()
    if doubtful:
        message = f"{len(doubtful)} 段的次数少于有效期所需 runs have fewer samples than valid_s asks for their length"
        remedy = "核对 count 与 valid_s check them; taken as they stand"
        warnings = (Finding(str(path), doubtful[0], "count", message, remedy, "warning"),)
    return RunFile(runs, Origin(str(path), content.sha256, lines), warnings)


def read_gaps(path: Path) -> GapFile:
    """Read a gaps file. Raises InputError with every complaint."""
    complaints = Complaints(str(path))
    content = read_content(path, complaints)
    gaps: list[Gap] = []
    lines: list[int] = []
    if content is not None:
        for line, (vantage, begun, ended, cause, point) in rows_of(content, GAP_COLUMNS, ("point",), complaints):
            start, end = _instant(begun, line, "start", complaints), _instant(ended, line, "end", complaints)
            _named(vantage, line, "vantage", complaints)
            if not cause:
                complaints.add(line, "cause", "没有原因 no cause", "写明原因 say why nothing was watched")
            if start is None or end is None:
                continue
            if end <= start:
                complaints.add(line, "end", "结束不晚于开始 end is not after start", "改正时刻 correct the instants")
            gaps.append(Gap(vantage, start, end, cause, point or None))
            lines.append(line)
    if complaints.count or content is None:
        raise InputError(complaints.findings())
    return GapFile(gaps, Origin(str(path), content.sha256, lines))


def _instant(text: str, line: int, column: str, complaints: Complaints) -> Instant | None:
    if 15 <= len(text) <= 17 and text.isascii() and text.isdecimal():
        return Instant(int(text))
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return Instant((moment - _EPOCH) // _MICROSECOND)
    except ValueError:
        pass
    return instant(text, line, column, complaints)


def _number(text: str, low: int, high: int, line: int, column: str, complaints: Complaints) -> int | None:
    if text.isascii() and text.isdecimal() and len(text) <= 12 and low <= (number := int(text)) <= high:
        return number
    complaints.add(
        line, column, f"不是 {low}–{high:,} 的整数 not such a whole number: {text[:20]!r}", "改正 correct it"
    )
    return None


def _named(text: str, line: int, column: str, complaints: Complaints) -> bool:
    if text and len(text) <= MAX_NAME:
        return True
    complaints.add(line, column, f"须为 1–{MAX_NAME} 个字符 must have 1 to {MAX_NAME} characters", "改正 correct it")
    return False


def _outcome(state: str, reason: str, rung: str, line: int, complaints: Complaints) -> Outcome | None:
    """Return the outcome of three words that belong together; an online run needs no reason."""
    sound = True
    if state not in _STATES:
        complaints.add(line, "state", f"没有这种状态 no such state: {state[:20]!r}", "online | offline | unknown")
        sound = False
    why = Reason.OK if state == "online" and not reason else _REASONS.get(reason)
    if why is None:
        known = " | ".join(item.value for item in Reason)
        complaints.add(line, "reason", f"没有这种原因 no such reason: {reason[:20]!r}", known)
        sound = False
    elif sound and STATE_OF[why].value != state:
        message = f"原因 {why.value} 属于 {STATE_OF[why].value} 而非 belongs to it, not to {state}"
        complaints.add(line, "reason", message, "改正状态或原因 correct state or reason")
        sound = False
    how = _RUNGS.get(rung)
    if how is None:
        complaints.add(line, "rung", f"没有这一级 no such rung: {rung[:20]!r}", " | ".join(item.value for item in Rung))
    return Outcome(State(state), why, how) if sound and why is not None and how is not None else None
