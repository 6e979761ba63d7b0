"""Statement documents for tests of papers: two quarters' worth of everything that a paper can be asked to show.

Amounts are made by plain integer arithmetic here, so that sums are right; what a test asserts is typed by hand.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from settlement.reports.cover import Attachment, Cover, Entry, Signature

INPUTS_SHA = "5f1c0a77" * 8
COVER = Cover(
    inputs_sha=INPUTS_SHA,
    made_on=date(2020, 10, 9),
    state="已审批 approved",
    procurement_number="NCXJ-2020-0422",
    project="XJ-2020-017 雪亮工程",
    signatures=(
        Signature("经办", "prepared by", "张三", "2020-10-09"),
        Signature("复核", "checked by", "李四", "2020-10-12"),
        Signature("审批", "approved by"),
        Signature("供应商签章", "supplier's seal"),
    ),
    attachments=(
        Attachment("公安月度在线率原件", "新公视〔2020〕31号", "ab" * 32),
        Attachment("报备及剔除审批", "剔除审批表 2020Q3"),
    ),
    remarks=("改判 override：监测完整率 88.2 % 低于 90 %，财务同意按现有数据结算（会议纪要 2020-12）",),
    entries=(
        Entry(
            "2020-10-09",
            "2020Q3 清算",
            (
                ("payable:xinjian:phase-2", 165245640),
                ("prepaid:xinjian:phase-2", -169560000),
                ("refund:xinjian:phase-2", 4314360),
            ),
        ),
    ),
    paid_fen=339120000,
    total_fen=3014400000,
)


def yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def columns(gross: int) -> dict[str, str]:
    net = (abs(gross) * 100 * 2 + 106) // (106 * 2)
    net = -net if gross < 0 else net
    return {"gross": yuan(gross), "net": yuan(net), "tax": yuan(gross - net)}


def minus(left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    return {name: yuan(fen(left[name]) - fen(right[name])) for name in left}


def fen(text: str) -> int:
    return int(text.replace(".", ""))


def parts(gross: int, weights: dict[str, int]) -> dict[str, dict[str, str]]:
    whole = sum(weights.values())
    out = {name: gross * weight // whole for name, weight in weights.items()}
    if out:
        out[next(iter(out))] += gross - sum(out.values())
    return {name: columns(part) for name, part in out.items()}


def phase(
    name: str,
    title: str,
    price: int,
    points: int,
    rate: str,
    *,
    weights: dict[str, int] | None = None,
    other: int = 0,
    first: int = 1,
    rules: list[dict[str, Any]] | None = None,
    point_lines: int = 0,
) -> dict[str, Any]:
    """Build a phase under reading A with `other` fen of other deductions and evenly spread per-point lines."""
    full = price * points * 3
    o = Fraction(rate)
    payable = int(full * o) - other
    prepaid = full * 9 // 10
    found = rules or []
    lines = []
    due, before, fee, coming = columns(payable), columns(prepaid), columns(full), columns(prepaid)
    texts = {
        "prepayment": (before, f"{points:,} 点 × {price / 100:.2f} 元/点/月 × 3 月 × 90 % = {prepaid / 100:,.2f}"),
        "payable": (
            due,
            f"{points:,} 点 × {price / 100:.2f} 元/点/月 × 3 月 × {float(o * 100):g} % = {payable / 100:,.2f}",
        ),
        "deduction": (
            minus(fee, due),
            f"{full / 100:,.2f} − {payable / 100:,.2f}（应计服务费 − 应付 full fee − payable）",
        ),
        "true_up": (minus(due, before), f"{payable / 100:,.2f} − {prepaid / 100:,.2f}（多退，抵扣下季预付 refund）"),
        "next_prepayment": (coming, f"{points:,} 点 × {price / 100:.2f} 元/点/月 × 3 月 × 90 %（2020-10-01 计费点位）"),
    }
    for n, (kind, (amount, why)) in enumerate(texts.items(), first):
        share = parts(fen(amount["gross"]), weights or {})
        lines.append({"n": n, "kind": kind, "window": "", **amount, "components": share, "why": why, "parent": ""})
    good = int(o * 10_000)
    return {
        "phase": name,
        "title": title,
        "unit_price": yuan(price),
        "target": "0.900000",
        "points": {"opening": points, "added": 0, "removed": 0, "point_months": str(3 * points)},
        "full_fee": fee,
        "rate": {
            "source": "authority",
            "good": good,
            "counted": 10_000,
            "value": str(float(o)),
            "reference": "新公视〔2020〕31号",
        },
        "own_rate": {
            "source": "measured",
            "good": 6_912_345_678,
            "counted": 7_902_123_456,
            "value": "0.874745",
            "reference": "",
        },
        "authority_rate": {
            "source": "authority",
            "good": good,
            "counted": 10_000,
            "value": str(float(o)),
            "reference": "新公视〔2020〕31号",
        },
        "seconds": {"online": 6_912_345_678, "offline": 989_777_778, "unknown": 36_000_000, "excluded": 10_800_000},
        "component_names": list(weights or {}),
        "lines": lines,
        "rules": found,
        "unit_price_after_deduction": yuan((payable * 2 + 3 * points) // (6 * points)),
        "point_lines": [_point_line(n, full // points, payable // points) for n in range(1, point_lines + 1)],
    }


def _point_line(n: int, full: int, payable: int) -> dict[str, Any]:
    return {
        "code": f"360112{n:014d}",
        "full": yuan(full),
        "payable": yuan(payable),
        "deduction": yuan(full - payable),
        "outages": n % 7,
        "offline_s": n % 7 * 5_431,
        "rules": ["reading", "clock"] if n % 11 == 0 else ["reading"],
    }


def reading_rule(title: str, amount: int, formula: str) -> dict[str, Any]:
    return {"rule": "reading", "kind": "reading", "title": title, "window": "2020Q3", "unit": "fen",
            "amount": yuan(amount), "formula": formula, "items": []}  # fmt: skip


def fines(count: int, each: int) -> dict[str, Any]:
    """A rule of the event stage with its items; one of them gave way to another rule."""
    items = [
        {"point": f"360112{n:014d}", "incident": f"360112{n:014d}@2020-08-{n % 28 + 1:02d}T03:12:00Z",
         "amount": yuan(each), "why": f"字幕错误第 {n} 次 × {each / 100:.2f} 元", "suppressed_by": None}
        for n in range(1, count + 1)
    ]  # fmt: skip
    items.append({"point": "36011299999999999999", "incident": "x@2020-08-01T00:00:00Z", "amount": yuan(each),
                  "why": "已按离线处理", "suppressed_by": "reading"})  # fmt: skip
    return {"rule": "caption", "kind": "unit-fine", "title": "字幕（OSD）错误", "window": "2020-08", "unit": "fen",
            "amount": yuan(count * each), "formula": f"{count} 次 × {each / 100:.2f} 元 = {count * each / 100:,.2f}",
            "items": items}  # fmt: skip


def totals(phases: list[dict[str, Any]], adjustments: list[dict[str, Any]], other: int) -> dict[str, str]:
    def of(kind: str, column: str = "gross") -> int:
        lines = [line for part in phases for line in part["lines"]] + adjustments
        return sum(fen(line[column]) for line in lines if line["kind"] == kind)

    moving = ("true_up", "retention_release", "interest", "adjustment", "next_prepayment")
    gross, net, tax = (sum(of(kind, column) for kind in moving) for column in ("gross", "net", "tax"))
    return {
        "prepaid": yuan(of("prepayment")),
        "payable": yuan(of("payable")),
        "deduction": yuan(of("deduction")),
        "fault_deduction": yuan(of("deduction") - other),
        "other_deduction": yuan(other),
        **{kind: yuan(of(kind)) for kind in ("retention", *moving)},
        "total": yuan(gross),
        "net": yuan(net),
        "tax": yuan(tax),
    }


def statement(*, point_lines: int = 40, title: str = "新建区高清视频监控点位租赁", items: int = 12) -> dict[str, Any]:
    """Report A's quarter of two phases, with fines, an adjustment and notices."""
    other = items * 5_000
    one = phase(
        "phase-1", "一期", 85_000, 1_000, "0.8136",
        rules=[reading_rule("口径 reading A", 47_532_000, "81.36 %")],
        point_lines=point_lines // 2,
    )  # fmt: skip
    two = phase(
        "phase-2", "二期", 62_800, 1_000, "0.8771", weights={"line": 122, "integration": 359, "platform": 147},
        rules=[reading_rule("口径 reading A", 23_154_360, "87.71 %"), fines(items, 5_000)],
        other=other, first=6, point_lines=point_lines - point_lines // 2,
    )  # fmt: skip
    adjustments = [
        {"n": 11, "phase": "phase-1", "kind": "adjustment", **columns(1_234_567), "components": {},
         "why": "停电剔除 2020-05-03 事后批准：重算 − 原结算", "parent": "2020Q2/0/3"}
    ]  # fmt: skip
    return document([one, two], adjustments, other, title=title)


def city(points: int = 11_045) -> dict[str, Any]:
    """A whole city in one phase, a line per point."""
    rule = reading_rule("口径 reading A", 1_000, "93.41 %")
    return document([phase("phase-1", "一期", 62_800, points, "0.9341", rules=[rule], point_lines=points)], [], 0)


def document(
    phases: list[dict[str, Any]], adjustments: list[dict[str, Any]], other: int, *, title: str = "监控点位租赁"
) -> dict[str, Any]:
    return {
        "format": "camsla-statement/1",
        "contract": {"id": "xinjian", "title": title, "version": 2, "purchaser": "南昌市公安局新建分局",
                     "supplier": "中国移动通信集团江西有限公司南昌分公司"},
        "quarter": "2020Q3",
        "revision": 0,
        "reading": "A",
        "software": "camsla 0.1.0",
        "phases": phases,
        "adjustments": adjustments,
        "totals": totals(phases, adjustments, other),
        "not_settled": [{"phase": "phase-3", "reason": "2020Q3 无可计在线率，未结算 not assessable"}],
        "notices": [
            {"level": "warning", "phase": "phase-1", "message": "连续三个月低于考核线 three months below the target",
             "remedy": "按合同第九条发出违约通知 send the notice of clause 9"},
        ],
    }  # fmt: skip
