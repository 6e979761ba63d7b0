"""The 考核评分表 as a spreadsheet: one row per indicator with its arithmetic, its reason and its evidence.

The same card gives the same bytes: the file's own date is fixed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from settlement.reports.cells import lines_in, safe
from settlement.scorecard.card import Card, GroupScore, Scored
from settlement.scorecard.printed import exact_text

COLUMNS = (
    ("一级指标", 16),
    ("二级指标", 14),
    ("指标", 26),
    ("分值", 8),
    ("评分标准", 30),
    ("数据", 28),
    ("得分", 8),
    ("算式", 40),
    ("扣分原因", 28),
    ("佐证编号", 16),
    ("数据来源", 28),
)
MADE = datetime(2000, 1, 1)  # noqa: DTZ001  a fixed date in the file, so that equal cards are equal bytes
UNPRINTED = "未印出"
LINE = 14.0
"""A line's height in points."""


def sheet(card: Card, notices: Sequence[str] = ()) -> bytes:
    """Return the workbook. Texts are written as texts, so that none of them is a formula to the reader's program."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "考核评分表", "created": MADE})
    looks = {
        "title": book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"}),
        "head": book.add_format(
            {
                "bold": True,
                "border": 1,
                "bg_color": "#DDE6EE",
                "align": "center",
                "valign": "vcenter",
                "text_wrap": True,
            }
        ),
        "text": book.add_format({"border": 1, "text_wrap": True, "valign": "top", "align": "left", "indent": 1}),
        "points": book.add_format({"border": 1, "align": "right", "valign": "top"}),
        "sum": book.add_format({"border": 1, "bold": True, "bg_color": "#F3F6F8", "text_wrap": True, "valign": "top"}),
        "sum-points": book.add_format(
            {"border": 1, "bold": True, "bg_color": "#F3F6F8", "align": "right", "valign": "top"}
        ),
        "plain": book.add_format({"text_wrap": True, "valign": "top"}),
    }
    page = book.add_worksheet("考核评分表")
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(2)
    page.freeze_panes(3, 0)
    page.merge_range(0, 0, 0, len(COLUMNS) - 1, f"考核评分表　{card.rubric.title}", looks["title"])
    page.set_row(0, 30)
    page.merge_range(1, 0, 1, len(COLUMNS) - 1, safe(_head(card)), looks["plain"])
    for column, (name, width) in enumerate(COLUMNS):
        page.set_column(column, column, width)
        page.write_string(2, column, name, looks["head"])
    row = 3
    for group in card.groups:
        row = _group(page, row, group, looks)
    row = _total(page, row, card, looks)
    for n, word in enumerate(("评价人 evaluator", "复核 checked by", "日期 date")):
        page.write_string(row + 1, n * 3, f"{word}：")
    for n, notice in enumerate(notices):
        page.set_row(row + 3 + n, LINE * lines_in(notice, sum(width for _, width in COLUMNS)) + 3)
        page.merge_range(row + 3 + n, 0, row + 3 + n, len(COLUMNS) - 1, safe(notice), looks["plain"])
    book.close()
    return stream.getvalue()


def _head(card: Card) -> str:
    parts = (
        ("被评价项目", card.inputs.subject),
        ("评价期间", card.inputs.period),
        ("评分表", card.rubric.rubric),
        ("依据", card.rubric.source),
    )
    return "　".join(f"{name}：{value}" for name, value in parts if value)


def _group(page: Any, row: int, group: GroupScore, looks: dict[str, Any]) -> int:
    first = row
    for scored in group.rows:
        _indicator(page, row, group.group.title if row == first else "", scored, looks)
        row += 1
    if group.group.unlisted != 0 or group.rest is not None:
        cells = [
            group.group.title if row == first else "",
            "",
            "其余（未逐项印出）",
            UNPRINTED,
            "",
            "",
            "",
            "",
            "",
            "",
            "",
        ]
        if group.rest is not None:
            cells[7], cells[10] = group.rest.why, group.rest.source
        _texts(page, row, cells, looks["text"])
        if group.rest is not None:
            page.write_number(row, 6, _cell(group.rest.score), looks["points"])
        else:
            page.write_string(row, 6, UNPRINTED, looks["text"])
        row += 1
    if row - first > 1:
        page.merge_range(first, 0, row - 1, 0, safe(group.group.title), looks["text"])
    name = "小计（得分已含在其他组）" if group.group.contained else "小计（另有未印出）" if group.silent else "小计"
    _texts(page, row, ["", "", name, "", "", "", "", "", "", "", ""], looks["sum"])
    _points(page, row, 3, group.group.whole, looks, "sum")
    page.write_number(row, 6, _cell(group.score), looks["sum-points"])
    return row + 1


def _indicator(page: Any, row: int, title: str, scored: Scored, looks: dict[str, Any]) -> None:
    indicator = scored.indicator
    source = f"{scored.source}（本系统自动取数）" if scored.measured else scored.source
    cells = [
        title,
        indicator.second_level,
        indicator.title,
        "",
        indicator.formula.text,
        scored.value,
        "",
        scored.arithmetic,
        scored.reason,
        "，".join(scored.evidence),
        source,
    ]
    _texts(page, row, cells, looks["text"])
    _points(page, row, 3, indicator.weight, looks, "")
    if scored.score is not None:
        page.write_number(row, 6, _cell(scored.score), looks["points"])
    else:
        page.write_string(
            row, 6, {"not-printed": UNPRINTED, "missing": "待填"}.get(scored.status, "未规定"), looks["text"]
        )


def _total(page: Any, row: int, card: Card, looks: dict[str, Any]) -> int:
    if card.rest is not None:
        _texts(
            page,
            row,
            ["", "", "其余（未逐项印出）", "", "", "", "", card.rest.why, "", "", card.rest.source],
            looks["text"],
        )
        page.write_number(row, 6, _cell(card.rest.score), looks["points"])
        row += 1
    grade = f"等级 grade：{card.grade}" if card.complete else "未完成：有缺项 not complete"
    _texts(page, row, ["", "", "总分", "", "", "", "", grade, "", "", ""], looks["sum"])
    page.write_number(row, 3, _cell(card.rubric.total), looks["sum-points"])
    page.write_number(row, 6, _cell(card.total), looks["sum-points"])
    return row + 1


def _texts(page: Any, row: int, cells: Sequence[str], look: Any) -> None:
    """Write a row's texts, and make it as high as its longest one needs."""
    high = max(lines_in(text, width) for text, (_, width) in zip(cells, COLUMNS, strict=True))
    page.set_row(row, LINE * high + 3)
    for column, text in enumerate(cells):
        page.write_string(row, column, safe(text), look)


def _points(page: Any, row: int, column: int, points: Fraction | None, looks: dict[str, Any], kind: str) -> None:
    if points is None:
        page.write_string(row, column, UNPRINTED, looks[kind or "text"])
    else:
        page.write_number(row, column, _cell(points), looks[f"{kind}-points" if kind else "points"])


def _cell(points: Fraction) -> float:
    """A score as a spreadsheet holds numbers; it is read, never computed with again."""
    return float(exact_text(points)) if "/" not in exact_text(points) else float(points)
