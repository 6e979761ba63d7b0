"""An authority's file before it is brought in: its first rows as people see them, and what each column is taken for.

Runs in a worker process: what comes in and goes out is plain data, and bad input is told as findings, never raised.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from console.authority.cell import text_of
from console.authority.layout import Column, Layout
from console.authority.mapping import Mapping
from console.authority.periods import When
from console.authority.reading import Asked, AuthorityFile, read_authority
from console.authority.words import FIELDS
from monitor.finding import Finding, InputError
from monitor.roster.table import Sheet, read_source
from settlement.authority import Figure
from settlement.contract import Terms

SHOWN_ROWS = 14
SHOWN_COLUMNS = 40
SHOWN_SHEETS = 6

FIELD_ZH: dict[str, str] = {
    "phase": "期次",
    "point": "点位编号",
    "device": "设备编码",
    "name": "名称",
    "period": "月份或季度",
    "rate": "在线率",
    "fault": "故障率",
    "points": "点位数",
    "due": "应在线数",
    "online": "在线数",
    "offline": "离线数",
    "checks": "检测次数",
    "checks_online": "在线次数",
    "checks_offline": "离线次数",
    "time": "应在线时长",
    "time_online": "在线时长",
    "time_offline": "离线时长",
    "ignore": "不读",
}
"""What a column can be; message ids."""


class Heading(NamedTuple):
    """A column as it was understood: its place from 1, its lowest heading, and the field; "" where it is not understood."""

    at: int
    name: str
    key: str
    field: str
    when: str
    phase: str


class SheetPreview(NamedTuple):
    """A sheet's first rows with their line numbers; `line` is where its heading begins, 0 if none was found."""

    name: str
    line: int
    titles: tuple[str, ...]
    headings: tuple[Heading, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    more: int

    @property
    def width(self) -> int:
        """How many columns are shown."""
        return max((len(cells) for _, cells in self.rows), default=0)

    def heading(self, at: int) -> Heading | None:
        """Return what was made of the column at a place from 1."""
        return next((heading for heading in self.headings if heading.at == at), None)


class Preview(NamedTuple):
    """A file as it would be brought in. `read` is None where `findings` say why it cannot be."""

    name: str
    sheets: tuple[SheetPreview, ...]
    figures: tuple[Figure, ...]
    notes: tuple[tuple[int, str], ...]
    reference: str
    period: str
    sha256: str
    findings: tuple[Finding, ...]

    @property
    def periods(self) -> list[str]:
        """The periods that the figures are of."""
        return sorted({figure.period for figure in self.figures})

    @property
    def points(self) -> int:
        """How many points the file names."""
        return len({figure.code for figure in self.figures if figure.of_point})


def preview(body: bytes, name: str, terms: Terms, mapping: Mapping, asked: Asked) -> Preview:
    """Read an uploaded file. What is wrong with it is in `findings`; the rows are shown all the same if there are any."""
    with tempfile.TemporaryDirectory(prefix="camsla-upload-") as folder:
        path = Path(folder) / f"upload{Path(name).suffix.lower()[:10]}"
        path.write_bytes(body)
        sheets: Sequence[Sheet] = ()
        read: AuthorityFile | None = None
        layouts: Sequence[Layout] = ()
        findings: tuple[Finding, ...] = ()
        try:
            sheets = read_source(path).sheets
            layouts = read_authority(path, terms, mapping, asked, headings_only=True).layouts
            read = read_authority(path, terms, mapping, asked)
        except InputError as error:
            findings = tuple(Finding("", f.line, f.column, f.message, f.remedy, f.level) for f in error.findings)
    by_name = {layout.sheet: layout for layout in layouts}
    shown = tuple(_sheet(sheet, by_name.get(sheet.name)) for sheet in sheets[:SHOWN_SHEETS])
    if read is None:
        return Preview(name, shown, (), (), "", "", "", findings)
    return Preview(name, shown, read.figures, read.notes, read.reference, read.period, read.sha256, findings)


def _sheet(sheet: Sheet, layout: Layout | None) -> SheetPreview:
    rows = tuple(
        (line, tuple(text_of(cell)[:60] for cell in cells[:SHOWN_COLUMNS])) for line, cells in sheet.rows[:SHOWN_ROWS]
    )
    more = max(0, len(sheet.rows) - SHOWN_ROWS)
    if layout is None:
        return SheetPreview(sheet.name, 0, (), (), rows, more)
    headings = [_heading(column, column.field) for column in layout.columns]
    headings += [_heading(column, "") for column in layout.strange]
    found = tuple(sorted(headings))
    return SheetPreview(sheet.name, layout.line, layout.titles, found, rows, more)


def _heading(column: Column, field: str) -> Heading:
    when = "" if column.when is None else column.when.label(None) or _yearless(column.when)
    key = column.headings[-1] if column.headings else ""
    return Heading(column.at + 1, column.name, key, field, when, column.phase or "")


def _yearless(when: When) -> str:
    return f"{when.month}月" if when.month is not None else f"Q{when.quarter}"


def fields() -> list[str]:
    """Return what a column can be, in the order that a form offers it."""
    return list(FIELDS)
