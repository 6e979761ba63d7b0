"""A plan for people and programs: a table, a summary line and JSON. Passwords appear as *** at most."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from monitor.points import KIND_ZH, Change, Fact, Kind, Pause, Plan
from monitor.roster.cells import shown
from monitor.roster.columns import BY_FIELD

HEADER = ("行 row", "点位 point", "变化 kind", "生效 effective", "字段 field", "原值 old", "新值 new")
_ZH = {"valid_from": "台账起始"}


def shown_fact(key: str, value: Fact) -> str:
    """Return a fact as a file would state it: degrees in decimal, 计费止 as the last billed day."""
    if value is None or value == "":
        return ""
    if key in {"lon_e7", "lat_e7"} and isinstance(value, int):
        return degrees(value)
    if key == "billed_until" and not isinstance(value, (str, int)):
        return (value - timedelta(days=1)).isoformat()
    return shown(value)


def degrees(e7: int) -> str:
    """Return 1e-7 degrees as decimal degrees, exactly and without trailing zeros."""
    sign, rest = ("-" if e7 < 0 else ""), abs(e7)
    return f"{sign}{rest // 10_000_000}.{rest % 10_000_000:07d}".rstrip("0").rstrip(".")


def shown_pauses(pauses: Sequence[Pause]) -> str:
    """Return pauses as a file states them: `first..last`, the last day included, an open end empty."""
    parts = []
    for pause in pauses:
        last = pause.until - timedelta(days=1) if pause.until else None
        parts.append(pause.first.isoformat() if last == pause.first else f"{pause.first}..{last or ''}")
    return ";".join(parts)


def summary(plan: Plan) -> str:
    """Return the counts in one line."""
    counts = plan.counts
    parts = [f"{KIND_ZH[kind]} {kind} {counts[kind]:,}" for kind in Kind if counts[kind] or kind is Kind.UNCHANGED]
    return "｜".join(parts)


def to_rows(plan: Plan) -> list[tuple[str, ...]]:
    """Return one row per changed field under HEADER; a new point is one row, with its name."""
    rows: list[tuple[str, ...]] = []
    for entry in plan.changed:
        kinds = " ".join(f"{KIND_ZH[kind]} {kind}" for kind in entry.kinds)
        lead = (str(entry.line), entry.code, kinds, entry.effective.isoformat())
        if Kind.NEW in entry.kinds:
            name = next((change.new for change in entry.changes if change.field == "name"), "")
            rows.append((*lead, "", "", name))
            continue
        for change in entry.changes or (Change("", "", ""),):
            rows.append((*lead, _field(change.field), change.old, change.new))
            lead = ("", "", "", "")
    return rows


def to_text(plan: Plan, limit: int = 200) -> str:
    """Return the difference as an aligned table of at most `limit` rows, under the summary."""
    rows = to_rows(plan)
    shown_rows = [HEADER, *rows[:limit]] if rows else []
    widths = [max(map(_width, column)) for column in zip(*shown_rows, strict=True)]
    lines = [summary(plan)]
    for row in shown_rows:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    if len(rows) > limit:
        lines.append(f"…… 另有 {len(rows) - limit:,} 行 more rows（--json 看全部 shows all）")
    return "\n".join(lines)


def to_json(plan: Plan) -> str:
    """Return the difference as canonical JSON; unchanged points are only counted."""
    body: dict[str, Any] = {
        "file": plan.file,
        "sha256": plan.sha256,
        "effective_from": plan.effective_from.isoformat(),
        "counts": plan.counts,
        "entries": [
            {
                "point": entry.code,
                "row": entry.line,
                "kinds": [kind.value for kind in entry.kinds],
                "effective": entry.effective.isoformat(),
                "changes": [{"field": c.field, "old": c.old, "new": c.new} for c in entry.changes],
            }
            for entry in plan.changed
        ],
        "warnings": [
            {"row": w.line, "column": w.column, "message": w.message, "remedy": w.remedy} for w in plan.warnings
        ],
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _field(name: str) -> str:
    header = BY_FIELD[name].header if name in BY_FIELD else _ZH.get(name, "")
    return f"{header} {name}" if header and header.lower() != name else name


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
