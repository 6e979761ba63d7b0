"""An independent account of a phase's quarter under several rules: exact fractions, from the rules' own words.

Plain dictionaries in, exact fen out; nothing of the product is imported. A month is its first day. A point is {"code",
"days": [(first, until)], "good": {month: s}, "counted": {month: s}, "outages": [{"id", "start", "excused", "off":
{month: s}, "late": {month: s after the report}, "before": {month: {"off": s, "late": s}}}]}, "before" being what counted
of it until that month begins; an event {"kind", "point", "ids": {incident}, "at", "month"}. A rule
names its "kind", "grain", "parts" (components, empty for all), caps, and what its family needs.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from tests.oracle.money_oracle import due, later, month_worth

DAY = 86400
ROUNDED = {"ceil": ceil, "floor": floor, "exact": Fraction}
BY_RATE = ("substituted-tiers", "per-percentage-point", "fee-brackets", "excess-surcharge")
BY_POINT = ("point-elimination", "hourly-percentage", "time-abatement", "daily-fee")


def beyond(x, over, limit):
    return x > limit if over == ">" else x >= limit


def by_point(rule, point, fee, window):
    """What a rule takes from one point: [(outages, first start, amount)]."""
    clock = "late" if rule.get("clock") == "report" else "off"
    hits = [(o, sum(o[clock].get(month, 0) for month in window)) for o in point["outages"]]
    hits = [(o, s) for o, s in hits if s and not (rule["kind"] == "point-elimination" and o["excused"])]
    ids, total = {o["id"] for o, _ in hits}, Fraction(sum(s for _, s in hits), 3600)
    together = (ids, min((o["start"] for o, _ in hits), default=0))
    if rule["kind"] == "point-elimination":
        return [(*together, fee)] if hits and beyond(total, rule["over"], rule["hours"]) else []
    if rule["kind"] == "hourly-percentage":
        if rule["flat"] and beyond(total, rule["flat"]["over"], rule["flat"]["hours"]):
            return [(*together, fee * rule["flat"]["share"])]
        free = total - rule["free"]
        return [(*together, fee * rule["per"] * ROUNDED[rule["rounding"]](free))] if beyond(free, ">", 0) else []
    unit = 3600 if rule["kind"] == "time-abatement" else DAY
    length = sum((later(month, 1) - month).days for month in window) * DAY
    base = Fraction(rule["base"] or Fraction(length, unit))
    taken = []
    for o, s in sorted(hits, key=lambda hit: hit[0]["start"]):  # what it costs by the window's end, less by its start
        before = next(o["before"][month][clock] for month in window if month in o["off"])
        start, end = (ROUNDED[rule["rounding"]](Fraction(n, unit)) for n in (before, before + s))
        taken.append(({o["id"]}, o["start"], fee * (end - start) / base))
    return taken


def within(fee, hits):
    """A point is never charged more than its fee by one rule: what comes first counts first."""
    left = fee
    for ids, at, wanted in hits:
        amount = min(wanted, left)
        left -= amount
        if amount:
            yield {"ids": ids, "at": at, "amount": amount}


def by_rate(rule, fee, yearly, o, target):
    """What a rule takes from a pool at the online rate o."""
    if rule["kind"] == "substituted-tiers":  # best first: (from, share paid, or None for the rate itself)
        share = next(share for low, share in rule["tiers"] if beyond(o, rule["over"], low) or not low)
        return fee - fee * (o if share is None else share)
    if rule["kind"] == "fee-brackets":  # best first: (from, share taken), nothing in the first
        return next(fee * share for low, share in rule["tiers"] if beyond(o, rule["over"], low) or not low)
    if rule["kind"] == "per-percentage-point":
        return yearly * rule["per"] * ROUNDED[rule["rounding"]](100 * max(0, rule["below"] - o))
    allowed = 1 - target if rule["allowed"] is None else rule["allowed"]
    return fee * rule["k"] * max(0, 1 - o - allowed)


def repeated(rule, items):
    """The n-th time at a point within so many days takes the n-th factor, the last one ever after."""
    if not rule["repeat"]:
        return items
    days, factors = rule["repeat"]

    def nth(item):
        return sum(o["point"] == item["point"] and 0 < item["at"] - o["at"] <= days * DAY for o in items)

    return [item | {"amount": item["amount"] * factors[min(nth(item), len(factors) - 1)]} for item in items]


def dearest(items, off):
    """Outage by outage and month by month the rule that takes most stands; of equals point rules, then the first.

    What is due for several outages is divided evenly over those that have seconds, `off` (point, outage, month), or over
    all where none are known; an item keeps the parts of the outages that its rule won.
    """
    wanted, parts = {}, {}
    for k, item in enumerate(items):
        about = [(name, month) for name in sorted(item["ids"]) for month in item["window"]]
        about = [claim for claim in about if off.get((item["point"], *claim))] or about
        parts[k] = {claim: Fraction(item["amount"]) / len(about) for claim in about}
        for claim, part in parts[k].items():
            key = (item["fined"], item["rule"])
            wanted.setdefault(claim, {})[key] = wanted.get(claim, {}).get(key, 0) + part
    winner = {claim: min(sums, key=lambda rule: (-sums[rule], rule))[1] for claim, sums in wanted.items()}
    kept = []
    for k, item in enumerate(items):
        won = sum(part for claim, part in parts[k].items() if winner[claim] == item["rule"])
        kept.append(item | {"amount": won if item["ids"] else item["amount"]})
    return [item for item in kept if item["amount"]]


def beside_the_rate(contract, rules, items, by_pool, off, left, windows, cost):
    """What fines for an outage come to beside a rate that takes for the same outage.

    Under reading A each second costs `cost` (month); a fine bears only what its outage does not cost by that. What rates
    take otherwise belongs to no outage: all such fines of a window together are less by it. A point that left the pool
    costs nothing by the rate.
    """
    taking = [(rule, window, amount) for rule, window, amount in by_pool if amount]
    fines = sorted((i for i in items if i["fined"]), key=lambda i: (i["rule"], i["window"], i["at"], i["point"]))
    spans = [window for _, window, _ in taking] + [i["window"] for i in fines]
    if any(not any(set(span) <= set(window) for window in windows) for span in spans):
        windows = [sorted({month for window in windows for month in window})]
    shares, rest = {}, {}
    for k, item in enumerate(fines):
        about = [(name, m) for name in sorted(item["ids"]) for m in item["window"] if (item["point"], m) not in left]
        about = [claim for claim in about if off.get((item["point"], *claim))]
        if about:
            rest[k] = item["amount"]
        for name, month in about:
            shares.setdefault((name, month), off[item["point"], name, month] * cost.get(month, 0))
            part = min(rest[k], shares[name, month])
            rest[k], shares[name, month] = rest[k] - part, shares[name, month] - part
    for window in windows:
        inside = [k for k in rest if set(fines[k]["window"]) <= set(window)]
        others = sum(a for rule, span, a in taking if set(span) <= set(window) and not rule.get("every_second"))
        whole = sum(rest[k] for k in inside)
        for k in inside:
            rest[k] *= max(0, whole - others) / whole if whole else 0
    netted = [fine | {"amount": rest.get(k, fine["amount"])} for k, fine in enumerate(fines)]
    return [i for i in items if not i["fined"]] + [fine for fine in netted if fine["amount"]]


def fill(amount, weights, room):
    """Spread an amount by weight, step by step: whoever is full drops out, and the rest goes on to the others."""
    got = dict.fromkeys(weights, Fraction(0))
    while amount > 0 and (able := [name for name in weights if weights[name] and got[name] < room[name]]):
        whole = sum(weights[name] for name in able)
        step = min(amount, *((room[name] - got[name]) * whole / weights[name] for name in able))
        for name in able:
            got[name] += step * weights[name] / whole
        amount -= step
    return got


def settle(contract, phase, points, events, months):
    """[{"window", "fee", "payable"}], the last two by component in fen; None where a pool with a fee has no rate."""
    price, parts = phase["price"], phase["parts"] or {"": phase["price"]}
    until, rules = later(phase["from"], phase["months"]), contract["rules"]

    def fee_of(point, month):
        def billed(day):
            return phase["from"] <= day < until and any(a <= day < b for a, b in point["days"])

        return price * month_worth(contract["day_count"], month.year, month.month, billed)

    def windows(grain):
        cut = [[month] for month in months] if grain == "month" else [months]
        return [window for window in cut if any(fees[p["code"], m] for p in points for m in window)]

    def of_parts(rule):
        return Fraction(sum(parts[name] for name in rule["parts"] or parts), price)

    fees = {(p["code"], month): fee_of(p, month) for p in points for month in months}
    left, items, by_pool, cost = set(), [], [], {}
    for n, rule in enumerate(rules):
        found = []
        for window in windows(rule["grain"]) if rule["kind"] in (*BY_POINT, "unit-fine") else []:
            hits = [
                e | {"amount": rule["fine"]} for e in events if e["kind"] == rule.get("event") and e["month"] in window
            ]
            for point in points if rule["kind"] in BY_POINT else []:
                fee = sum(fees[point["code"], month] for month in window) * of_parts(rule)
                hits += [{"point": point["code"]} | hit for hit in within(fee, by_point(rule, point, fee, window))]
            fined = rule["kind"] == "unit-fine"
            found += [hit | {"rule": n, "window": window, "fined": fined} for hit in hits if hit["amount"]]
            if rule["kind"] in BY_POINT and not rule["stays"]:
                left |= {(hit["point"], m) for hit in hits for m in window if fees[hit["point"], m]}
        items += repeated(rule, found)
    reading = {"kind": "reading", "grain": contract["grain"], "parts": (), "cap": None, "cap_share": None}
    reading["every_second"] = contract["reading"] == "A"
    for n, rule in sorted([(-1, reading), *enumerate(rules)], key=lambda r: (r[0] >= 0, not r[1].get("main"), r[0])):
        for window in windows(rule["grain"]) if rule["kind"] in (*BY_RATE, "reading") else []:
            pool = [(p, m) for p in points for m in window if (p["code"], m) not in left]
            fee, size = (
                sum(fees[p["code"], m] for p, m in pool),
                len({p["code"] for p, m in pool if fees[p["code"], m]}),
            )
            if fee and (n >= 0 or contract["reading"] != "none"):
                good, counted = (sum(p[key].get(m, 0) for p, m in pool) for key in ("good", "counted"))
                if not counted:
                    return None
                o, t = Fraction(good, counted), contract["target"]
                if n < 0:
                    amount = fee - due(contract["reading"], fee, o, t, contract["prepay_share"], contract["k"])
                else:
                    amount = by_rate(rule, fee * of_parts(rule), 12 * price * size * of_parts(rule), o, t)
                if n < 0 and contract["reading"] == "A":
                    cost |= dict.fromkeys(window, Fraction(fee, counted))
                by_pool.append((rule, window, amount))
    off = {(p["code"], o["id"], m): s for p in points for o in p["outages"] for m, s in o["off"].items()}
    account = [Account(parts, price, fees, left, window) for window in windows(contract["grain"])]
    at_most = [(rule, w, Account(parts, price, fees, left, months).most(rule, w, x)) for rule, w, x in by_pool]
    items = beside_the_rate(contract, rules, dearest(items, off), at_most, off, left, windows(contract["grain"]), cost)
    for one in account:
        for n, rule in enumerate(rules):
            if rule["kind"] in BY_POINT:
                one.take(rule, [i for i in items if i["rule"] == n])
        for rule, window, amount in by_pool:
            if set(window) <= set(one.window):
                one.take_from_pool(rule, window, amount)
        for n, rule in enumerate(rules):
            if rule["kind"] == "unit-fine":
                one.take(rule, [i for i in items if i["rule"] == n])
    return [{"window": one.window, "fee": one.full, "payable": one.left_over()} for one in account]


class Account:
    """A window's fee by component, and what is still there: in all, in the pool, at each point in each month."""

    def __init__(self, parts, price, fees, left, window):
        self.parts, self.window = {name: Fraction(part, price) for name, part in parts.items()}, window
        self.cells = {key: fee for key, fee in fees.items() if key[1] in window}
        self.full = {name: sum(self.cells.values()) * part for name, part in self.parts.items()}
        self.pool = {key: fee for key, fee in self.cells.items() if key not in left}
        self.room, self.own = (
            dict(self.full),
            {(*key, n): fee * p for key, fee in self.cells.items() for n, p in self.parts.items()},
        )
        self.pooled = {name: sum(self.pool.values()) * part for name, part in self.parts.items()}

    def left_over(self):
        return self.room

    def capped(self, rule, cells, window, wanted):
        touched = sum(fee for key, fee in cells.items() if key[1] in window)
        touched *= sum(self.parts[name] for name in rule["parts"] or self.parts)
        limits = [wanted, *([touched * rule["cap_share"]] if rule["cap_share"] is not None else [])]
        limits += [touched] if cells is self.pool else []
        return min([*limits, *([rule["cap"]] if rule["cap"] is not None else [])])

    def most(self, rule, window, amount):
        """What a rule by rate takes if nothing else was taken before."""
        return self.capped(rule, self.pool, window, amount)

    def take(self, rule, items):
        names = rule["parts"] or self.parts
        for window in sorted({tuple(i["window"]) for i in items if set(i["window"]) <= set(self.window)}):
            mine = [i for i in items if tuple(i["window"]) == window]
            wanted = sum(i["amount"] for i in mine)
            cut = self.capped(rule, self.cells, window, wanted) / wanted if wanted else 0
            for item in mine:
                if rule["kind"] == "unit-fine":
                    got = fill(item["amount"] * cut, {n: self.full[n] for n in names}, self.room)
                    spent = got.items()
                else:
                    keys = [(item["point"], m, n) for m in window for n in names]
                    got = fill(item["amount"] * cut, {k: self.cells[k[:2]] * self.parts[k[2]] for k in keys}, self.own)
                    spent = [(k[2], x) for k, x in got.items()]
                    self.own |= {k: self.own[k] - x for k, x in got.items()}
                for name, x in spent:
                    self.room[name] -= x

    def take_from_pool(self, rule, window, amount):
        names = rule["parts"] or self.parts
        base = {n: sum(self.pool.values()) * self.parts[n] for n in names}
        room = {n: min(self.pooled[n], self.room[n]) for n in names}
        for name, x in fill(self.capped(rule, self.pool, window, amount), base, room).items():
            self.pooled[name], self.room[name] = self.pooled[name] - x, self.room[name] - x
