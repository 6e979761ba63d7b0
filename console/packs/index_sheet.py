"""佐证材料目录 as a workbook that offices fill in further. Equal indexes give equal bytes."""

from __future__ import annotations

import io
from copy import deepcopy
from datetime import datetime

import xlsxwriter  # type: ignore[import-untyped]

from console.packs.index import HEADINGS, rows_of
from console.packs.story import Story
from settlement.reports.cells import Column, Formats, for_print, headings, height_of, lines_in, safe, spread
from settlement.reports.workbook import OPTIONS

_WIDTHS = (6, 18, 24, 22, 24, 18, 18, 7, 16, 34, 40)
_TITLE = "佐证材料目录"


def sheet(story: Story) -> bytes:
    """Return the workbook; every cell is text."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {**deepcopy(OPTIONS), "constant_memory": False, "in_memory": True})
    day = story.made_on
    book.set_properties({"title": f"{_TITLE} {story.name}", "created": datetime(day.year, day.month, day.day)})  # noqa: DTZ001 - xlsx knows no zones
    formats = Formats(book)
    page = book.add_worksheet(_TITLE)
    last = len(HEADINGS) - 1
    page.set_row(0, 30)
    spread(page, 0, 0, last, _TITLE, formats.of(bold=True, font_size=16, align="center"))
    about = f"{story.terms.title or story.terms.contract}（{story.terms.contract}）　期间 {story.period}：{story.first} 至 {story.last}"
    spread(page, 1, 0, last, about, formats.of(align="left"))
    headings(page, 2, [Column(name, "text", width) for name, width in zip(HEADINGS, _WIDTHS, strict=True)], formats)
    held, wanted = (
        formats.cell("text"),
        formats.of(border=1, border_color="#7f7f7f", text_wrap=True, font_color="#9c5700"),
    )
    rows = rows_of(story)
    for n, row in enumerate(rows, 1):
        cells = row.cells(n)
        page.set_row(2 + n, height_of(max(lines_in(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True))))
        for column, cell in enumerate(cells):
            form = wanted if column == last and not row.held else held
            page.write_string(2 + n, column, safe(cell), form)
    signed = ("整理 prepared by", "复核 checked by", "接收 received by", "日期 date")
    for n, word in enumerate(signed):
        page.write_string(4 + len(rows), 1 + 2 * n, f"{word}：", formats.of())
    for_print(page, f"{story.name}", repeat=2)
    page.freeze_panes(3, 3)
    page.autofilter(2, 0, 2 + len(rows), last)
    book.close()
    return stream.getvalue()
