"""A whole table as a file: CSV for programs and spreadsheets, XLSX for offices, JSON. No cell ever runs as a formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, TypeVar
from urllib.parse import quote

import xlsxwriter  # type: ignore[import-untyped]
from aiohttp import web

from console.web.table import MOST_EXPORT_ROWS, Column, TableQuery, chosen, ordered, searched
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.model import MICROSECONDS
from settlement.reports.cells import FORMULA, safe

Row = TypeVar("Row")
Exported = str | int | float | None


async def exported(
    visit: Visit, rows: Sequence[Row], columns: Sequence[Column[Row]], query: TableQuery, name: str
) -> web.Response:
    """Return all rows that the query finds as a file of its format. InputError where they are more than 200,000."""
    found = ordered(searched(rows, columns, query), columns, query)
    if len(found) > MOST_EXPORT_ROWS:
        raise refuse(
            f"{len(found):,} 行，超过一次导出的上限 more rows than one export takes ({MOST_EXPORT_ROWS:,})",
            "加上筛选条件 narrow it with filters",
        )
    shown = chosen(columns, query)
    heads = [(column.key, visit.say(column.label)) for column in shown]
    cells = [[plain(column, row, visit.say) for column in shown] for row in found]
    make, media = _FORMATS[query.format]
    body = await visit.aside(make, heads, cells)
    return attachment(body, media, f"{name}.{query.format}")


def attachment(body: bytes, media: str, name: str) -> web.Response:
    """Return a file to be saved under a name."""
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return web.Response(body=body, content_type=media, headers={"Content-Disposition": disposition})


def plain(column: Column[Row], row: Row, say: Callable[[str], str]) -> Exported:
    """Return a cell's value as a file holds it: money in yuan, percentages as numbers of percent, instants as ISO."""
    value = column.value(row)
    if value is None:
        return None
    match column.kind:
        case "money":
            return int(value) / 100
        case "percent":
            return round(float(Fraction(value)) * 100, 6)
        case "instant":
            return (
                datetime.fromtimestamp(value / MICROSECONDS, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            )
        case "badge":
            return say(str(value))
        case "number" | "duration":
            return value if isinstance(value, int | float) else float(value)
        case _:
            return str(value)


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] and text[0] in FORMULA else text


def _csv(heads: list[tuple[str, str]], cells: list[list[Exported]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([harmless(label) for _, label in heads])
    writer.writerows([harmless(value) if isinstance(value, str) else value for value in row] for row in cells)
    return b"\xef\xbb\xbf" + out.getvalue().encode()  # Excel takes UTF-8 for GBK without the mark


def _xlsx(heads: list[tuple[str, str]], cells: list[list[Exported]]) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001  equal tables give equal bytes
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "bottom": 1})
    for n, (_, label) in enumerate(heads):
        sheet.write_string(0, n, safe(label), bold)
        widest = max([len(label) * 2, *(len(str(row[n] or "")) for row in cells[:200])])
        sheet.set_column(n, n, min(60, widest + 2))
    sheet.freeze_panes(1, 0)
    if cells:
        sheet.autofilter(0, 0, len(cells), len(heads) - 1)
    for line, row in enumerate(cells, start=1):
        for n, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(line, n, safe(value))  # the writer has markup of its own
            elif value is not None:
                sheet.write_number(line, n, value)
    book.close()
    return out.getvalue()


def _json(heads: list[tuple[str, str]], cells: list[list[Exported]]) -> bytes:
    keys = [key for key, _ in heads]
    rows: list[dict[str, Any]] = [dict(zip(keys, row, strict=True)) for row in cells]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


_FORMATS: dict[str, tuple[Callable[[list[tuple[str, str]], list[list[Exported]]], bytes], str]] = {
    "csv": (_csv, "text/csv"),
    "xlsx": (_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "json": (_json, "application/json"),
}
