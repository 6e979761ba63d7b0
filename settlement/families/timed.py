"""What families that charge by an outage's length have in common: whose clock, what is free, how time is rounded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, NamedTuple

from pydantic_core import PydanticCustomError

from settlement.facts import HOUR_S, Cell, OutageFact, Window
from settlement.families.family import Item, Over, Rounding, RuleTerms, beyond, counted
from settlement.families.windows import outages_of
from settlement.figures import Factor, complaint
from settlement.notation import duration, number

Clock = Literal["outage", "report"]


class TimedTerms(RuleTerms):
    """How time is counted. `free_hours` with `over` ">": so many hours exactly still cost nothing.

    `clock`: from the outage's start, or from its report (an outage that nobody reported then costs nothing). `mode`:
    marginal, only what lies beyond the free hours counts; bracket, everything counts once they are exceeded. `per`: each
    outage is counted by itself, from its start on and so that the windows it runs through add up to what it would cost in
    one; or the point's whole window, of which only its own time counts. `rounding` concerns started units of time.
    """

    clock: Clock = "outage"
    free_hours: Factor = Fraction(0)
    over: Over = ">"
    mode: Literal["marginal", "bracket"] = "marginal"
    per: Literal["outage", "window"] = "outage"
    rounding: Rounding


class Spell(NamedTuple):
    """Time that is charged together: its outages, its seconds by the clock up to the window's end, and the window's units.

    `before_s` of the seconds lie in earlier windows, which charged `before` units of them.
    """

    outages: tuple[OutageFact, ...]
    seconds: int
    units: Fraction
    before_s: int = 0
    before: Fraction = Fraction(0)


def clocked_s(outage: OutageFact, clock: Clock, window: Window) -> int:
    """Return the outage's counted seconds in the window by the clock."""
    if clock == "outage":
        return outage.offline_s
    if outage.reported_at is None:
        return 0
    if outage.reported_s is not None:
        return min(outage.reported_s, outage.offline_s)
    if outage.reported_at <= max(outage.start, window.start):
        return outage.offline_s
    return max(0, min(outage.offline_s, min(outage.end, window.end) - outage.reported_at))


def clocked_before_s(outage: OutageFact, clock: Clock, window: Window) -> int:
    """Return the outage's counted seconds before the window by the clock."""
    if clock == "outage":
        return outage.before_s
    if outage.reported_at is None:
        return 0
    if outage.before_reported_s is not None:
        return min(outage.before_reported_s, outage.before_s)
    return max(0, min(outage.before_s, window.start - max(outage.reported_at, outage.start)))


def spells(
    rule: TimedTerms, window: Window, cell: Cell, unit_s: int, free_s: Fraction | None = None
) -> Iterator[Spell]:
    """Yield what is charged at a point, by time. `free_s` stands for the rule's free hours where they differ by point."""
    free = rule.free_hours * HOUR_S if free_s is None else free_s
    known = [(outage, clocked_s(outage, rule.clock, window)) for outage in outages_of(cell)]
    known = [(outage, seconds) for outage, seconds in known if seconds > 0]

    def units(seconds: int) -> Fraction:
        counting = seconds - free if free and rule.mode == "marginal" else seconds
        return counted(Fraction(counting, unit_s), rule.rounding)

    if rule.per == "window":
        seconds = sum(seconds for _, seconds in known)
        if known and beyond(seconds, rule.over, free):
            yield Spell(tuple(outage for outage, _ in known), seconds, units(seconds))
        return
    for outage, seconds in known:
        before_s = clocked_before_s(outage, rule.clock, window)
        if beyond(before_s + seconds, rule.over, free):
            before = units(before_s) if before_s and beyond(before_s, rule.over, free) else Fraction(0)
            yield Spell((outage,), before_s + seconds, units(before_s + seconds) - before, before_s, before)


def spell_text(rule: TimedTerms, spell: Spell, unit_s: int, unit: str, free_hours: Fraction | None = None) -> str:
    """Write how a spell comes to its units: "⌈9 h 18 min − 4 h⌉ = 6 h", "⌈20 h ÷ 2 h⌉ = 10 段".

    Where earlier windows hold a part of the outage, what they charged is taken off: "⌈6 h − 4 h⌉ − 1（此前 before） = 1 h".
    """
    free = rule.free_hours if free_hours is None else free_hours
    text = duration(spell.seconds)
    less = free and rule.mode == "marginal"
    if less:
        text = f"{text} − {number(free)} h"
    if unit_s != HOUR_S:
        text = f"({text}) ÷ {duration(unit_s)}" if less else f"{text} ÷ {duration(unit_s)}"
    units = f"{number(spell.units)} {unit}"
    if text == units:
        return text
    left, right = BRACKETS[rule.rounding]
    earlier = f" − {number(spell.before)}（此前 before）" if spell.before_s else ""
    return f"{left}{text}{right}{earlier} = {units}"


BRACKETS: dict[Rounding, tuple[str, str]] = {"ceil": ("⌈", "⌉"), "floor": ("⌊", "⌋"), "exact": ("", "")}
"""The usual signs for rounding up and down."""


def item_of(cell: Cell, spell: Spell, amount: Fraction, why: str) -> Item:
    """Build the item of a spell: it punishes all of its outages at once."""
    first, *others = spell.outages
    return Item(
        cell.point,
        first.incident,
        amount,
        why,
        at=first.start,
        cause=first.cause,
        also=tuple(outage.incident for outage in others),
    )


def month_only(grain: str, field: str, value: object) -> list[tuple[tuple[str | int, ...], PydanticCustomError]]:
    """Complain of a figure that divides a month's fee where the rule judges quarters."""
    if value is None or grain == "month":
        return []
    message = f"{field} 除的是月费，而规则按季 it divides a month's fee, but the rule judges quarters"
    return [((field,), complaint("grain", message, "写 grain: month，或删去 write grain: month, or leave it out"))]
