"""Family 3, point elimination: a point that failed longer than a limit in the window is not paid for it at all.

Source: the settlement rules' third family: more than 168 hours in the month, unless excused in writing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from settlement.facts import HOUR_S, Window
from settlement.families.family import Family, Item, Judgement, Over, RuleTerms, beyond
from settlement.families.windows import added, outages_of, sum_text
from settlement.notation import duration


class PointElimination(RuleTerms):
    """`hours` 168 with `over` ">": 168 hours exactly are still paid. Excused outages do not count."""

    kind: Literal["point-elimination"]
    hours: Annotated[StrictInt, Field(ge=0, le=2_208)]
    over: Over = ">"


def judge(rule: PointElimination, window: Window) -> Judgement:
    """Deduct the whole fee of each point whose unexcused offline time lies beyond the limit."""
    items = []
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        outages = [outage for outage in outages_of(cell) if outage.offline_s and not outage.excused]
        offline_s = sum(outage.offline_s for outage in outages)
        if outages and beyond(offline_s, rule.over, rule.hours * HOUR_S):
            first, *others = outages
            items.append(
                Item(
                    cell.point,
                    first.incident,
                    cell.fee,
                    f"故障 failed {duration(offline_s)} {rule.over} {rule.hours} h",
                    at=first.start,
                    cause=first.cause,
                    also=tuple(outage.incident for outage in others),
                )
            )
    return Judgement(
        added(items),
        f"{len(items):,} 点故障 {rule.over} {rule.hours} h 不计费 points unpaid：{sum_text(items)}",
        tuple(items),
        unpaid=frozenset(item.point for item in items),
    )


FAMILY = Family(3, "point-elimination", "点位剔费 point elimination", "point", PointElimination, judge)
