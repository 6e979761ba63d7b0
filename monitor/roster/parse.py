"""Table rows → point rows, with a finding for every cell that cannot be used.

Rows keep only what their file states: a column that is missing there is missing here, so that an import of a few
columns leaves the others as they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.points import EXTRA, FACT_DEFAULTS, RosterPoint
from monitor.roster.columns import BY_FIELD, ColumnSpec, Place
from monitor.roster.mapping import DEFAULT, ColumnMapping
from monitor.roster.rows import PointRow, RowReader
from monitor.roster.table import MAX_ROWS, MAX_TITLE_ROWS, Sheet, Source, read_source


@dataclass(frozen=True, slots=True)
class PointsFile:
    """A file's rows with everything that was found wrong; `headers` gives a field's heading in that file."""

    file: str
    sha256: str
    rows: tuple[PointRow, ...]
    findings: tuple[Finding, ...]
    headers: Mapping[str, str]

    def checked(self) -> tuple[PointRow, ...]:
        """Return the rows, or raise InputError with every error."""
        if any(finding.level == "error" for finding in self.findings):
            raise InputError(sorted(self.findings))
        return self.rows

    def heading(self, name: str) -> str:
        """Return the heading under which the file has a field, or the template's."""
        return self.headers.get(name) or (BY_FIELD[name].header if name in BY_FIELD else name)


def read_points(path: Path, mapping: ColumnMapping = DEFAULT) -> PointsFile:
    """Read a points file (CSV, XLSX, XLS). Bad rows become findings; InputError only if no table is found in it."""
    source = read_source(path)
    sheet, at = _header(source, mapping)
    findings: list[Finding] = []
    columns = _columns(source.file, sheet, at, mapping, findings)
    body = sheet.rows[at + 1 :]
    if not body:
        raise refuse("点位表没有数据行 the table has no rows", "表头下至少一行 at least one row", file=source.file)
    if len(body) > MAX_ROWS:
        raise refuse(f"超过 {MAX_ROWS:,} 行 too many rows", "拆成几个文件 split it", file=source.file)
    headers = {column.field: heading for _, column, heading in columns}
    key = "code" if "code" in headers else "gb_code"
    if key not in headers:
        message, remedy = "缺少“点位编号”或“设备编码”列 no point code column", "补上该列或写列映射 add it or map it"
        findings.append(Finding(source.file, sheet.rows[at][0], "", message, remedy))
    reader = RowReader(source.file, key, columns, findings)
    rows = [row for item in body if (row := reader.row(item)) is not None]
    findings += _repeated_codes(source.file, rows, headers.get(key, ""))
    return PointsFile(source.file, source.sha256, tuple(rows), tuple(findings), headers)


def roster_of(rows: Sequence[PointRow]) -> list[RosterPoint]:
    """Return a roster straight from a file's rows, its facts holding for all time; point ids are 0."""
    return sorted((_roster_point(row) for row in rows), key=lambda point: point.code)


def _roster_point(row: PointRow) -> RosterPoint:
    facts = {**FACT_DEFAULTS, **row.facts}
    known = {name: facts[name] for name in FACT_DEFAULTS if name != "class"}
    extra = {name[len(EXTRA) :]: str(value) for name, value in facts.items() if name.startswith(EXTRA) and value}
    return RosterPoint(
        0,
        row.code,
        Instant(0),
        None,
        category=str(facts["class"]),
        extra=extra,
        pauses=row.pauses or (),
        **known,  # type: ignore[arg-type]
    )


def _header(source: Source, mapping: ColumnMapping) -> tuple[Sheet, int]:
    """Find the heading row: the first of the top rows with two known headings, or a code's heading alone."""
    for sheet in source.sheets:
        for at, (_, row) in enumerate(sheet.rows[:MAX_TITLE_ROWS]):
            filled = [cell for cell in row if isinstance(cell, str) and cell.strip()]
            known = {name for cell in filled if (name := mapping.field_of(cell))}
            if len(known) >= 2 or (known & {"code", "gb_code"} and len(filled) == 1):
                return sheet, at
    raise refuse(
        "找不到表头 no heading row found",
        "须有“点位编号”或“设备编码”列，表头在前 30 行内 a point code column is needed, within the first 30 rows",
        file=source.file,
    )


def _columns(
    file: str, sheet: Sheet, at: int, mapping: ColumnMapping, findings: list[Finding]
) -> list[tuple[int, ColumnSpec, str]]:
    """Return (position, column, heading) of the headings; unknown and repeated ones are findings."""
    line, header = sheet.rows[at]
    found: dict[str, tuple[int, ColumnSpec, str]] = {}
    width = max(len(row) for _, row in sheet.rows[at:])
    for place in range(width):
        heading = str(header[place] if place < len(header) and header[place] is not None else "").strip()
        if not heading:
            if any(place < len(row) and row[place] not in {"", None} for _, row in sheet.rows[at + 1 :]):
                message = f"第 {place + 1} 列有数据而无表头 column {place + 1} has data and no heading"
                findings.append(Finding(file, line, "", message, "补上表头或清空该列 name it or clear it"))
            continue
        name = mapping.field_of(heading)
        if name is None:
            remedy = f"写入列映射（columns 或 ignore）add it to the mapping {mapping.name!r}, under columns or ignore"
            findings.append(Finding(file, line, heading, "未知的列 unknown column", remedy))
        elif name in found:
            message = f"与“{found[name][2]}”是同一字段 the same field as {name}"
            findings.append(Finding(file, line, heading, message, "只留一列 keep one of them"))
        elif name:
            found[name] = (place, BY_FIELD[name], heading)
    return [item for item in found.values() if item[1].place != Place.NOWHERE]


def _repeated_codes(file: str, rows: Sequence[PointRow], heading: str) -> list[Finding]:
    first: dict[str, int] = {}
    findings = []
    for row in rows:
        if row.code in first:
            message = (
                f"点位重复 duplicate point {row.code!r}，另见第 {first[row.code]} 行 also on row {first[row.code]}"
            )
            findings.append(Finding(file, row.line, heading, message, "每个点位一行 one row per point"))
        first.setdefault(row.code, row.line)
    return findings
