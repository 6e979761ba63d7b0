"""A reconciliation as a workbook for the offices: phases, items, points, files. Text can never run as a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from settlement.chosen import SOURCE_ZH
from settlement.comparing import PointComparison
from settlement.reconcile import PhaseReconciliation, Reconciliation
from settlement.reconcile_document import ITEM_HEADINGS, item_cells
from settlement.reports.cells import safe

EPOCH = datetime(1980, 1, 1)  # noqa: DTZ001  a workbook's own date has no zone; a fixed one keeps its bytes the same


class Money(NamedTuple):
    """An amount in fen, shown as a number of yuan."""

    fen: int


class Rate(NamedTuple):
    """A rate, or a difference of rates, shown as a number in percent."""

    value: Fraction


Cell = str | int | Money | Rate | None

PHASE_HEADINGS = (
    "期次 phase",
    "系统监测在线率 own",
    "在线秒 online s",
    "计入秒 counted s",
    "我方点位 our points",
    "公安核定在线率 authority",
    "算法 how",
    "文号 reference",
    "对方点位 their points",
    "对方含外来点 as printed",
    "相差（百分点） difference",
    "按监测应付 payable by own",
    "按核定应付 payable by theirs",
    "应付相差 difference in yuan",
    "采用 chosen",
    "采用在线率 rate",
    "依据 why",
)
POINT_HEADINGS = (
    "期次 phase",
    "点位编号 point",
    "公安核定在线率 authority",
    "系统监测在线率 own",
    "我方在线秒 our online s",
    "我方计入秒 our counted s",
    "相差（百分点） difference",
    "影响应付（元） payable by",
    "超出允许 beyond",
)
FILE_HEADINGS = (
    "文件 file",
    "指纹 SHA-256",
    "文号 reference",
    "收到 received",
    "录入 by",
    "核对 checked by",
    "扫描件 scan",
)


def write_workbook(found: Reconciliation) -> bytes:
    """Return the workbook's bytes; the same reconciliation gives the same bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": f"在线率核对 {found.contract} {found.quarter}", "created": EPOCH})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "border": 1})

    money = book.add_format({"num_format": "#,##0.00"})
    share = book.add_format({"num_format": "0.0000%"})

    def write(made: Worksheet, line: int, at: int, cell: Cell) -> None:
        match cell:
            case None:
                pass
            case Money(fen):
                made.write_number(line, at, fen / 100, money)
            case Rate(value):
                made.write_number(line, at, float(value), share)
            case int():
                made.write_number(line, at, cell)
            case str():
                made.write_string(line, at, safe(cell))

    def sheet(name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int]) -> None:
        made = book.add_worksheet(name)
        made.write_row(0, 0, headings, bold)
        count = 0
        for count, row in enumerate(rows, 1):
            for at, cell in enumerate(row):
                write(made, count, at, cell)
        made.freeze_panes(1, 0)
        made.autofilter(0, 0, max(count, 1), len(headings) - 1)
        for at, width in enumerate(widths):
            made.set_column(at, at, width)
        made.set_landscape()
        made.set_paper(9)
        made.fit_to_pages(1, 0)
        made.repeat_rows(0)

    sheet(
        "分期核对",
        PHASE_HEADINGS,
        [_phase_cells(row) for row in found.phases],
        [12, 14, 16, 16, 10, 14, 40, 24, 10, 14],
    )
    sheet(
        "核对事项", ITEM_HEADINGS, [item_cells(item) for item in found.items], [22, 12, 22, 24, 10, 14, 14, 14, 14, 60]
    )
    sheet("点位对照", POINT_HEADINGS, [_point_cells(row) for row in found.points], [12, 24, 16, 16, 14, 14, 14, 14, 10])
    files = [(f.name, f.sha256, f.reference, f.received_on, f.actor, f.checked_by, f.scan_sha) for f in found.files]
    sheet("对方文件", FILE_HEADINGS, files, [30, 66, 24, 12, 14, 14, 66])
    book.close()
    return out.getvalue()


def _phase_cells(row: PhaseReconciliation) -> tuple[Cell, ...]:
    own, theirs, chosen = row.own, row.theirs, row.chosen
    return (
        row.phase,
        Rate(own.value) if own else None,
        own.good if own else None,
        own.counted if own else None,
        row.own_points,
        Rate(theirs.value) if theirs else None,
        theirs.quarterly.how if theirs else None,
        row.reference,
        theirs.points if theirs else None,
        Rate(theirs.printed) if theirs and theirs.printed is not None else None,
        None if row.difference is None else Rate(row.difference),
        _money(row.own_payable_fen),
        _money(row.their_payable_fen),
        _money(row.difference_fen),
        SOURCE_ZH[chosen.source],
        Rate(chosen.rate.value) if chosen.rate else None,
        chosen.why,
    )


def _money(fen: int | None) -> Money | None:
    return None if fen is None else Money(fen)


def _point_cells(row: PointComparison) -> tuple[Cell, ...]:
    own = row.own
    return (
        row.phase,
        row.point,
        Rate(row.theirs),
        Rate(own.value) if own is not None and own.counted else None,
        own.good if own else None,
        own.counted if own else None,
        None if row.difference is None else Rate(row.difference),
        _money(row.fen),
        "是 yes" if row.beyond else "",
    )
