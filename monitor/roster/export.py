"""The ledger as a file in the template that imports read: CSV or XLSX, without logins, safe to open in a spreadsheet.

What was exported can be imported again and changes nothing. A cell that a spreadsheet would run as a formula is led by
an apostrophe, which the import takes away again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import xlsxwriter  # type: ignore[import-untyped]

from monitor.points import EXTRA, CameraSpec, Fact, RosterPoint, host_of
from monitor.roster.cells import FORMULA
from monitor.roster.columns import EXPORTED, ColumnSpec, Reading
from monitor.roster.difference import shown_fact, shown_pauses

_DANGER = re.compile(rf"'*[{re.escape(FORMULA)}]")
_IPV4 = re.compile(r"[0-9.]+")
_FIRST_YEAR = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook's creation date, fixed so that equal ledgers give equal bytes
TITLE = "点位台账"


def to_csv(points: Sequence[RosterPoint], cameras: Mapping[str, CameraSpec]) -> bytes:
    """Return UTF-8 with a byte-order mark (Excel needs it), lines ended by CR LF; one row per point."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.header for column in EXPORTED])
    writer.writerows(_rows(points, cameras))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def to_xlsx(points: Sequence[RosterPoint], cameras: Mapping[str, CameraSpec]) -> bytes:
    """Return a workbook with one sheet 点位台账; every cell is text, so that no code loses digits."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"created": _FIRST_YEAR})
    sheet = book.add_worksheet(TITLE)
    bold = book.add_format({"bold": True})
    text = book.add_format({"num_format": "@"})
    for at, column in enumerate(EXPORTED):
        sheet.write_string(0, at, column.header, bold)
    for line, row in enumerate(_rows(points, cameras), 1):
        for at, cell in enumerate(row):
            if cell:
                sheet.write_string(line, at, cell, text)
    sheet.freeze_panes(1, 2)
    book.close()
    return out.getvalue()


def _rows(points: Sequence[RosterPoint], cameras: Mapping[str, CameraSpec]) -> Iterator[list[str]]:
    for number, point in enumerate(points, 1):
        camera = cameras.get(point.code, CameraSpec())
        yield [escaped(_cell(column, number, point, camera)) for column in EXPORTED]


def _cell(column: ColumnSpec, number: int, point: RosterPoint, camera: CameraSpec) -> str:
    if column.reading is Reading.NUMBERING:
        return str(number)
    if column.reading is Reading.PAUSES:
        return shown_pauses(point.pauses)
    if column.reading is Reading.IPV4:
        host = host_of(camera.rtsp_url)
        return host if _IPV4.fullmatch(host) else ""
    if column.key.startswith(EXTRA):
        return point.extra.get(column.key[len(EXTRA) :], "")
    if hasattr(camera, column.key):
        return str(getattr(camera, column.key))
    value: Fact = getattr(point, "category" if column.key == "class" else column.key)
    return shown_fact(column.key, value)


def escaped(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, nor the writer for its own markup (it takes <r>…</r> so)."""
    return "'" + text if _DANGER.match(text) or text.startswith("<r>") else text
