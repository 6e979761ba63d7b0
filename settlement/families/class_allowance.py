"""Family 10, class allowance: beyond its class's minutes, each hour begun of an outage takes points off.

Source: the settlement rules' tenth family: classes 1, 2, 3 allow 120, 180, 300 minutes and lose 0.5, 0.3, 0.1 points per
hour begun beyond them (class 1, 250 minutes: 130 beyond, three hours begun, 1.5 points); single events cost points too.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from settlement.facts import HOUR_S, Cell, Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Item, Judgement, Name, Rounding
from settlement.families.timed import TimedTerms, clocked_s, item_of, spell_text, spells
from settlement.families.windows import added, begun, events_of, outages_of, points_text
from settlement.figures import Factor, Fen, complaint
from settlement.notation import equals, money, number

MINUTE_S = 60


class Allowance(BaseModel):
    """What a class of points may be out, and what an hour beyond it costs, in points of the score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: Annotated[StrictInt, Field(ge=0, le=133_920)]
    points: Factor


class ClassAllowance(TimedTerms):
    """`classes` by the points' class; `unlisted` names the class of points whose own is not among them.

    Without it such points are named and not judged. `events`: points that an event of a kind takes off. `fen_per_point`
    (`yuan_per_point` in a contract) turns the points into money at once; without it they go to the score.
    """

    kind: Literal["class-allowance"]
    classes: Annotated[dict[Name, Allowance], Field(min_length=1, max_length=50)]
    unlisted: Name | None = None
    rounding: Rounding = "ceil"
    events: Annotated[dict[Name, Factor], Field(max_length=100)] = Field(default_factory=dict)
    fen_per_point: Fen | None = Field(alias="yuan_per_point", default=None)

    @model_validator(mode="after")
    def _known(self) -> Self:
        errors = []
        if self.unlisted is not None and self.unlisted not in self.classes:
            message = f"没有这一类 no such class: {self.unlisted}"
            errors.append((("unlisted",), complaint("class", message, f"可用 one of {', '.join(self.classes)}")))
        if self.free_hours:
            message = "免计时长按类别写 the free time is that of the class"
            errors.append((("free_hours",), complaint("class", message, "写在 classes 的 minutes write it there")))
        refuse_all("classes", errors)
        return self


def judge(rule: ClassAllowance, window: Window) -> Judgement:
    """Take points off for hours beyond each class's minutes, and for events."""
    items: list[Item] = []
    unknown = 0
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        name = cell.category if cell.category in rule.classes else rule.unlisted
        if name is not None:
            items += _items(rule, window, cell, name)
        elif any(clocked_s(outage, rule.clock, window) for outage in outages_of(cell)):
            unknown += 1
            items.append(
                Item(cell.point, "", Fraction(0), f"类别 {cell.category!r} 不在表中，未判 class not listed, not judged")
            )
    items += [
        Item(
            event.point,
            event.incident,
            rule.events[event.kind],
            f"{event.kind} {number(rule.events[event.kind])} 分 points",
            at=event.at,
            cause=event.kind,
        )
        for event in begun(window, events_of(window, rule.events))
    ]
    punished = [item for item in items if item.amount]
    note = f"；{unknown:,} 点类别不在表中，未判 points of no listed class, not judged" if unknown else ""
    text = f"{points_text(punished)} 分 points{note}"
    if rule.fen_per_point is None:
        return Judgement(added(items), text, tuple(items), unit="points")
    each = rule.fen_per_point
    priced = [item._replace(amount=item.amount * each, why=f"{item.why} × {money(each)}") for item in items]
    return Judgement(added(priced), f"{text}；× {money(each)} {equals(added(priced))}", tuple(priced))


def _items(rule: ClassAllowance, window: Window, cell: Cell, name: str) -> list[Item]:
    allowance = rule.classes[name]
    free_hours = Fraction(allowance.minutes, 60)
    items = []
    for spell in spells(rule, window, cell, HOUR_S, Fraction(allowance.minutes * MINUTE_S)):
        amount = allowance.points * spell.units
        if amount:
            why = (
                f"类别 class {name}：{spell_text(rule, spell, HOUR_S, 'h', free_hours)}；"
                f"{number(allowance.points)} × {number(spell.units)} = {number(amount)} 分 points"
            )
            items.append(item_of(cell, spell, amount, why))
    return items


FAMILY = Family(
    10, "class-allowance", "分类免计时长与扣分 class allowance", "event", ClassAllowance, judge, outages=True
)
