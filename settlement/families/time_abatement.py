"""Family 6, time abatement: the fee of the time that a point was out, from its outage or from its report on.

Source: the settlement rules' sixth family: fee · outage / month, where 36 h cost 30.39 of 744 h and 31.40 of 720 h.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from settlement.facts import HOUR_S, Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Item, Judgement, Rounding
from settlement.families.timed import TimedTerms, item_of, month_only, spell_text, spells
from settlement.families.windows import added, sum_text, within
from settlement.notation import equals, money, number


class TimeAbatement(TimedTerms):
    """Fee × hours / hours of the window. `hours_per_month` declares them (720); left out, they are counted.

    A point is never charged more than its fee.
    """

    kind: Literal["time-abatement"]
    rounding: Rounding = "exact"
    hours_per_month: Annotated[StrictInt, Field(ge=672, le=744)] | None = None

    @model_validator(mode="after")
    def _monthly(self) -> Self:
        refuse_all("hours_per_month", month_only(self.grain, "hours_per_month", self.hours_per_month))
        return self


def judge(rule: TimeAbatement, window: Window) -> Judgement:
    """Deduct, outage by outage, fee × hours / hours of the window."""
    base = rule.hours_per_month or window.hours
    items: list[Item] = []
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        charged = []
        for spell in spells(rule, window, cell, HOUR_S):
            amount = cell.fee * spell.units / base
            why = f"{spell_text(rule, spell, HOUR_S, 'h')}；{money(cell.fee)} × {number(spell.units)} ÷ {base} {equals(amount)}"
            charged.append(item_of(cell, spell, amount, why))
        items += within(cell.fee, charged)
    points = len({item.point for item in items})
    return Judgement(added(items), f"{points:,} 点 points：{sum_text(items)}", tuple(items))


FAMILY = Family(6, "time-abatement", "按故障时长折减 time abatement", "point", TimeAbatement, judge)
