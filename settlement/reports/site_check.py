"""现场核查表: the points of a sample as a sheet to take along, with room for what was found. PDF and CSV from equal strings."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from settlement.reports.cells import safe
from settlement.reports.paper import shown
from settlement.reports.typeset import to_pdf

HEADINGS = ("序号", "点位编号", "名称", "地址", "期次", "本期在线率", "最近状态", "现场情况", "核查人", "备注")
STATES = {"online": "在线", "offline": "离线", "unknown": "未知"}


def to_csv(data: Mapping[str, Any], zone: str) -> bytes:
    """Return UTF-8 with a byte-order mark (Excel needs it), lines ended by CR LF; `data` is a sample's document."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in rows_of(data, zone):
        writer.writerow([safe(cell.replace("\n", " ")) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def to_sheet(data: Mapping[str, Any], sealed: tuple[str, date], zone: str) -> bytes:
    """Return the sheet as PDF, A4 across. `sealed`: the digest of the sample's record, and the day that it was made on."""
    digest, made_on = sealed
    return to_pdf("site_check.typ", page_of(data, digest, made_on, zone), made_on)


def page_of(data: Mapping[str, Any], digest: str, made_on: date, zone: str) -> dict[str, Any]:
    """Return the sheet's strings as JSON data for the template."""
    strata = "、".join(f"{name or '（空 empty）'} {n:,}" for name, n in data["strata"].items())
    total = sum(data["strata"].values())
    by = {"": "不分层 none", "phase": "期次 phase", "area": "区域 area", "supplier": "供应商 supplier"}[
        data["stratify"]
    ]
    return {
        "title": "现场核查表",
        "number": shown(f"{data['contract']}-{data['period']}"),
        "digest": digest,
        "pairs": [
            ["合同", shown(data["contract"])],
            ["期间", shown(data["period"])],
            ["抽样种子", shown(data["seed"])],
            ["抽取", f"{len(data['points']):,} / {total:,} 个点位 points"],
            ["分层", shown(f"{by}：{strata}" if data["stratify"] else by)],
            ["抽样日期", made_on.isoformat()],
        ],
        "headings": list(HEADINGS),
        "rows": [[shown(cell) for cell in row] for row in rows_of(data, zone)],
    }


def rows_of(data: Mapping[str, Any], zone: str) -> list[list[str]]:
    """Return a row of cells for each point; the last three are empty, for the pen."""
    return [
        [
            str(point["no"]),
            point["code"],
            point["facts"]["name"],
            point["facts"]["address"],
            point["facts"]["phase"],
            _percent(point["rate"]),
            _state(point["last"], zone),
            "",
            "",
            "",
        ]
        for point in data["points"]
    ]


def _percent(rate: str | None) -> str:
    if rate is None:
        return "—"
    whole, _, places = rate.partition(".")
    tenthousandths = (int(whole) * 1_000_000 + int(places) + 50) // 100
    return f"{tenthousandths // 100}.{tenthousandths % 100:02d}%"


def _state(last: Mapping[str, Any] | None, zone: str) -> str:
    if last is None:
        return "从未监测"
    seen = datetime.fromtimestamp(last["seen"] // 1_000_000, ZoneInfo(zone))
    return f"{STATES[last['state']]}\n{seen:%Y-%m-%d %H:%M}"
