"""Family 3, point elimination: a point that failed longer than a limit in the window is not paid for it at all."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from settlement.facts import HOUR_S, Window
from settlement.families.family import Family, Item, Judgement, Over, RuleTerms, beyond


class PointElimination(RuleTerms):
    """`hours` 168 with `over` ">": 168 hours exactly are still paid. Excused outages do not count."""

    kind: Literal["point-elimination"]
    hours: Annotated[StrictInt, Field(ge=0, le=2_208)]
    over: Over = ">"


def judge(rule: PointElimination, window: Window) -> Judgement:
    """Deduct the whole fee of each point whose unexcused offline time lies beyond the limit."""
    items = []
    for cell in window.cells:
        offline_s = sum(outage.offline_s for outage in cell.outages if not outage.excused)
        if beyond(offline_s, rule.over, rule.hours * HOUR_S):
            why = f"{Fraction(offline_s, HOUR_S)} h {rule.over} {rule.hours} h"
            first = min(outage.start for outage in cell.outages if not outage.excused) if cell.outages else 0
            items.append(Item(cell.point, "", cell.fee, why, at=first))
    amount = sum((item.amount for item in items), Fraction(0))
    return Judgement(
        amount,
        f"{len(items):,} 点故障超过 {rule.hours} 小时不计费 points unpaid",
        tuple(items),
        unpaid=frozenset(item.point for item in items),
    )


FAMILY = Family(3, "point-elimination", "点位剔费 point elimination", "point", PointElimination, judge)
