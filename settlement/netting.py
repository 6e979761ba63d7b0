"""One outage is not punished by the rate and by an event rule as well: what becomes of event items over outages.

An event rule that says `pool: stays` adds its items to whatever the rate takes. By default an item bears only what its
outage costs beyond the rate: under a reading that takes the same for every second (A, plain pro-rata) each outage costs
the dearer of the two. What the rate takes beyond that belongs to no single outage, so that against it the items count
together. The deduction is then the largest of fixed sums that each never fall as offline time grows, and never falls
either; and it is never less than the rate's alone, nor than the items alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from settlement.charges import MONTHS, ZERO
from settlement.contract import Reading
from settlement.families.family import Item
from settlement.grounds import Grounds, Left, Months
from settlement.notation import money
from settlement.punishing import Claim, Verdict


def net_of_the_rate(grounds: Grounds, reading: Reading, verdicts: Sequence[Verdict], left: Left) -> list[Verdict]:
    """Reduce the items of event rules over outages that are still in the pool by what the rate takes for them."""
    done = list(verdicts)
    events = [n for n, v in enumerate(done) if v.family.stage == "event" and v.rule.pool == "leaves" and v.items]
    rates = [v for v in done if v.family.stage == "rate" and v.amount]
    if not events or not rates:
        return done
    windows = grounds.windows(grounds.terms.grain)
    if not all(any(set(v.months) <= set(w) for w in windows) for v in (*rates, *(done[n] for n in events))):
        windows = [MONTHS]
    for months in windows:
        within = [n for n in events if set(done[n].months) <= set(months)]
        judged = [v for v in rates if set(v.months) <= set(months)]
        if within and judged:
            _net(grounds, done, within, _Rates(grounds, reading, judged, left))
    return done


class _Rates:
    """What the rate takes: in all; and where every offline second costs the same, for one of them and for all of them."""

    def __init__(self, grounds: Grounds, reading: Reading, verdicts: Sequence[Verdict], left: Left) -> None:
        self.left = left
        self.taken = sum((_capped(grounds, v, left) for v in verdicts), ZERO)
        self.second: dict[int, Fraction] = {}
        self.linear = ZERO
        for verdict in verdicts:
            rate = grounds.rate(verdict.months, left)
            if rate is None or not _every_second(verdict, reading):
                continue
            fee = grounds.pool_fee(verdict.months, left)
            self.linear += fee * (1 - rate.value)
            counted = rate.counted if rate.source == "measured" else grounds.pool_seconds(verdict.months, left)
            self.second.update(dict.fromkeys(verdict.months, fee / counted if counted else ZERO))


def _net(grounds: Grounds, done: list[Verdict], events: Sequence[int], rates: _Rates) -> None:
    linear = rates.linear
    shares: dict[Claim, Fraction] = {}
    netted: dict[tuple[int, int], Fraction] = {}
    for n in events:
        for k, item in enumerate(done[n].items):
            claims = _in_pool(grounds, item, done[n].months, rates.left)
            if not claims or not item.amount or item.suppressed_by:
                continue
            rest = item.amount
            for claim in claims:
                if claim not in shares:
                    worth = rates.second.get(claim[1], ZERO) * grounds.seconds_of(item.point, *claim)
                    shares[claim] = min(worth, linear)
                    linear -= shares[claim]
                part = min(rest, shares[claim])
                shares[claim] -= part
                rest -= part
            netted[n, k] = rest
    whole = sum(netted.values(), ZERO)
    if not netted:
        return
    factor = max(ZERO, whole - max(ZERO, rates.taken - rates.linear)) / whole if whole else ZERO
    for n in events:
        items = tuple(_cut(item, netted.get((n, k)), factor) for k, item in enumerate(done[n].items))
        done[n] = replace(done[n], items=items)


def _cut(item: Item, rest: Fraction | None, factor: Fraction) -> Item:
    if rest is None or rest * factor == item.amount:
        return item
    amount = rest * factor
    by_rate = money(item.amount - amount)
    why = f"{item.why}；其中 {by_rate} 已由在线率扣 of which the rate takes that，余 left {money(amount)}"
    return item._replace(amount=amount, why=why)


def _in_pool(grounds: Grounds, item: Item, months: Months, left: Left) -> list[Claim]:
    """The item's outages with the months in which they count in the pool's rate."""
    return [
        (incident, n)
        for incident in item.incidents
        for n in months
        if (item.point, n) not in left and grounds.seconds_of(item.point, incident, n)
    ]


def _capped(grounds: Grounds, verdict: Verdict, left: Left) -> Fraction:
    """What a rate rule takes at most in its window."""
    rule, touched = verdict.rule, grounds.pool_fee(verdict.months, left, verdict.rule.components)
    limits = [verdict.amount, touched]
    limits += [touched * rule.cap_share] if rule.cap_share is not None else []
    limits += [Fraction(rule.cap_fen)] if rule.cap_fen is not None else []
    return min(limits)


def _every_second(verdict: Verdict, reading: Reading) -> bool:
    """Whether the rule takes the same for every offline second."""
    rule = verdict.rule
    if verdict.family.number == 0:
        return reading is Reading.A
    plain = rule.kind == "pro-rata" and getattr(rule, "full_from", None) is None
    return plain and not rule.components and rule.cap_share is None and rule.cap_fen is None
