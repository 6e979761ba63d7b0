"""Repeats weigh more, and one outage is punished once: what becomes of rules' items before they are capped."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from settlement.facts import DAY_S
from settlement.families.family import AnyFamily, Item, Judgement, RuleTerms
from settlement.grounds import Months
from settlement.notation import number


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule said of a window: its judgement with the items as they stand now."""

    rule: RuleTerms
    family: AnyFamily
    label: str
    months: Months
    judgement: Judgement
    items: tuple[Item, ...]

    @property
    def amount(self) -> Fraction:
        """What it takes: the items that still count, or the judgement where there are none."""
        if not self.judgement.items:
            return self.judgement.amount
        return sum((item.amount for item in self.items if not item.suppressed_by), Fraction(0))


def verdict(rule: RuleTerms, family: AnyFamily, label: str, months: Months, judgement: Judgement) -> Verdict:
    """Start with the judgement's own items."""
    return Verdict(rule, family, label, months, judgement, judgement.items)


def repeated(verdicts: Sequence[Verdict], earlier: Iterable[Item] = ()) -> list[Verdict]:
    """Multiply one rule's items by its repeat factors: the n-th within so many days, of the same point (or cause there).

    `verdicts` are of one rule; `earlier` are its items of windows before. Items that came to nothing are no occurrence;
    items at the same instant do not count for each other.
    """
    repeat = verdicts[0].rule.repeat if verdicts else None
    if repeat is None:
        return list(verdicts)
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)

    def key(item: Item) -> tuple[str, str]:
        return item.point, item.cause if repeat.by == "cause" else ""

    for item in (*earlier, *(item for verdict in verdicts for item in verdict.items)):
        if item.amount:
            seen[key(item)].append(item.at)
    for times in seen.values():
        times.sort()
    result = []
    for verdict in verdicts:
        items = []
        for item in verdict.items:
            times = seen[key(item)]
            n = bisect_left(times, item.at) - bisect_left(times, item.at - repeat.within_days * DAY_S)
            factor = repeat.factors[min(n, len(repeat.factors) - 1)]
            if factor == 1 or not item.amount:
                items.append(item)
                continue
            why = f"{item.why} × {number(factor)}（{repeat.within_days} 天内第 {n + 1} 次 occurrence）"
            items.append(item._replace(amount=item.amount * factor, why=why))
        result.append(replace(verdict, items=tuple(items)))
    return result


Claim = tuple[str, int]
"""An incident in a month of the quarter."""


def once(verdicts: Sequence[Verdict], taken: dict[Claim, str] | None = None) -> list[Verdict]:
    """Let of several rules' items about one outage in one month only the largest count; a tie goes to the first rule.

    An item that is suppressed by another names that one's rule. `taken` are claims that stand already; claims of
    this call are added to it.
    """
    claims = {} if taken is None else taken
    about_outages = [
        (item.amount, place, n)
        for place, verdict in enumerate(verdicts)
        for n, item in enumerate(verdict.items)
        if item.amount and item.incident
    ]
    # Whole numbers of one common part are compared a hundred times faster than fractions.
    whole = lcm(*{amount.denominator for amount, _, _ in about_outages})
    order = sorted((-amount.numerator * (whole // amount.denominator), place, n) for amount, place, n in about_outages)
    lost: dict[tuple[int, int], str] = {}
    for _, place, n in order:
        verdict = verdicts[place]
        about = [(incident, month) for incident in verdict.items[n].incidents for month in verdict.months]
        rival = next((claims[claim] for claim in about if claims.get(claim, verdict.rule.id) != verdict.rule.id), "")
        if rival:
            lost[place, n] = rival
        else:
            claims.update(dict.fromkeys(about, verdict.rule.id))
    touched = {place for place, _ in lost}
    return [
        replace(
            verdict,
            items=tuple(
                item._replace(suppressed_by=lost[place, n]) if (place, n) in lost else item
                for n, item in enumerate(verdict.items)
            ),
        )
        if place in touched
        else verdict
        for place, verdict in enumerate(verdicts)
    ]
