"""The kinds of formulas: what is given for an indicator in, points with their arithmetic out.

Points are exact fractions, rounded half up once per indicator. No I/O, no clock.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Literal, NamedTuple

from settlement.money import round_half_up
from settlement.scorecard.inputs import Given
from settlement.scorecard.kinds import Manual, PerEvent, PerUnit, Proportional, Tiers
from settlement.scorecard.printed import plain
from settlement.scorecard.rubric import Indicator

Status = Literal["scored", "not-printed", "missing", "undefined"]


class Ruled(NamedTuple):
    """What a formula says: points rounded, or None, and its arithmetic."""

    score: Fraction | None
    arithmetic: str
    status: Status


def rounded(score: Fraction, places: int) -> Fraction:
    """Round half up to so many decimals."""
    return Fraction(round_half_up(score * 10**places), 10**places)


def judged(row: Indicator, given: Given, places: int) -> Ruled:
    """Apply an indicator's formula to what is given for it."""
    formula = row.formula
    if isinstance(formula, Manual) or not given.has_data:
        return Ruled(None, "", "missing")
    match formula:
        case Tiers():
            return _by_tiers(formula, row.weight, given, places)
        case PerEvent():
            return _by_events(formula, row.weight, given, places)
        case Proportional():
            exact, arithmetic = _proportional(formula, row.weight, given)
        case PerUnit():
            exact, arithmetic = _by_units(formula, row.weight, given)
    if exact is None:
        return Ruled(None, arithmetic, "not-printed")
    score = rounded(exact, places)
    if score != exact:
        arithmetic += f" → {plain(score)}"
    return Ruled(score, arithmetic, "scored")


UNPRINTED = "权重未印出 the weight is not printed"


def _proportional(formula: Proportional, weight: Fraction | None, given: Given) -> tuple[Fraction | None, str]:
    value = given.exact
    if value is None:
        return None, "须给出一个值 a single value is needed"
    if weight is None:
        return None, f"{given.shown}；{UNPRINTED}"
    low, high = formula.zero_at, formula.full_at
    part = min(Fraction(1), max(Fraction(0), (value - low.value) / (high.value - low.value)))
    exact = weight * part
    if low.value == 0 and high.value == 1:
        return exact, f"{plain(weight)} × {given.shown} = {plain(exact)}"
    span = f"({given.shown} − {low.text}) ÷ ({high.text} − {low.text})"
    return exact, f"{plain(weight)} × {span} = {plain(exact)}"


def _by_units(formula: PerUnit, weight: Fraction | None, given: Given) -> tuple[Fraction | None, str]:
    value = given.exact
    if value is None:
        return None, "须给出一个值 a single value is needed"
    if weight is None:
        return None, f"{given.shown}；{UNPRINTED}"
    beyond = value - formula.allowance.value if formula.of == "excess" else formula.allowance.value - value
    units = max(Fraction(0), beyond) / formula.unit.value
    counted = {"ceil": Fraction(ceil(units)), "floor": Fraction(floor(units)), "exact": units}[formula.rounding]
    exact = max(Fraction(0), weight - formula.points * counted)
    name = formula.unit_name or f"× {formula.unit.text}"
    word = "超出 beyond" if formula.of == "excess" else "低于 short of"
    arithmetic = (
        f"{given.shown} {word} {formula.allowance.text}: {plain(counted)} {name}；"
        f"max(0, {plain(weight)} − {plain(counted)} × {plain(formula.points)}) = {plain(exact)}"
    )
    return exact, arithmetic


def _by_events(formula: PerEvent, weight: Fraction | None, given: Given, places: int) -> Ruled:
    unknown = sorted(set(given.events) - set(formula.events))
    if unknown or not given.events:
        known = ", ".join(formula.events)
        return Ruled(None, f"未知的事件 unknown events: {', '.join(unknown)}；可用 known: {known}", "undefined")
    if weight is None:
        return Ruled(None, UNPRINTED, "not-printed")
    off = sum((formula.events[name] * number for name, number in given.events.items()), Fraction(0))
    exact = rounded(max(Fraction(0), weight - off), places)
    terms = " − ".join(f"{number} × {plain(formula.events[name])}（{name}）" for name, number in given.events.items())
    return Ruled(exact, f"max(0, {plain(weight)} − {terms}) = {plain(exact)}", "scored")


def _by_tiers(formula: Tiers, weight: Fraction | None, given: Given, places: int) -> Ruled:
    figures = given.values if formula.items else {"": given}
    missing = [item for item in formula.items if item not in figures]
    strange = [name for name in figures if formula.items and name not in formula.items]
    if missing or strange:
        told = f"缺 missing: {', '.join(missing)}" if missing else f"多 not among the items: {', '.join(strange)}"
        return Ruled(None, told, "missing" if missing else "undefined")
    total, terms = Fraction(0), []
    for name, figure in figures.items():
        value = figure.exact
        label = f"{name} " if name else ""
        if value is None:
            return Ruled(None, f"{label}须给出一个值 a value is needed", "missing")
        tier = next((tier for tier in formula.tiers if tier.holds(value)), None)
        if tier is None:
            return Ruled(None, f"{label}{figure.shown} 不在任何档内 lies in no band", "undefined")
        worth = tier.worth(weight)
        if worth is None:
            told = "档内得分未印出 its points are not printed" if tier.not_printed else UNPRINTED
            return Ruled(None, f"{label}{figure.shown} [{tier.text}]；{told}", "not-printed")
        total += worth
        terms.append(f"{label}{figure.shown} [{tier.text}] → {plain(worth)}")
    score = rounded(total, places)
    arithmetic = "；".join(terms) + (f"；合计 sum {plain(score)}" if len(terms) > 1 else "")
    return Ruled(score, arithmetic, "scored")
