"""The rows of the 季度考核结算表, as the offices know them: one value per phase and, where it means something, a sum.

Workbook and PDF are both written from these rows, so that they cannot disagree. Values keep their exact form: fen as
integers, shares and quantities as fractions; how they look is decided where they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from settlement.daycount import parse_quarter
from settlement.families.registry import FAMILIES
from settlement.money import fen
from settlement.readings import READINGS, reading_word
from settlement.reports.cover import Cover

Sort = Literal["fen", "share", "count", "months", "hours", "text"]
Value = int | Fraction | str | None
Phase = Mapping[str, Any]
_INCIDENT = re.compile(r".*@(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")

KINDS: Mapping[str, tuple[str, str]] = {
    "prepayment": ("已预付", "prepaid"),
    "payable": ("应付金额", "payable"),
    "deduction": ("扣款", "deduction"),
    "true_up": ("多退少补", "true-up"),
    "adjustment": ("以前期调整", "adjustment"),
    "retention": ("质保金留存", "retention"),
    "retention_release": ("质保金退还", "retention released"),
    "interest": ("逾期利息", "interest"),
    "next_prepayment": ("下季预付", "next prepayment"),
}
SOURCES: Mapping[str, str] = {
    "measured": "系统监测 measured",
    "own": "系统监测 measured",
    "authority": "公安核定 authority's",
    "given": "录入 as given",
}


class Row(NamedTuple):
    """`values` stand in the order of the phases; `total` is None where a sum means nothing."""

    zh: str
    en: str
    sort: Sort
    values: tuple[Value, ...]
    total: Value = None
    strong: bool = False


def service_period(quarter: str) -> tuple[date, date]:
    """Return the quarter's first and last day."""
    when = parse_quarter(quarter)
    return when.start, when.end - timedelta(days=1)


def share_of(rate: Mapping[str, Any] | None) -> Fraction | None:
    """Return a rate of the document as its exact share; None where nothing was counted."""
    if not rate or not rate.get("counted"):
        return None
    return Fraction(int(rate["good"]), int(rate["counted"]))


def line_sum(phase: Phase, kind: str, column: str = "gross") -> int:
    """Return the sum of a phase's lines of one kind, in fen; 0 where it has none."""
    return sum(fen(line[column]) for line in phase["lines"] if line["kind"] == kind)


def rows_of(document: Mapping[str, Any], cover: Cover) -> tuple[Row, ...]:
    """Return every row of the form for the document's phases; rows for what does not occur here (retention, interest) are left out."""
    return (*_points(document), *_rates(document), *_money(document, cover))


def _each(document: Mapping[str, Any], value: Callable[[Phase], Value]) -> tuple[Value, ...]:
    return tuple(value(phase) for phase in document["phases"])


def _points(document: Mapping[str, Any]) -> list[Row]:
    def points(name: str) -> Row:
        titles = {
            "opening": ("计费点位数（季初）", "points billed, opening"),
            "added": ("　　增", "added"),
            "removed": ("　　减", "removed"),
        }
        values = _each(document, lambda phase: int(phase["points"][name]))
        return Row(*titles[name], "count", values, sum(int(value or 0) for value in values))

    months = _each(document, lambda phase: mixed(phase["points"]["point_months"]))
    fees = _each(document, lambda phase: fen(phase["full_fee"]["gross"]))
    return [
        points("opening"),
        points("added"),
        points("removed"),
        Row("点月数", "point-months", "months", months, sum((Fraction(value or 0) for value in months), Fraction(0))),
        Row("含税单价（元/点/月）", "unit price, tax incl.", "fen", _each(document, lambda p: fen(p["unit_price"]))),
        Row("应计服务费", "full fee", "fen", fees, sum(int(fee or 0) for fee in fees), strong=True),
    ]


def _rates(document: Mapping[str, Any]) -> list[Row]:
    def hours(*names: str) -> tuple[Value, ...]:
        def of(phase: Phase) -> Value:
            seconds = phase.get("seconds")
            return None if not seconds else Fraction(sum(int(seconds[name]) for name in names), 3600)

        return _each(document, of)

    def reference(phase: Phase) -> Value:
        rate = phase.get("authority_rate")
        return (rate or {}).get("reference") or None

    def source(phase: Phase) -> Value:
        rate = phase.get("rate")
        return None if not rate else SOURCES.get(str(rate["source"]), str(rate["source"]))

    used = _each(document, lambda phase: share_of(phase.get("rate")))
    faults = tuple(None if share is None else 1 - Fraction(share) for share in used)
    return [
        Row("应计时长（小时）", "assessed, h", "hours", hours("online", "offline")),
        Row("剔除时长（小时）", "excluded, h", "hours", hours("excluded")),
        Row("监测缺失时长（小时）", "unknown, h", "hours", hours("unknown")),
        Row("系统监测在线率", "own (measured) rate", "share", _each(document, lambda p: share_of(p.get("own_rate")))),
        Row(
            "公安核定在线率", "authority's rate", "share", _each(document, lambda p: share_of(p.get("authority_rate")))
        ),
        Row("　　文号", "its reference", "text", _each(document, reference)),
        Row("采用在线率", "rate used", "share", used, strong=True),
        Row("　　来源", "its source", "text", _each(document, source)),
        Row("考核线", "target", "share", _each(document, lambda phase: Fraction(str(phase["target"])))),
        Row("故障率", "fault rate", "share", faults),
        Row("计算口径", "reading", "text", _each(document, lambda _: reading_word(str(document["reading"])))),
    ]


def _money(document: Mapping[str, Any], cover: Cover) -> list[Row]:
    totals = {name: fen(amount) for name, amount in document["totals"].items()}
    parts = deductions(document)

    def line(zh: str, en: str, kind: str, total: int, *, strong: bool = False) -> Row:
        return Row(zh, en, "fen", _each(document, lambda phase: line_sum(phase, kind)), total, strong)

    def occurring(kind: str, values: tuple[Value, ...]) -> list[Row]:
        return [Row(*KINDS[kind], "fen", values, totals[kind])] if totals[kind] or any(values) else []

    after = _each(document, _price_after)
    left = None if cover.paid_fen is None or cover.total_fen is None else cover.total_fen - cover.paid_fen
    nothing: tuple[Value, ...] = (None,) * len(document["phases"])
    # The contract's payments stand as when the statement was issued; its own state may long say 已支付 beside them.
    until, then = ("（出具时）", "paid when issued") if cover.final else ("", "paid under the contract so far")
    adjusted = beside(document, "adjustment")
    return [
        Row("故障扣款", "fault deduction", "fen", tuple(part[0] for part in parts), totals["fault_deduction"]),
        Row("其他考核扣款", "other deductions", "fen", tuple(part[1] for part in parts), totals["other_deduction"]),
        line("应付金额", "payable", "payable", totals["payable"], strong=True),
        line("已预付", "prepaid", "prepayment", totals["prepaid"]),
        *occurring("retention", _each(document, lambda phase: line_sum(phase, "retention"))),
        line("多退（−）/少补（+）", "true-up", "true_up", totals["true_up"], strong=True),
        Row("以前期调整", "adjustments of earlier periods", "fen", adjusted, totals["adjustment"]),
        *occurring("retention_release", _each(document, lambda phase: line_sum(phase, "retention_release"))),
        *occurring("interest", beside(document, "interest")),
        line("下季预付", "next prepayment", "next_prepayment", totals["next_prepayment"]),
        Row("本次应付净额", "net due now", "fen", nothing, totals["total"], strong=True),
        Row("　　不含税额", "net of tax", "fen", nothing, totals["net"]),
        Row("　　税额", "tax", "fen", nothing, totals["tax"]),
        Row("核减后单价（元/点/月）", "price after deduction", "fen", after, strong=True),
        Row(f"合同累计已付{until}", then, "fen", nothing, cover.paid_fen),
        Row(f"合同余额{until}", "left of the contract's total", "fen", nothing, left),
    ]


def _price_after(phase: Phase) -> Value:
    price = phase.get("unit_price_after_deduction")
    return None if price is None else fen(price)


def kind_text(kind: str) -> str:
    """Return a kind of line as it is shown; an unknown one as it is."""
    return " ".join(KINDS[kind]) if kind in KINDS else kind


def phase_title(phase: Phase) -> str:
    """Return a phase's title, or its id where it has none."""
    return str(phase.get("title") or phase["phase"])


def headline(document: Mapping[str, Any], cover: Cover) -> tuple[str, list[tuple[str, str]]]:
    """Return the paper's title and the facts above the form: parties, contract, service period, version, reading."""
    contract, quarter = document["contract"], parse_quarter(document["quarter"])
    first, last = service_period(document["quarter"])
    title = f"{quarter.year} 年第{'一二三四'[quarter.number - 1]}季度考核结算表 暨 费用结算单"
    return title, [
        ("项目名称及编码", " ".join(text for text in (cover.project, str(contract["title"])) if text)),
        ("合同编号", " / ".join(text for text in (str(contract["id"]), cover.procurement_number) if text)),
        ("采购人（甲方）", str(contract["purchaser"]) or "—"),
        ("供应商（乙方）", str(contract["supplier"]) or "—"),
        ("服务期", f"{first} 至 {last}"),
        ("状态", cover.state or "草稿 draft"),
        ("计算口径", reading_text(str(document["reading"]))),
        ("合同版本 / 版次", f"{contract['version']} / {document['revision']}"),
    ]


def reading_text(reading: str) -> str:
    """Return a reading with its name."""
    named = {known.value: reader.name for known, reader in READINGS.items()}
    return f"{reading}　{named[reading]}" if reading in named else reading_word(reading)


def incident_text(incident: str, zone: str) -> str:
    """Return when an incident began, in the contract's zone; a name that is not of our making as it is."""
    match = _INCIDENT.fullmatch(incident)
    if match is None:
        return incident
    try:
        began = datetime.fromisoformat(match[1])
    except ValueError:
        return incident
    return began.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def rule_kind(kind: str) -> str:
    """Return the name of a rule's family, Chinese and English; an unknown kind as it is."""
    family = FAMILIES.get(kind)
    if family is None:
        return "口径 reading" if kind == "reading" else kind
    return family.name


def found_nothing(rule: Mapping[str, Any]) -> bool:
    """Tell whether a rule that looks at outages or events had none to punish."""
    family = FAMILIES.get(rule["kind"])
    return family is not None and family.stage in {"point", "event"} and not rule["items"] and not mixed(rule["amount"])


def beside(document: Mapping[str, Any], kind: str) -> tuple[Value, ...]:
    """Return the sum of the lines of one kind that stand beside the phases (adjustments, interest), phase by phase."""
    lines = [line for line in document["adjustments"] if line["kind"] == kind]
    return _each(document, lambda p: sum(fen(line["gross"]) for line in lines if line["phase"] == p["phase"]))


def deductions(document: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return each phase's deduction as (for faults, other).

    Other is what rules of events and scores took; the first phase that has any carries the fen by which their rounded
    amounts miss the statement's own sum, which was rounded once.
    """
    others = [sum(fen(rule["amount"]) for rule in phase["rules"] if _other(rule)) for phase in document["phases"]]
    missing = fen(document["totals"]["other_deduction"]) - sum(others)
    carrier = next((n for n, other in enumerate(others) if other), 0)
    if others:
        others[carrier] += missing
    return [
        (line_sum(phase, "deduction") - other, other) for phase, other in zip(document["phases"], others, strict=True)
    ]


def _other(rule: Mapping[str, Any]) -> bool:
    family = FAMILIES.get(rule["kind"])
    return rule["unit"] == "fen" and family is not None and family.stage not in {"point", "rate"}


def mixed(text: object) -> Fraction:
    """Read a quantity as the document writes it: "3000", "2.5" or "5 15/31"."""
    return sum((Fraction(part) for part in str(text).split()), Fraction(0))


def notices_of(document: Mapping[str, Any], cover: Cover) -> list[str]:
    """Return what must be read beside the figures: the cover's remarks, phases that were not settled, notices."""
    texts = list(cover.remarks)
    texts += [f"未结算 not settled：{item['phase']}　{item['reason']}" for item in document["not_settled"]]
    for notice in document["notices"]:
        texts.append(notice if isinstance(notice, str) else _notice(notice))
    return texts


def _notice(notice: Mapping[str, Any]) -> str:
    place = f"[{notice['phase']}] " if notice.get("phase") else ""
    remedy = f" → {notice['remedy']}" if notice.get("remedy") else ""
    return f"{place}{notice.get('message', '')}{remedy}"


def outages_of(line: Mapping[str, Any]) -> int:
    """Return how many outages a point had; the document gives the number or the list."""
    outages = line["outages"]
    return len(outages) if isinstance(outages, list) else int(outages)
