"""Family 12, rectification: repaired within the deadline costs nothing, late counts from the start.

Source: the settlement rules' twelfth family: a fault of the same cause again within 72 hours is back-dated to the first
one, so that a makeshift repair gains nothing; no time is counted twice.
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
    fee or an amount, one of the two. Time before the window belongs to the windows before.
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
    """One fault from its first outage to its last, and its time in the window."""

    outages: tuple[OutageFact, ...]
    repair_s: int
    counted_s: int


def judge(rule: Rectification, window: Window) -> Judgement:
    """Deduct, fault by fault, the whole time of those that were repaired late."""
    items: list[Item] = []
    late = 0
    for cell in sorted(window.cells, key=lambda cell: cell.point):
        faults = [fault for fault in faults_of(rule, window, cell) if is_late(rule, fault)]
        late += len(faults)
        charged = [_item(rule, cell, fault) for fault in faults]
        # A share of the fee is at most the fee; amounts of money are limited by the rule's own caps.
        items += within(cell.fee, charged) if rule.share_per_period is not None else charged
    text = f"{late:,} 件逾期修复 faults repaired late：{sum_text(items)}"
    return Judgement(added(items), text, tuple(items))


def faults_of(rule: Rectification, window: Window, cell: Cell) -> list[Fault]:
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
    faults = [Fault(tuple(chain), _repair_s(rule, chain), _counted_s(rule, window, chain)) for chain in chains]
    return [fault for fault in faults if fault.counted_s > 0]


def _repair_s(rule: Rectification, chain: Sequence[OutageFact]) -> int:
    """Return the time from the clock's start to the last repair; 0 where the clock never started."""
    if rule.clock == "outage":
        return chain[-1].end - chain[0].start
    reports = [outage.reported_at for outage in chain if outage.reported_at is not None]
    return max(0, chain[-1].end - max(reports[0], chain[0].start)) if reports else 0


def _counted_s(rule: Rectification, window: Window, chain: Sequence[OutageFact]) -> int:
    seconds = sum(outage.offline_s for outage in chain)
    if rule.between == "counts" and seconds:
        for before, after in pairwise(chain):
            seconds += max(0, min(after.start, window.end) - max(before.end, window.start))
    return seconds


def is_late(rule: Rectification, fault: Fault) -> bool:
    """Tell whether a fault was repaired after its deadline."""
    return fault.repair_s > 0 and beyond(fault.repair_s, rule.over, rule.deadline_hours * HOUR_S)


def _item(rule: Rectification, cell: Cell, fault: Fault) -> Item:
    units = counted(fault.counted_s / (rule.period_hours * HOUR_S), rule.rounding)
    if rule.share_per_period is not None:
        amount = cell.fee * rule.share_per_period * units
        price = f"{money(cell.fee)} × {share(rule.share_per_period)}"
    else:
        amount = Fraction(rule.fen_per_period or 0) * units
        price = money(rule.fen_per_period or 0)
    left, right = BRACKETS[rule.rounding]
    again = f"，同因再发 {len(fault.outages) - 1} 次 recurred" if len(fault.outages) > 1 else ""
    why = (
        f"修复 repaired in {duration(fault.repair_s)} {rule.over} {number(rule.deadline_hours)} h{again}；"
        f"{left}{duration(fault.counted_s)} ÷ {number(rule.period_hours)} h{right} = {number(units)}；"
        f"{price} × {number(units)} {equals(amount)}"
    )
    first, *others = fault.outages
    also = tuple(outage.incident for outage in others)
    return Item(cell.point, first.incident, amount, why, at=first.start, cause=first.cause, also=also)


FAMILY = Family(12, "rectification", "限时修复 rectification", "event", Rectification, judge, outages=True)
