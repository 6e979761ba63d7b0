"""Family 16, unit fine × count: so much for each event, or for each period of it that has begun.

Source: the settlement rules' sixteenth family: clock off, caption wrong, recording missing cost yuan per point and started
period. Repeats weigh more by the rule's `repeat`, which the evaluation applies to every family alike.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settlement.facts import HOUR_S, EventFact, Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Item, Judgement, Name, Over, Rounding, RuleTerms, beyond, counted
from settlement.families.timed import BRACKETS
from settlement.families.windows import added, begun, events_of, points_text, sum_text
from settlement.figures import Factor, Fen, complaint
from settlement.notation import duration, money, number


class UnitFine(RuleTerms):
    """An event of one of the kinds `events` costs `fine` yuan, or `points` off the score, one of the two.

    With `period_hours` it costs that for each period of its duration, rounded as declared. What lasts no longer than
    `free_hours` (`over` ">": so long exactly neither) costs nothing; beyond them all of it counts. A window charges what is
    due by its end less what was due by its start, so that months add up: a period counts where it begins, those within
    the free hours where these are exceeded. An event without an end is one period, or runs on (`open` runs).
    """

    kind: Literal["unit-fine"]
    events: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
    fine_fen: Fen | None = Field(alias="fine", default=None)
    points: Factor | None = None
    period_hours: Factor | None = None
    rounding: Rounding = "ceil"
    free_hours: Factor = Fraction(0)
    over: Over = ">"
    open: Literal["one-period", "runs"] = "one-period"

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        errors = []
        if (self.fine_fen is None) == (self.points is None):
            message = "须写且只写一种单价 exactly one price is needed: fine, points"
            errors.append((("fine",), complaint("price", message, "二者择一 keep one of the two")))
        if self.period_hours == 0:
            message = "计量单位为零 a period of zero hours"
            errors.append((("period_hours",), complaint("period", message, "须大于零 must be above zero")))
        if self.free_hours and self.period_hours is None:
            message = "按次计罚没有时长 a fine per event has no duration"
            errors.append((("free_hours",), complaint("period", message, "写 period_hours 或删去 add it or drop this")))
        refuse_all("unit-fine", errors)
        return self


def judge(rule: UnitFine, window: Window) -> Judgement:
    """Deduct the fine, or take the points, for each event or each of its periods."""
    each = Fraction(rule.fine_fen if rule.fine_fen is not None else rule.points or 0)
    write = number if rule.fine_fen is None else money
    items = []
    for event, units, count_text in _counted(rule, window):
        amount = each * units
        if amount:
            times = f"{count_text}；{write(each)} × {number(units)} = " if rule.period_hours else ""
            why = f"{event.kind}：{times}{write(amount)}"
            items.append(Item(event.point, event.incident, amount, why, at=event.at, cause=event.kind))
    if rule.fine_fen is None:
        return Judgement(added(items), f"{points_text(items)} 分 points", tuple(items), unit="points")
    return Judgement(added(items), f"{len(items):,} 次 events：{sum_text(items)}", tuple(items))


def _counted(rule: UnitFine, window: Window) -> list[tuple[EventFact, Fraction, str]]:
    """Return the events with how many periods of each belong to the window, and how that was counted."""
    events = events_of(window, rule.events)
    if rule.period_hours is None:
        return [(event, Fraction(1), "") for event in begun(window, events)]
    return [(event, *_periods(rule, rule.period_hours * HOUR_S, event, window)) for event in events]


def _periods(rule: UnitFine, period_s: Fraction, event: EventFact, window: Window) -> tuple[Fraction, str]:
    until = event.until
    if until is None and rule.open == "one-period":
        return Fraction(window.start <= event.at < window.end), "1"
    units, before = _due(rule, period_s, event, window.end), _due(rule, period_s, event, window.start)
    if not units:
        return Fraction(0), ""
    left, right = BRACKETS[rule.rounding]
    earlier = f" − {number(before)}（此前 before）" if event.at < window.start else ""
    spent = duration((window.end if until is None else min(until, window.end)) - event.at)
    return units - before, f"{left}{spent} ÷ {number(period_s / HOUR_S)} h{right}{earlier} = {number(units - before)}"


def _due(rule: UnitFine, period_s: Fraction, event: EventFact, at: int) -> Fraction:
    """Return the periods that an event has cost by a time, as it stood then, whatever became of it later."""
    lasted = (at if event.until is None else min(event.until, at)) - event.at
    if lasted <= 0 or not beyond(lasted, rule.over, rule.free_hours * HOUR_S):
        return Fraction(0)
    return counted(lasted / period_s, rule.rounding)


FAMILY = Family(16, "unit-fine", "单项扣款 unit fine", "event", UnitFine, judge)
