"""Family 7, daily fee: each day of an outage costs a day's fee of the point.

Source: the settlement rules' seventh family: fee / days, 20.93 where a month has 30 days and 20.26 where it has 31. A day
is 24 hours of the outage; whether a day begun counts in full the contract must say.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from settlement.facts import DAY_S, Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Item, Judgement
from settlement.families.timed import TimedTerms, item_of, month_only, spell_text, spells
from settlement.families.windows import added, sum_text, within
from settlement.notation import equals, money, number


class DailyFee(TimedTerms):
    """Fee / days for each day of outage. `days_per_month` declares them (30); left out, they are counted.

    A point is never charged more than its fee.
    """

    kind: Literal["daily-fee"]
    days_per_month: Annotated[StrictInt, Field(ge=28, le=31)] | None = None

    @model_validator(mode="after")
    def _monthly(self) -> Self:
        refuse_all("days_per_month", month_only(self.grain, "days_per_month", self.days_per_month))
        return self


def judge(rule: DailyFee, window: Window) -> Judgement:
    """Deduct, outage by outage, fee / days × days of outage."""
    base = rule.days_per_month or window.days
    items: list[Item] = []
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        charged = []
        for spell in spells(rule, window, cell, DAY_S):
            amount = cell.fee * spell.units / base
            why = (
                f"{spell_text(rule, spell, DAY_S, '天 d')}；"
                f"{money(cell.fee)} ÷ {base} × {number(spell.units)} {equals(amount)}"
            )
            charged.append(item_of(cell, spell, amount, why))
        items += within(cell.fee, charged)
    points = len({item.point for item in items})
    return Judgement(added(items), f"{points:,} 点 points：{sum_text(items)}", tuple(items))


FAMILY = Family(7, "daily-fee", "按日费扣减 daily fee", "point", DailyFee, judge)
