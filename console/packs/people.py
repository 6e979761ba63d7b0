"""CSV for people: Chinese headings, a byte-order mark for Excel, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.model import MICROSECONDS
from settlement.reports.cells import safe

BOM = b"\xef\xbb\xbf"
ROWS_AT_ONCE = 2_000

POINTS = (
    "点位编号 point",
    "期次 phase",
    "供应商 supplier",
    "区域 area",
    "类别 class",
    "合同 contract",
    "终验 accepted",
    "计费起 billed from",
    "计费止 billed until",
    "停用 retired",
    "在线 s online",
    "离线 s offline",
    "缺失 s unknown",
    "剔除 s excluded",
    "在线率 rate",
    "下限 worst",
    "上限 best",
)
DAYS = (
    "日期 day",
    "点位编号 point",
    "版次 rev",
    "在线 s online",
    "离线 s offline",
    "缺失 s unknown",
    "剔除 s excluded",
)
OUTAGES = (
    "点位编号 point",
    "中断开始 start",
    "中断结束 end",
    "离线 s offline",
    "仍在中断 still down",
)
GAPS = ("监测点 vantage", "点位编号 point", "开始 start", "结束 end", "原因 cause")
CORRECTIONS = (
    "种类 kind",
    "点位编号 point",
    "开始 start",
    "结束 end",
    "改为 to",
    "事由 cause",
    "申请人 claimed by",
    "申请时间 claimed at",
    "批准人 approved by",
    "批准时间 approved at",
    "依据文件 document",
    "编号 id",
    "撤销 revokes",
)
KINDS = {"exclude": "剔除 exclusion", "reclassify": "补判 reclassification", "revoke": "撤销 revocation"}


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """Yield a CSV file in pieces: UTF-8 with its mark, lines ended by CR LF; None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings)
    yield BOM
    for n, row in enumerate(rows, 1):
        writer.writerow([_cell(cell) for cell in row])
        if n % ROWS_AT_ONCE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    return safe(cell) if isinstance(cell, str) else str(cell)


def clock(at: int | None, zone: str) -> str | None:
    """Write an instant (microseconds) as people of the zone do; None stays None."""
    if at is None:
        return None
    seconds, rest = divmod(at, MICROSECONDS)
    text = datetime.fromtimestamp(seconds, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{rest:06d}" if rest else text
