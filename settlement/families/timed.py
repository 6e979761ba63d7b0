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
    outage is counted by itself, or the point's whole window. `rounding` concerns started units of time.
    """

    clock: Clock = "outage"
    free_hours: Factor = Fraction(0)
    over: Over = ">"
    mode: Literal["marginal", "bracket"] = "marginal"
    per: Literal["outage", "window"] = "outage"
    rounding: Rounding


class Spell(NamedTuple):
    """Time that is charged together: its outages, its seconds by the clock, and the units that they come to."""

    outages: tuple[OutageFact, ...]
    seconds: int
    units: Fraction


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


def spells(
    rule: TimedTerms, window: Window, cell: Cell, unit_s: int, free_s: Fraction | None = None
) -> Iterator[Spell]:
    """Yield what is charged at a point, by time. `free_s` stands for the rule's free hours where they differ by point."""
    free = rule.free_hours * HOUR_S if free_s is None else free_s
    known = [(outage, clocked_s(outage, rule.clock, window)) for outage in outages_of(cell)]
    known = [(outage, seconds) for outage, seconds in known if seconds > 0]
    groups = [known] if rule.per == "window" else [[one] for one in known]
    for group in groups:
        seconds = sum(seconds for _, seconds in group)
        if not group or not beyond(seconds, rule.over, free):
            continue
        counting = Fraction(seconds - free if free and rule.mode == "marginal" else seconds, unit_s)
        yield Spell(tuple(outage for outage, _ in group), seconds, counted(counting, rule.rounding))


def spell_text(rule: TimedTerms, spell: Spell, unit_s: int, unit: str, free_hours: Fraction | None = None) -> str:
    """Write how a spell comes to its units: "⌈9.3 h − 4 h⌉ = 6 h", "⌈20 h ÷ 2 h⌉ = 10 段"."""
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
    return f"{left}{text}{right} = {units}"


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
