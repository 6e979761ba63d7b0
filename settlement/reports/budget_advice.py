"""The advice on next year's budget as a one-page PDF: report A's "tie the fault rate to the budget", with its arithmetic.

Of a contract with more phases than fit, the page shows the largest and says how many it left to the JSON output.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from settlement.capitals import capitals
from settlement.money import fen, grouped
from settlement.reports.paper import shown
from settlement.reports.typeset import to_pdf
from settlement.reports.waterfall import Step, draw

QUARTERS = 4
PHASES = 4
"""What fits one page with four quarters each."""


def write_budget_advice_pdf(data: Mapping[str, Any], path: Path) -> None:
    """Write the page to `path`. `data` is `settlement.budget_advice.advice_document`; equal data give equal bytes."""
    path.write_bytes(to_pdf("budget_advice.typ", page_of(data), date(int(data["year"]), 12, 31)))


def page_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the page's strings as JSON data for the template."""
    totals = {name: fen(amount) for name, amount in data["totals"].items()}
    phases = sorted(data["phases"], key=lambda phase: (-fen(phase["next_full_fee"]), phase["phase"]))
    left = len(phases) - PHASES
    contract = data["contract"]
    return {
        "title": f"{data['next_year']} 年度视频监控租赁费预算建议",
        "number": shown(f"{contract['id']}-{data['next_year']}"),
        "pairs": [
            ["合同", shown(f"{contract['title']}（{contract['id']}）")],
            ["依据季度", shown(_going_by(data))],
            ["采购人（甲方）", shown(contract["purchaser"]) or "—"],
            ["供应商（乙方）", shown(contract["supplier"]) or "—"],
            ["考核线", shown(data["target"])],
            ["允许故障率", f"{shown(data['allowed_fault_rate'])}（超标部分扣减 {shown(data['k'])} 倍）"],
        ],
        "proposed": grouped(totals["proposed"]),
        "capitals": f"人民币{capitals(totals['proposed'])}",
        "sentence": _sentence(data, totals),
        "lacking": [shown(text) for text in _lacking(data)],
        "phases": [_phase(phase) for phase in phases[:PHASES]],
        "more": f"另有 {left} 个期次未列出，已计入合计 {left} more phases are in the sums" if left > 0 else "",
        "waterfall": draw(
            (
                Step("下年全额服务费", "next year's full fee", totals["next_full_fee"], "total"),
                Step("按实测故障核减", "less, as measured", -totals["less"], "change"),
                Step("建议预算", "proposed budget", totals["proposed"], "total"),
            ),
            "下年预算建议 proposal for next year's budget",
        ),
    }


def _going_by(data: Mapping[str, Any]) -> str:
    """The quarters that the proposal goes by; that they are not the whole year where they are not."""
    quarters = "、".join(data["quarters"])
    return quarters if len(data["quarters"]) == QUARTERS else f"{quarters}（非全年 not the whole year）"


def _lacking(data: Mapping[str, Any]) -> list[str]:
    """What the proposal was made without: quarters in service without figures, and whole phases."""
    missing: dict[str, list[str]] = {}
    for row in data["missing"]:
        missing.setdefault(row["phase"], []).append(row["quarter"])
    texts = []
    if missing:
        named = "；".join(f"{phase} {'、'.join(quarters)}" for phase, quarters in missing.items())
        texts.append(f"缺数据的季度，按其余季度推算 quarters without figures, taken to be like the others：{named}")
    if data["left_out"]:
        named = "；".join(f"{row['phase']}（{row['reason']}）" for row in data["left_out"])
        texts.append(f"未列入本建议的期次 phases that the proposal leaves out：{named}")
    return texts


def _sentence(data: Mapping[str, Any], totals: Mapping[str, int]) -> str:
    return (
        f"按 {_going_by(data)} 计：应计服务费 {grouped(totals['full_fee'])} 元，按在线率应付 {grouped(totals['earned'])} 元，超标故障再扣 "
        f"{grouped(totals['excess'])} 元。下年全额 {grouped(totals['next_full_fee'])} 元按各期实得比例核减 {grouped(totals['less'])} 元，"
        f"建议预算 {grouped(totals['proposed'])} 元。"
    )


def _phase(phase: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": shown(phase["title"] or phase["phase"]),
        "points": f"{phase['points']:,}",
        "quarters": [
            [
                shown(quarter["quarter"]),
                shown(quarter["online_rate"]),
                shown(quarter["fault_rate"]),
                *(grouped(fen(quarter[name])) for name in ("full_fee", "earned", "excess")),
            ]
            for quarter in phase["quarters"]
        ],
        "sums": [grouped(fen(phase[name])) for name in ("full_fee", "earned", "excess")],
        "why": shown(phase["why"]),
        "proposed": grouped(fen(phase["proposed"])),
    }
