"""The workbook's first sheet: the form, the lines with their arithmetic, the amount in capitals, boxes to sign in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settlement.capitals import capitals
from settlement.money import fen
from settlement.reports.cells import GRID, Formats, for_print, height_of, lines_in, put, spread
from settlement.reports.cover import Cover
from settlement.reports.form import KINDS, Row, headline, notices_of, phase_title, rows_of

_LABEL, _ENGLISH, _NUMBER = 34, 29, 18
_FIRST, _LEAST = 2, 7
"""The first column of figures, and how many there are at least, so that the arithmetic has room."""
_SHOWN_NOTICES = 40


class _Page:
    """A sheet with a cursor: every method writes at the cursor and moves it down."""

    def __init__(self, sheet: Any, formats: Formats, columns: int) -> None:
        self.sheet, self.formats, self.row = sheet, formats, 0
        self.last = _FIRST + columns - 1
        sheet.set_column(0, 0, _LABEL)
        sheet.set_column(1, 1, _ENGLISH)
        sheet.set_column(_FIRST, self.last, _NUMBER)

    def band(self, text: str, height: float = 22, **look: object) -> None:
        """Write one text over the whole width."""
        self.sheet.set_row(self.row, height)
        spread(self.sheet, self.row, 0, self.last, text, self.formats.of(**look))
        self.row += 1

    def section(self, text: str) -> None:
        """Write a heading of a section, after an empty row."""
        self.row += 1
        self.band(text, 20, bold=True, font_size=12, font_color="#17375e", bottom=2)

    def pairs(self, pairs: list[tuple[str, str]]) -> None:
        """Write label and value, two pairs a row."""
        half = _FIRST + (self.last - _FIRST) // 2 - 2
        look = self.formats.cell("text")
        for n in range(0, len(pairs), 2):
            left, right = pairs[n], pairs[n + 1] if n + 1 < len(pairs) else ("", "")
            wide = _ENGLISH + _NUMBER * (half - _FIRST + 1)
            rest = _NUMBER * (self.last - half - 1)
            self.sheet.set_row(self.row, height_of(max(lines_in(left[1], wide), lines_in(right[1], rest))))
            put(self.sheet, self.row, 0, left[0], "text", self.formats.head)
            spread(self.sheet, self.row, 1, half, left[1], look)
            put(self.sheet, self.row, half + 1, right[0], "text", self.formats.head)
            spread(self.sheet, self.row, half + 2, self.last, right[1], look)
            self.row += 1

    def form(self, titles: list[str], rows: tuple[Row, ...]) -> None:
        """Write the form's rows, one column per phase and one for the sum."""
        head = self.formats.head
        self.sheet.set_row(self.row, 32)
        for at, title in enumerate(["项目", "item", *titles, "合计 total"]):
            put(self.sheet, self.row, at, title, "text", head)
        self.row += 1
        for row in rows:
            self.sheet.set_row(self.row, 17)
            put(self.sheet, self.row, 0, row.zh, "text", self.formats.cell("text", strong=row.strong))
            put(self.sheet, self.row, 1, row.en, "text", self.formats.cell("text"))
            figure = self.formats.cell(row.sort, strong=row.strong)
            words = self.formats.of(**GRID, bold=row.strong, align="center", text_wrap=True)
            for at, value in enumerate((*row.values, row.total), _FIRST):
                put(self.sheet, self.row, at, value, row.sort, words if value is None or row.sort == "text" else figure)
            self.row += 1

    def line(self, cells: tuple[str, str, tuple[str, str, str], str], *, strong: bool = False) -> None:
        """Write a line: what, whose, gross and net and tax, and its arithmetic over the rest of the width."""
        what, whose, amounts, why = cells
        wide = _NUMBER * (self.last - _FIRST - 2)
        self.sheet.set_row(self.row, height_of(max(lines_in(why, wide), lines_in(what, _LABEL))))
        text, money = self.formats.cell("text", strong=strong), self.formats.cell("fen", strong=strong)
        put(self.sheet, self.row, 0, what, "text", text)
        put(self.sheet, self.row, 1, whose, "text", text)
        for at, amount in enumerate(amounts, _FIRST):
            put(self.sheet, self.row, at, fen(amount), "fen", money)
        spread(self.sheet, self.row, _FIRST + 3, self.last, why, text)
        self.row += 1

    def boxes(self, cover: Cover) -> None:
        """Write the boxes to sign in, side by side, five at most in a row."""
        count = len(cover.signatures)
        each = -(-count // max(1, -(-count // 5)))
        for n in range(0, count, max(1, each)):
            self._boxes(cover.signatures[n : n + each])
            self.row += 1

    def _boxes(self, signatures: tuple[Any, ...]) -> None:
        edges = [round(k * (self.last + 1) / len(signatures)) for k in range(len(signatures) + 1)]
        written: tuple[tuple[int, list[str], dict[str, object]], ...] = (
            (20, [f"{box.zh} {box.en}" for box in signatures], {"bold": True, "bg_color": "#dce6f1"}),
            (64, [box.name for box in signatures], {}),
            (20, [f"日期 date：{box.on or '　　年　月　日'}" for box in signatures], {}),
        )
        for height, texts, look in written:
            self.sheet.set_row(self.row, height)
            form = self.formats.of(border=1, align="center", text_wrap=True, **look)
            for k, text in enumerate(texts):
                spread(self.sheet, self.row, edges[k], edges[k + 1] - 1, text, form)
            self.row += 1


def write_summary(book: Any, formats: Formats, document: Mapping[str, Any], cover: Cover) -> None:
    """Write the sheet 结算汇总."""
    phases = document["phases"]
    sheet = book.add_worksheet("结算汇总")
    page = _Page(sheet, formats, max(_LEAST, len(phases) + 1))
    title, pairs = headline(document, cover)
    page.band(title, 34, bold=True, font_size=18, align="center")
    page.pairs(pairs)
    page.section("一、季度考核结算表 Assessment and settlement of the quarter")
    page.form([phase_title(phase) for phase in phases], rows_of(document, cover))
    due = fen(document["totals"]["total"])
    page.band(
        f"本次应付净额（大写） net due now, in capitals：人民币{capitals(due)}", 26, bold=True, font_size=13, border=1
    )
    page.section("二、费用结算单 Statement of fees, line by line")
    _lines(page, document)
    _remarks(page, document, cover)
    page.section("签章 Signatures")
    page.boxes(cover)
    for_print(sheet, f"数据指纹 inputs SHA-256: {cover.inputs_sha}")
    sheet.set_default_row(17)
    sheet.freeze_panes(1, 0)


def _lines(page: _Page, document: Mapping[str, Any]) -> None:
    page.sheet.set_row(page.row, 32)
    for at, heading in enumerate(("行 line", "期次 phase", "含税金额 gross", "不含税 net", "税额 tax")):
        put(page.sheet, page.row, at, heading, "text", page.formats.head)
    spread(page.sheet, page.row, _FIRST + 3, page.last, "算式 arithmetic", page.formats.head)
    page.row += 1
    numbered = [(line, phase_title(phase)) for phase in document["phases"] for line in phase["lines"]]
    titles = {phase["phase"]: phase_title(phase) for phase in document["phases"]}
    numbered += [(line, titles.get(line["phase"], line["phase"])) for line in document["adjustments"]]
    for line, whose in numbered:
        zh, en = KINDS.get(line["kind"], (line["kind"], ""))
        window = "" if line.get("window") in (None, "", document["quarter"]) else f"　{line['window']}"
        parent = f"（调整 adjusts {line['parent']}）" if line.get("parent") else ""
        why = f"{line['why']}{parent}"
        page.line((f"{line['n']}　{zh} {en}{window}", whose, (line["gross"], line["net"], line["tax"]), why))
    totals = document["totals"]
    amounts = (totals["total"], totals["net"], totals["tax"])
    page.line(
        ("本次应付净额 net due now", "", amounts, "多退少补 ± 以前期调整 + 下季预付 true-up ± adjustments + next"),
        strong=True,
    )


def _remarks(page: _Page, document: Mapping[str, Any], cover: Cover) -> None:
    notices = notices_of(document, cover)
    if notices:
        page.section("提示与改判 Notices and overrides")
        wide = _LABEL + _ENGLISH + _NUMBER * (page.last - 1)
        for text in notices[:_SHOWN_NOTICES]:
            page.band(text, height_of(lines_in(text, wide)), text_wrap=True)
        if len(notices) > _SHOWN_NOTICES:
            page.band(f"另有 {len(notices) - _SHOWN_NOTICES} 条见“提示”表 the others stand in the sheet 提示")
    if cover.attachments:
        page.section("附件清单 Attachments")
        for n, item in enumerate(cover.attachments, 1):
            page.band(f"{n}. {item.title}　{item.reference}　{item.sha256}".rstrip("　"), 16)
