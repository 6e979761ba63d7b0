"""A statement as a workbook: what offices file, filter and sum. Equal statements give equal bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

from monitor.finding import refuse
from settlement.reports.cells import FONT, Formats
from settlement.reports.cover import Cover
from settlement.reports.form import notices_of
from settlement.reports.sheets import (
    MOST_ROWS,
    Moved,
    write_digests,
    write_entries,
    write_lines,
    write_notices,
    write_picture,
    write_points,
    write_rules,
)
from settlement.reports.summary_sheet import write_summary
from settlement.reports.typeset import to_png
from settlement.reports.waterfall import draw, steps_of

OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_format_properties": {"font_name": FONT, "font_size": 10},
}


def _nobody(done: int, total: int) -> None:
    """Take no notice of progress."""


def write_xlsx(
    document: Mapping[str, Any], path: Path, cover: Cover, moved: Moved = _nobody, scratch: Path | None = None
) -> None:
    """Write the workbook to `path`; `moved` is told (points written, points in all).

    `scratch` is where sheets lie while they are written, the system's folder unless given; nothing stays there. InputError where a list is
    longer than a sheet can hold (nothing is written then), or the file cannot be written.
    """
    for what, rows in _sizes(document):
        if rows > MOST_ROWS:
            message = f"{what} {rows:,} 行，超过工作表的上限 more rows than a sheet holds ({MOST_ROWS:,})"
            raise refuse(message, "按期次分开出具，或只出 PDF export phase by phase, or the PDF alone", file=str(path))
    with tempfile.TemporaryDirectory(prefix="camsla-", dir=scratch) as folder:
        book = xlsxwriter.Workbook(
            str(path), {**deepcopy(OPTIONS), "tmpdir": folder}
        )  # it writes into what it is given
        try:
            _write(book, document, cover, moved)
            book.close()
        except FileCreateError as error:
            message = f"无法写入 cannot write: {error}"
            raise refuse(message, "检查目录和权限 check directory and permissions", file=str(path)) from error
        finally:
            for sheet in book.worksheets():  # of a workbook that was not closed they are still open
                sheet.row_data_fh.close()


def _write(book: Any, document: Mapping[str, Any], cover: Cover, moved: Moved) -> None:
    at = datetime(cover.made_on.year, cover.made_on.month, cover.made_on.day)  # noqa: DTZ001 - xlsx knows no zones
    title = f"{document['contract']['id']} {document['quarter']}"
    book.set_properties({"title": title, "created": at, "comments": f"inputs SHA-256 {cover.inputs_sha}"})
    formats = Formats(book)
    footer = f"数据指纹 inputs SHA-256: {cover.inputs_sha}"
    write_summary(book, formats, document, cover)
    write_picture(book, to_png(draw(steps_of(document))), footer)
    write_lines(book, formats, document, footer)
    write_points(book, formats, document, footer, moved)
    write_rules(book, formats, document, footer, cover.zone)
    if cover.entries:
        write_entries(book, formats, cover, footer)
    if notices_of(document, cover):
        write_notices(book, formats, document, cover, footer)
    write_digests(book, formats, document, cover, footer)


def _sizes(document: Mapping[str, Any]) -> list[tuple[str, int]]:
    phases = document["phases"]
    return [
        ("点位明细 points", sum(len(phase["point_lines"]) for phase in phases)),
        ("规则与扣款 rules", sum(len(rule["items"]) + 1 for phase in phases for rule in phase["rules"])),
    ]
