"""One cell of a workbook: text that no spreadsheet runs, numbers that no binary float has touched, widths that fit Chinese.

Sheets are written row by row, top to bottom: the writer keeps one row in memory, and one that it has left is closed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple
from unicodedata import east_asian_width

from settlement.reports.form import Sort, Value

FORMULA = "=+-@\t\r\0＝＋－＠"
"""First characters that a spreadsheet program may run as a formula; East Asian Excel takes the wide forms too."""
MAX_TEXT = 32_000
"""Excel refuses cells beyond 32,767 characters."""
_DANGER = re.compile(rf"'*[{re.escape(FORMULA)}]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_PLACES = 28

FONT = "宋体"
"""What every office's computer has."""
BASE = {"font_name": FONT, "font_size": 10, "valign": "vcenter"}
GRID = {"border": 1, "border_color": "#7f7f7f"}
HEAD = {**GRID, "bold": True, "bg_color": "#dce6f1", "align": "center", "text_wrap": True}
NUMBERS: Mapping[Sort, str] = {
    "fen": "#,##0.00;[Red]-#,##0.00",
    "share": "0.00####%",
    "count": "#,##0",
    "months": "#,##0.00",
    "hours": "#,##0.00",
    "text": "@",
}


def safe(text: str) -> str:
    """Return text as a cell may hold it: never a formula, nothing invisible, at most MAX_TEXT characters."""
    text = _UNPRINTABLE.sub("\ufffd", text) if not text.isprintable() else text
    text = f"{text[:MAX_TEXT]}…" if len(text) > MAX_TEXT else text
    # The writer takes a text from <r> to </r> for its own markup and would write it into the file as it is.
    return f"'{text}" if _DANGER.match(text) or text.startswith("<r>") else text


def width_of(text: str) -> int:
    """Return how many columns of ordinary figures a text takes: Chinese characters take two."""
    return max((sum(2 if east_asian_width(c) in "WFA" else 1 for c in line) for line in text.split("\n")), default=0)


def lines_in(text: str, width: float) -> int:
    """Return how many lines a text takes when it is wrapped in an indented cell of a width."""
    if len(text) * 2 <= width - 2 and "\n" not in text:
        return 1
    return sum(max(1, -(-width_of(line) // max(1, int(width) - 2))) for line in text.split("\n"))


def number(value: int | Fraction, sort: Sort) -> Decimal:
    """Return a value as the decimal that is written: fen become yuan, shares and quantities get 28 digits."""
    if sort == "fen":
        return Decimal(int(value)).scaleb(-2)
    with localcontext(prec=_PLACES):
        exact = Fraction(value)
        return Decimal(exact.numerator) / Decimal(exact.denominator)


def height_of(lines: int) -> float:
    """Return the height of a row of so many lines, in points; Excel's highest is 409."""
    return min(16.0 * lines, 400.0)


class Column(NamedTuple):
    """A column of a list: heading, what its cells are, its width in figures."""

    heading: str
    sort: Sort
    width: float


class Formats:
    """A workbook's cell formats, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, object], ...], Any] = {}

    def of(self, **properties: object) -> Any:
        """Return the format with these properties over the usual ones."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({**BASE, **properties})
        return self._made[key]

    def cell(self, sort: Sort, *, strong: bool = False, wrap: bool = True) -> Any:
        """Return the bordered format of a cell of a list or form."""
        if sort == "text":
            return self.of(**GRID, bold=strong, text_wrap=wrap, align="left", indent=1)
        return self.of(**GRID, bold=strong, num_format=NUMBERS[sort], align="right")

    @property
    def head(self) -> Any:
        """The format of headings."""
        return self.of(**HEAD)


def put(sheet: Any, row: int, column: int, value: Value, sort: Sort, form: Any) -> None:
    """Write one cell: text as text, numbers as numbers, a dash where there is nothing to say."""
    if isinstance(value, str):
        sheet.write_string(row, column, safe(value), form)
    elif value is None:
        sheet.write_string(row, column, "—", form)
    else:
        sheet.write_number(row, column, number(value, sort), form)


def spread(sheet: Any, row: int, first: int, last: int, text: str, form: Any) -> None:
    """Write a text over several columns of one row."""
    if first == last:
        sheet.write_string(row, first, safe(text), form)
    else:
        sheet.merge_range(row, first, row, last, "", form)
        sheet.write_string(row, first, safe(text), form)


def headings(sheet: Any, row: int, columns: Sequence[Column], formats: Formats) -> None:
    """Write a list's headings and set its columns' widths."""
    sheet.set_row(row, height_of(max(2, *(lines_in(column.heading, column.width) for column in columns))))
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width)
        sheet.write_string(row, at, column.heading, formats.head)


def for_print(sheet: Any, footer: str, *, repeat: int | None = None) -> None:
    """Set a sheet up for A4 landscape, one page wide, with page numbers; `repeat` is the heading row of every page."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer(f"&L&7{footer}&R&8第 &P 页 共 &N 页 page &P of &N")
    sheet.hide_gridlines(2)
    if repeat is not None:
        sheet.repeat_rows(repeat)
