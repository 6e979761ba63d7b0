"""Repeats weigh more, and one outage is punished once: what becomes of rules' items before they are capped."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from settlement.facts import DAY_S
from settlement.families.family import AnyFamily, Item, Judgement, RuleTerms
from settlement.grounds import Months
from settlement.notation import money, number


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


Weigh = Callable[[str, str, int], int]
"""How many seconds of a point's incident count in a month of the quarter."""


def _alike(_: str, __: str, ___: int) -> int:
    return 1


def once(verdicts: Sequence[Verdict], taken: dict[Claim, str] | None = None, weigh: Weigh = _alike) -> list[Verdict]:
    """Let of several rules' items about one outage in one month only the dearest count; a tie goes to the first rule.

    An item over several outages is worth the same to each of them: outage by outage the rule that takes most prevails,
    and an item keeps what it takes for the outages that it won. One that keeps nothing names the rule that prevailed.
    `taken` are claims that stand already; claims of this call are added to it.
    """
    claims = {} if taken is None else taken
    parts: dict[tuple[int, int], dict[Claim, Fraction]] = {}
    wanted: dict[Claim, dict[str, Fraction]] = defaultdict(dict)
    for place, verdict in enumerate(verdicts):
        for n, item in enumerate(verdict.items):
            if item.amount and item.incidents:
                parts[place, n] = _parts(item, verdict.months, weigh)
                for claim, part in parts[place, n].items():
                    sums = wanted[claim]
                    sums[verdict.rule.id] = sums.get(verdict.rule.id, Fraction(0)) + part
    for claim, sums in wanted.items():
        if claim not in claims:
            claims[claim] = max(sums, key=lambda rule: sums[rule])
    done = list(verdicts)
    for place, verdict in enumerate(verdicts):
        items = [
            _kept(item, verdict.rule.id, parts[place, n], claims) if (place, n) in parts else item
            for n, item in enumerate(verdict.items)
        ]
        if any(a is not b for a, b in zip(items, verdict.items, strict=True)):
            done[place] = replace(verdict, items=tuple(items))
    return done


def _parts(item: Item, months: Months, weigh: Weigh) -> dict[Claim, Fraction]:
    """Divide an item evenly over its outages, and the months in which they have seconds; over all where none are known.

    Not by their seconds: a longer outage would draw to itself what the others lose to a dearer rule, and the sum over
    outages could fall while an outage grows. Evenly it never does: an outage that joins k others lowers each of them by
    a/k − a/(k + 1), all together by a/(k + 1) at most, and is itself worth that much.
    """
    about = [(incident, month) for incident in item.incidents for month in months]
    there = [claim for claim in about if len(about) == 1 or weigh(item.point, *claim)] or about
    return {claim: item.amount / len(there) for claim in there}


def _kept(item: Item, rule: str, parts: dict[Claim, Fraction], claims: dict[Claim, str]) -> Item:
    """Leave an item what it takes for the outages on which its rule prevailed."""
    rivals = [claims[claim] for claim, part in parts.items() if part and claims[claim] != rule]
    if not rivals:
        return item
    kept = sum((part for claim, part in parts.items() if claims[claim] == rule), Fraction(0))
    if not kept:
        return item._replace(suppressed_by=rivals[0])
    won = [name for name in item.incidents if any(n == name and claims[n, m] == rule for n, m in parts)]
    others = ", ".join(dict.fromkeys(rivals))
    why = f"{item.why}；其余由规则 {others} 扣 the rest is taken by that rule：{money(kept)}"
    return item._replace(amount=kept, why=why, incident=won[0], also=tuple(won[1:]))
