"""A mapping proposed from a file's headings, for somebody to correct and save."""

from __future__ import annotations

import json

from console.authority.layout import Column
from console.authority.reading import AuthorityFile


def proposal(read: AuthorityFile) -> str:
    """Return a mapping as YAML: every heading with the field that it was taken for, comments saying the rest."""
    lines = [f"# {read.file}"]
    said: dict[str, str] = {}
    for layout in read.layouts:
        sheet = f"工作表 sheet “{layout.sheet}”，" if layout.sheet else ""
        lines.append(f"# {sheet}表头 heading: 第 {layout.line} 行 line")
        for column in layout.columns:
            lines.append(f"#   第 {column.at + 1} 列 column: {_plain(column.name)} → {_meaning(column)}")
            said.setdefault(column.headings[-1] if column.headings else "", column.field)
        for column in layout.strange:
            lines.append(
                f"#   第 {column.at + 1} 列 column: {_plain(column.name) or '（无表头 no heading）'} → 未识别 not understood"
            )
            said.setdefault(column.headings[-1] if column.headings else "", "ignore")
    lines.append("columns:")
    # JSON strings are YAML strings: whatever stands in a heading stays a heading.
    lines += [f"  {json.dumps(heading, ensure_ascii=False)}: {field}" for heading, field in said.items() if heading]
    lines += ["# phases: {对方的期次名: phase-1}", "# rates: percent | share | each", "# figure: rate | counts"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _meaning(column: Column) -> str:
    parts: list[str] = [column.field]
    if column.when is not None:
        year = "" if column.when.year is None else f"{column.when.year}-"
        month, quarter = column.when.month, column.when.quarter
        parts.append(f"{year}{month:02d}" if month is not None else f"{year}Q{quarter}")
    if column.phase:
        parts.append(column.phase)
    return "，".join(parts)
