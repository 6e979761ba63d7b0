"""What a rate from outside took already for points that rules on single points punish.

A measured pool is judged without the points that left it. The authority's figure, or a given one, is of all points, and
nothing can be taken out of it: their outages lowered it. So it is applied to the whole fee, and of what it takes, the
part that those points' outages make up is left out as far as the rules on points took it: D − Σ min(a, D · s), where a
point's s is its share of the offline time that the rate stands for, units · offline ÷ counted ÷ (U · (1 − o)), at most
1 for all points together. One outage costs the larger of the two amounts, never both; the sum never falls when the
rate does, and is never less than what the rate alone takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from settlement.charges import ZERO
from settlement.grounds import NOBODY, Grounds, Left, Months
from settlement.notation import money
from settlement.punishing import Verdict, once
from settlement.rules import OnlineRate

Taken = dict[str, dict[int, Fraction]]
"""By point and month: what rules on single points took, as far as no rate was netted with it yet."""


def outside(rate: OnlineRate | None) -> bool:
    """Tell whether a rate is a figure of all points that nothing can be taken out of."""
    return rate is not None and rate.source != "measured"


def judged_without(grounds: Grounds, months: Months, left: Left) -> Left:
    """The points without which a window is judged by its rate: those that left; nobody, if the rate is from outside."""
    return NOBODY if outside(grounds.rate(months)) else left


def taken_from(grounds: Grounds, verdicts: Iterable[Verdict], left: Left) -> Taken:
    """What the rules whose points leave the pool take from each, by month in proportion to its fee, within their caps."""
    taken: Taken = defaultdict(lambda: defaultdict(Fraction))
    for verdict in once([v for v in verdicts if v.judgement.unit == "fen"]):
        if verdict.rule.pool != "leaves" or not verdict.amount:
            continue
        within = min(Fraction(1), _most(grounds, verdict, verdict.amount) / verdict.amount)
        for item in verdict.items:
            whole = grounds.point_fee(item.point, verdict.months)
            if not whole or item.suppressed_by:
                continue
            for n in verdict.months:
                if (item.point, n) in left:
                    part = item.amount * within * grounds.point_fee(item.point, (n,)) / whole
                    taken[item.point][n] = min(grounds.point_fee(item.point, (n,)), taken[item.point][n] + part)
    return taken


def net(grounds: Grounds, rates: Sequence[Verdict], taken: Taken) -> tuple[list[Verdict], Fraction]:
    """Leave out of what rates from outside take the part that was taken from single points; return it as well.

    What one rate rule was netted with is gone from `taken` for the next.
    """
    done: list[Verdict] = []
    total = ZERO
    for verdict in rates:
        most = _most(grounds, verdict, verdict.amount)
        borne = _borne(grounds, verdict, most, taken)
        total += borne
        done.append(_reduced(verdict, most - borne, borne) if borne else verdict)
    return done, total


def _most(grounds: Grounds, verdict: Verdict, amount: Fraction) -> Fraction:
    """An amount within the rule's caps, those of a share being of all points' fee."""
    rule = verdict.rule
    limits = [amount]
    if rule.cap_share is not None:
        limits.append(grounds.basis.fee(verdict.months, rule.components) * rule.cap_share)
    if rule.cap_fen is not None:
        limits.append(Fraction(rule.cap_fen))
    return min(limits)


def _borne(grounds: Grounds, verdict: Verdict, amount: Fraction, taken: Taken) -> Fraction:
    rate = grounds.rate(verdict.months)
    if rate is None or not outside(rate) or rate.value == 1 or not amount:
        return ZERO
    lacking = grounds.basis.units(verdict.months) * (1 - rate.value)
    shares = {
        code: sum((grounds.offline_units(code, n) for n in verdict.months if n in its), ZERO) / lacking
        for code, its in taken.items()
    }
    scale = max(Fraction(1), sum(shares.values(), ZERO))
    borne = ZERO
    for code, share in sorted(shares.items()):
        wanted = amount * share / scale
        for n in verdict.months:
            part = min(wanted, taken[code].get(n, ZERO))
            if part:
                taken[code][n] -= part
                wanted -= part
                borne += part
    return borne


def _reduced(verdict: Verdict, amount: Fraction, borne: Fraction) -> Verdict:
    text = (
        f"{verdict.judgement.formula}；减已计入单点扣款 less what single points bear {money(borne)} → {money(amount)}"
    )
    factor = amount / verdict.amount
    items = tuple(item._replace(amount=item.amount * factor) for item in verdict.items)
    return replace(verdict, judgement=verdict.judgement._replace(amount=amount, formula=text), items=items)
