"""Family 11, weighted unavailability: periods of outage at a part of the fee, weighted by the point and by its use.

Source: the settlement rules' eleventh family: fee/360 × weight × periods × use factor × repeat factor. The repeat factor
is the rule's `repeat`, which the evaluation applies to every family alike.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from settlement.facts import Cell, Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Item, Judgement, Name
from settlement.families.timed import Spell, TimedTerms, item_of, spell_text, spells
from settlement.families.windows import added, sum_text, within
from settlement.figures import Factor, complaint
from settlement.notation import equals, money, number


class WeightedUnavailability(TimedTerms):
    """A period of `period_minutes` costs the month's fee / `periods` (360 of two hours), times the factors.

    `weights` by the points' class, `other_weight` for all others; `use_factors` by the outage's cause (a point that was
    poor but usable may count less), 1 for all others. A point is never charged more than its fee.
    """

    kind: Literal["weighted-unavailability"]
    periods: Annotated[StrictInt, Field(ge=1, le=44_640)] = 360
    period_minutes: Annotated[StrictInt, Field(ge=1, le=44_640)] = 120
    per: Literal["outage"] = "outage"
    weights: Annotated[dict[Name, Factor], Field(max_length=50)] = Field(default_factory=dict)
    other_weight: Factor = Fraction(1)
    use_factors: Annotated[dict[Name, Factor], Field(max_length=50)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _monthly(self) -> Self:
        if self.grain != "month":
            message = (
                f"月费分为 {self.periods} 段，而规则按季 periods divide a month's fee, but the rule judges quarters"
            )
            refuse_all("grain", [(("grain",), complaint("grain", message, "写 grain: month write grain: month"))])
        return self


def judge(rule: WeightedUnavailability, window: Window) -> Judgement:
    """Deduct, outage by outage, fee / periods × weight × periods out × use factor."""
    items: list[Item] = []
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        charged = [_item(rule, cell, spell) for spell in spells(rule, window, cell, rule.period_minutes * 60)]
        items += within(cell.fee, charged)
    points = len({item.point for item in items})
    return Judgement(added(items), f"{points:,} 点 points：{sum_text(items)}", tuple(items))


def _item(rule: WeightedUnavailability, cell: Cell, spell: Spell) -> Item:
    weight = rule.weights.get(cell.category, rule.other_weight)
    use = rule.use_factors.get(spell.outages[0].cause, Fraction(1))
    amount = cell.fee / rule.periods * weight * spell.units * use
    why = (
        f"{spell_text(rule, spell, rule.period_minutes * 60, '段 periods')}；{money(cell.fee)} ÷ {rule.periods} × {number(weight)} × "
        f"{number(spell.units)} × {number(use)} {equals(amount)}"
    )
    return item_of(cell, spell, amount, why)


FAMILY = Family(
    11, "weighted-unavailability", "加权不可用 weighted unavailability", "point", WeightedUnavailability, judge
)
