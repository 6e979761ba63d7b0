"""Family 13, sampling inspection: the share of defects found in samples, beyond what is allowed, holds for all points.

Source: the settlement rules' thirteenth family: population × (defect share − allowance) × price; 5 of 60 with 1.31 %
allowed make 70.23 of 1,000 points, in whole points 70.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field

from settlement.facts import EventFact, Window
from settlement.families.family import Family, Item, Judgement, Name, Over, Rounding, RuleTerms, beyond, counted
from settlement.families.timed import BRACKETS
from settlement.families.windows import begun, events_of
from settlement.figures import Fen, Share
from settlement.notation import equals, money, number, share


class Sampling(RuleTerms):
    """Inspections are events of kind `event` with the counts `sample` and `defects`.

    Several in a window are put together (`combine` pooled) or the worst of them holds (worst). `price` is yuan per point;
    left out, it is the window's fee per point. `over` ">": a share just as large as `allowed` costs nothing.
    """

    kind: Literal["sampling"]
    event: Name = "inspection"
    allowed: Share = Fraction(0)
    over: Over = ">"
    rounding: Rounding
    combine: Literal["pooled", "worst"] = "pooled"
    price_fen: Fen | None = Field(alias="price", default=None)


def judge(rule: Sampling, window: Window) -> Judgement:
    """Deduct the price of the points that the samples' defects beyond the allowance stand for."""
    seen = [(event, *_counts(event)) for event in begun(window, events_of(window, [rule.event]))]
    valid = [(event, sample, defects) for event, sample, defects in seen if 0 <= defects <= sample and sample > 0]
    items = [
        Item(event.point, event.incident, Fraction(0), "抽检数无效，未计 no valid counts, left out", at=event.at)
        for event, sample, defects in seen
        if not (0 <= defects <= sample and sample > 0)
    ]
    note = f"；{len(items)} 次抽检数无效，未计 inspections left out" if items else ""
    if not valid or not window.points:
        return Judgement(Fraction(0), f"无有效抽检 no valid inspection{note}", tuple(items))
    if rule.combine == "worst":
        valid = [max(valid, key=lambda row: (Fraction(row[2], row[1]), row[0].at, row[0].id))]
    sample, defects = sum(row[1] for row in valid), sum(row[2] for row in valid)
    excess = Fraction(defects, sample) - rule.allowed
    if not beyond(excess, rule.over, Fraction(0)) or excess < 0:
        text = f"{defects} ÷ {sample} 未超过 not above {share(rule.allowed)}{note}"
        return Judgement(Fraction(0), text, tuple(items))
    points = counted(window.points * excess, rule.rounding)
    price = window.fee / window.points if rule.price_fen is None else Fraction(rule.price_fen)
    amount = points * price
    left, right = BRACKETS[rule.rounding]
    text = (
        f"{left}{window.points:,} × ({defects} ÷ {sample} − {share(rule.allowed)}){right} = {number(points)} 点；"
        f"{number(points)} × {money(price)} {equals(amount)}"
    )
    # What is due is due for all samples together; each bears the part of its defects.
    items += [
        Item(
            event.point,
            event.incident,
            amount * found / defects if defects else Fraction(0),
            f"抽检 inspected {number(size)}，不合格 defective {number(found)}",
            at=event.at,
            cause=rule.event,
        )
        for event, size, found in valid
    ]
    return Judgement(amount, f"{text}{note}", tuple(items))


def _counts(event: EventFact) -> tuple[int, int]:
    details = dict(event.details)
    return details.get("sample", 0), details.get("defects", -1)


FAMILY = Family(13, "sampling", "抽检推算 sampling inspection", "event", Sampling, judge)
