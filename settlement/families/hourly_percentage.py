"""Family 5, hourly percentage: beyond an allowance, each hour of a point's outages costs a share of its fee.

Source: the settlement rules' fifth family: more than 4 hours in the month, 2 % for each hour beyond them; from 25 hours
half of the fee. Its worked figures count the hours beyond the allowance: 9.3 h are 6 hours begun, or 5 whole ones.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from settlement.facts import HOUR_S, Cell, Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Item, Judgement, Over, beyond
from settlement.families.timed import Spell, TimedTerms, item_of, spell_text, spells
from settlement.families.windows import added, sum_text, within
from settlement.figures import Factor, Share, complaint
from settlement.notation import duration, equals, money, number, share


class Flat(BaseModel):
    """From `hours` on (as `over` compares), `share` of the fee, however long it lasted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Factor
    over: Over = "≥"
    share: Share


class HourlyPercentage(TimedTerms):
    """`share_per_hour` of the point's fee for each hour beyond `free_hours`; `flat` takes over from a longer time on.

    By default the point's outages of the window are added up first; with `per: outage` a window charges of an outage what
    earlier windows did not. A point is never charged more than its fee.
    """

    kind: Literal["hourly-percentage"]
    share_per_hour: Share
    per: Literal["outage", "window"] = "window"
    flat: Flat | None = None

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.flat is not None and self.flat.hours <= self.free_hours:
            message = (
                f"定额档 {number(self.flat.hours)} h 不大于免计 {number(self.free_hours)} h "
                "the flat share begins within the free hours"
            )
            refuse_all("flat", [(("flat", "hours"), complaint("bands", message, "须大于 must be above free_hours"))])
        return self


def judge(rule: HourlyPercentage, window: Window) -> Judgement:
    """Deduct, point by point, fee × share × hours, or the flat share."""
    items: list[Item] = []
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        charged = [_item(rule, cell, spell) for spell in spells(rule, window, cell, HOUR_S)]
        items += within(cell.fee, charged)
    points = len({item.point for item in items})
    return Judgement(added(items), f"{points:,} 点 points：{sum_text(items)}", tuple(items))


def _item(rule: HourlyPercentage, cell: Cell, spell: Spell) -> Item:
    flat = rule.flat
    before = _share(rule, spell.before_s, spell.before)
    part = max(Fraction(0), _share(rule, spell.seconds, spell.before + spell.units) - before)
    amount = cell.fee * part
    if flat is not None and beyond(spell.seconds, flat.over, flat.hours * HOUR_S):
        earlier = f"({share(flat.share)} − {share(before)}（此前 before）)" if before else share(flat.share)
        why = f"{duration(spell.seconds)} {flat.over} {number(flat.hours)} h：{money(cell.fee)} × {earlier} {equals(amount)}"
    else:
        why = (
            f"{spell_text(rule, spell, HOUR_S, 'h')}；{money(cell.fee)} × {share(rule.share_per_hour)} × {number(spell.units)} "
            f"{equals(amount)}"
        )
    return item_of(cell, spell, amount, why)


def _share(rule: HourlyPercentage, seconds: int, hours: Fraction) -> Fraction:
    """Return the share of the fee that an outage has cost after so many seconds, which come to so many hours charged."""
    if rule.flat is not None and seconds and beyond(seconds, rule.flat.over, rule.flat.hours * HOUR_S):
        return rule.flat.share
    return rule.share_per_hour * hours


FAMILY = Family(5, "hourly-percentage", "免计时长外按小时扣减 hourly percentage", "point", HourlyPercentage, judge)
