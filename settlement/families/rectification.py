"""Family 12, rectification: repaired within the deadline costs nothing, late counts from the start.

Source: the settlement rules' twelfth family: a fault of the same cause again within 72 hours is back-dated to the first
one, so that a makeshift repair gains nothing; no time is counted twice, and none is lost where a month ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from settlement.facts import HOUR_S, Cell, OutageFact, Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Item, Judgement, Over, Rounding, RuleTerms, beyond, counted
from settlement.families.timed import BRACKETS, Clock
from settlement.families.windows import added, history_of, sum_text, within
from settlement.figures import Factor, Fen, Share, complaint
from settlement.notation import duration, equals, money, number, share


class Rectification(RuleTerms):
    """Late is a repair whose time lies beyond `deadline_hours` as `over` compares; the deadline runs by `clock`.

    `again_hours` with `again_over` ">": the same known cause at the same point up to so many hours after a repair
    continues the first fault; 0: it never does. `between`: whether the time in which the point worked between such faults
    counts as well, since the fault counts as never repaired. Each period of `period_hours` costs a share of the point's
    fee or an amount, one of the two. A window charges what is due by its end less what was due by its start: a fault that
    becomes late in it, or comes again in it, is charged from its first outage.
    """

    kind: Literal["rectification"]
    deadline_hours: Factor
    over: Over = ">"
    clock: Clock = "outage"
    again_hours: Factor = Fraction(0)
    again_over: Over = ">"
    between: Literal["counts", "free"] = "counts"
    period_hours: Factor = Fraction(1)
    rounding: Rounding
    share_per_period: Share | None = None
    fen_per_period: Fen | None = Field(alias="yuan_per_period", default=None)

    @property
    def remembered_hours(self) -> Fraction:
        """How far before a window its outages must be known: a fault that began earlier is late in what is seen, too."""
        return 2 * self.again_hours + self.deadline_hours if self.again_hours else Fraction(0)

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        errors = []
        if (self.share_per_period is None) == (self.fen_per_period is None):
            message = "须写且只写一种单价 exactly one price is needed: share_per_period, yuan_per_period"
            errors.append((("share_per_period",), complaint("price", message, "二者择一 keep one of the two")))
        if self.period_hours == 0:
            message = "计量单位为零 a period of zero hours"
            errors.append((("period_hours",), complaint("period", message, "须大于零 must be above zero")))
        refuse_all("rectification", errors)
        return self


class Fault(NamedTuple):
    """One fault from its first outage to its last, as it stands at a time: its repair time, and the time that counts."""

    outages: tuple[OutageFact, ...]
    repair_s: int
    counted_s: int


class Charge(NamedTuple):
    """A late fault at a window's end, its counted time before the window, and the periods charged then and now."""

    fault: Fault
    before_s: int
    before: Fraction
    units: Fraction


def judge(rule: Rectification, window: Window) -> Judgement:
    """Deduct, fault by fault, the whole time of those that were repaired late, less what earlier windows charged."""
    items: list[Item] = []
    late = 0
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        charges = charges_of(rule, window, cell)
        late += len(charges)
        charged = [_item(rule, cell, charge) for charge in charges]
        # A share of the fee is at most the fee; amounts of money are limited by the rule's own caps.
        items += within(cell.fee, charged) if rule.share_per_period is not None else charged
    text = f"{late:,} 件逾期修复 faults repaired late：{sum_text(items)}"
    return Judgement(added(items), text, tuple(items))


def charges_of(rule: Rectification, window: Window, cell: Cell) -> list[Charge]:
    """Return what is due for each fault that was late by the window's end, and had not been charged at its start.

    A window looks at a fault as it stood at its own end, whatever became of it later: so each charges exactly what those
    before it did not.
    """
    found = []
    for chain in chains_of(rule, cell):
        then = _at(rule, [(o, o.before_s) for o in chain], window.start)
        now = _at(rule, [(o, o.before_s + o.offline_s) for o in chain], window.end)
        before = _units(rule, then)
        if (units := _units(rule, now)) and (units > before or now.counted_s > then.counted_s):
            found.append(Charge(now, then.counted_s, before, units - before))
    return found


def chains_of(rule: Rectification, cell: Cell) -> list[list[OutageFact]]:
    """Put a point's outages together into faults. Each outage belongs to one fault, so that nothing counts twice."""
    chains: list[list[OutageFact]] = []
    last: dict[str, list[OutageFact]] = {}
    for outage in history_of(cell):
        chain = last.get(outage.cause) if outage.cause else None
        if (
            chain
            and rule.again_hours
            and not beyond(outage.start - chain[-1].end, rule.again_over, rule.again_hours * HOUR_S)
        ):
            chain.append(outage)
            continue
        chains.append([outage])
        if outage.cause:
            last[outage.cause] = chains[-1]
    return chains


def _at(rule: Rectification, chain: Sequence[tuple[OutageFact, int]], at: int) -> Fault:
    """Return a chain as it stood at a time, up to which so many seconds of each outage counted."""
    begun = [(outage, seconds) for outage, seconds in chain if outage.start < at]
    outages = tuple(outage for outage, _ in begun)
    seconds = sum(seconds for _, seconds in begun)
    if rule.between == "counts" and seconds:
        seconds += sum(max(0, after.start - before.end) for before, after in pairwise(outages))
    return Fault(outages, _repair_s(rule, outages, at), seconds)


def _repair_s(rule: Rectification, outages: Sequence[OutageFact], at: int) -> int:
    """Return the time from the clock's start to the last repair or `at`; 0 where the clock had not started."""
    if not outages:
        return 0
    start, end = outages[0].start, min(outages[-1].end, at)
    if rule.clock == "outage":
        return end - start
    reports = [outage.reported_at for outage in outages if outage.reported_at is not None]
    return max(0, end - max(reports[0], start)) if reports else 0


def is_late(rule: Rectification, fault: Fault) -> bool:
    """Tell whether a fault was not repaired by its deadline."""
    return fault.repair_s > 0 and beyond(fault.repair_s, rule.over, rule.deadline_hours * HOUR_S)


def _units(rule: Rectification, fault: Fault) -> Fraction:
    """Return the periods that a fault costs as it stands: all of them if it is late, none otherwise."""
    if not fault.counted_s or not is_late(rule, fault):
        return Fraction(0)
    return counted(fault.counted_s / (rule.period_hours * HOUR_S), rule.rounding)


def _item(rule: Rectification, cell: Cell, charge: Charge) -> Item:
    fault, units = charge.fault, charge.units
    if rule.share_per_period is not None:
        amount = cell.fee * rule.share_per_period * units
        price = f"{money(cell.fee)} × {share(rule.share_per_period)}"
    else:
        amount = Fraction(rule.fen_per_period or 0) * units
        price = money(rule.fen_per_period or 0)
    left, right = BRACKETS[rule.rounding]
    earlier = f" − {number(charge.before)}（此前 before）" if charge.before_s else ""
    again = f"，同因再发 {len(fault.outages) - 1} 次 recurred" if len(fault.outages) > 1 else ""
    why = (
        f"修复 repaired in {duration(fault.repair_s)} {rule.over} {number(rule.deadline_hours)} h{again}；"
        f"{left}{duration(fault.counted_s)} ÷ {number(rule.period_hours)} h{right}{earlier} = {number(units)}；"
        f"{price} × {number(units)} {equals(amount)}"
    )
    first, *others = fault.outages
    also = tuple(outage.incident for outage in others)
    return Item(cell.point, first.incident, amount, why, at=first.start, cause=first.cause, also=also)


FAMILY = Family(12, "rectification", "限时修复 rectification", "event", Rectification, judge, outages=True)
