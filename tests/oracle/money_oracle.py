"""An independent account of a quarter in about a hundred lines: exact fractions, day by day, nothing of ours imported.

Points are (code, [(first day, first day no longer billed), …]); the contract is a plain dictionary. It is slow and
simple on purpose: each day of the quarter is looked at by itself, each column is worked out from the bottom up.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction


def rounded(x):
    """Half a fen goes away from zero."""
    doubled = 2 * abs(x) + 1
    size = doubled.numerator // (2 * doubled.denominator)
    return size if x >= 0 else -size


def later(day, months):
    """The same day `months` later, or the month's last."""
    month0 = day.month - 1 + months
    year, month = day.year + month0 // 12, month0 % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def spread(total, shares):
    """Hand out fen one by one: first everybody's whole part, then by the largest fraction, then by name."""
    whole = sum(shares.values())
    if not whole:
        return dict.fromkeys(shares, 0)
    sign, size = (-1, -total) if total < 0 else (1, total)
    ideal = {name: Fraction(size) * share / whole for name, share in shares.items()}
    got = {name: int(x) for name, x in ideal.items()}
    order = sorted(shares, key=lambda name: (got[name] - ideal[name], name))
    for name in order[: size - sum(got.values())]:
        got[name] += 1
    return {name: sign * part for name, part in got.items()}


def month_worth(rule, year, month, is_billed):
    """What one month is worth for one point; `is_billed(day)` tells of each day."""
    last = monthrange(year, month)[1]
    hits = [n for n in range(1, last + 1) if is_billed(date(year, month, n))]
    if len(hits) == last:
        return Fraction(1)
    if rule == "actual":
        return Fraction(len(hits), last)
    if rule == "actual/30":
        return min(Fraction(len(hits), 30), Fraction(1))
    if rule == "half-month":
        return Fraction(any(n <= 15 for n in hits) + any(n >= 16 for n in hits), 2)
    if rule == "full-month":
        return Fraction(bool(hits))
    return Fraction(1 in hits)


def due(reading, fee, o, target, share, k):
    """What a reading pays."""
    f, allowed = 1 - o, 1 - target
    if reading == "B" and o >= target:
        return fee
    if reading in "AB":
        return fee * o
    if reading == "C":
        return fee if o >= target else fee - fee * (target - o)
    if reading == "D":
        return fee if o >= target else fee * o / target
    if reading == "E":
        return fee * (o if o < share else share)
    if reading == "G":
        return share * (fee * o)
    excess = f - allowed if f > allowed else 0
    left = o - k * excess
    return fee * left if left > 0 else Fraction(0)


def columns(gross, tax_rate, prices):
    """(gross, net, tax) of a line, and of each component."""
    net = rounded(gross / (1 + tax_rate))
    grosses = spread(gross, prices) if prices else {}
    nets = spread(net, {name: abs(x) for name, x in grosses.items()})
    parts = {name: (x, nets[name], x - nets[name]) for name, x in grosses.items()}
    return {"": (gross, net, gross - net), **parts}


def less(a, b):
    """Subtract in every column."""
    return {name: tuple(x - y for x, y in zip(a[name], b[name], strict=True)) for name in a}


def settle(contract, phase, year, quarter, points, rate, reading):
    """Return {kind: {"" or component: (gross, net, tax)}} of one phase's quarter, in fen."""
    start, until = phase["from"], later(phase["from"], phase["months"])
    rule, price, share = contract["day_count"], phase["price"], contract["prepay_share"]

    def billed(spans):
        return lambda day: start <= day < until and any(a <= day < b for a, b in spans)

    def months_from(first):
        return [((first.year), first.month + n) for n in range(3)]

    def advance(first):
        count = sum(billed(spans)(first) for _, spans in points)
        worth = sum(month_worth(rule, *month, billed([(start, until)])) for month in months_from(first))
        return columns(rounded(share * price * count * worth), contract["tax"], phase["parts"])

    first = date(year, 3 * quarter - 2, 1)
    following = later(first, 3)
    months = sum(
        (month_worth(rule, *month, billed(spans)) for _, spans in points for month in months_from(first)), Fraction(0)
    )
    fee = price * months
    o = Fraction(*rate)
    full = columns(rounded(fee), contract["tax"], phase["parts"])
    pays = rounded(due(reading, fee, o, contract["target"], share, contract["k"]))
    payable, prepaid = columns(pays, contract["tax"], phase["parts"]), advance(first)
    lines = {"prepayment": prepaid, "payable": payable, "deduction": less(full, payable)}
    lines["true_up"] = less(payable, prepaid)
    if until - timedelta(days=1) >= following:
        lines["next_prepayment"] = advance(following)
    return lines
