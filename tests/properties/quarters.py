"""Made-up quarters under made-up rules: a plain account for the oracle, and the same as contract and facts.

Points, outages and events gather where rules change their minds: at limits, a second beside them, across months.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from monitor.rates import Seconds, add
from settlement.contract import Terms
from settlement.daycount import DayCount, Quarter
from settlement.facts import EventFact, OutageFact
from settlement.money import yuan
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, PointFact, PointMonth, roster_facts

ZONE = ZoneInfo("Asia/Shanghai")
HOUR, DAY = 3600, 86400
LIMITS = [n * HOUR for n in (1, 4, 24, 25, 48, 168)]
SHARES = [Fraction(n, 100) for n in (0, 5, 20, 50, 65, 80, 90, 95, 99, 100)]
Plain = dict[str, Any]


def second(day: date) -> int:
    """The contract's midnight."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())


def month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


@dataclass(frozen=True)
class Case:
    """A phase's quarter: the oracle's four dictionaries, and the contract and facts that say the same."""

    contract: Plain
    phase: Plain
    points: list[Plain]
    events: list[Plain]
    months: list[date]

    @property
    def quarter(self) -> Quarter:
        return Quarter(self.months[0].year, (self.months[0].month + 2) // 3)

    @property
    def terms(self) -> Terms:
        contract, phase = self.contract, self.phase
        return Terms.model_validate(
            {
                "contract": "c",
                "tax_rate": str(contract["tax"]),
                "target": str(contract["target"]),
                "prepay_share": str(contract["prepay_share"]),
                "excess_surcharge": str(contract["k"]),
                "reading": contract["reading"],
                "grain": contract["grain"],
                "day_count": contract["day_count"],
                "rules": [written(n, rule) for n, rule in enumerate(contract["rules"])],
                "retention": contract["retention"]
                and {"share": str(contract["retention"]), "released_on": date(2030, 1, 1)},
                "phases": [
                    {
                        "id": "p",
                        "unit_price": yuan(phase["price"]),
                        "components": {name: yuan(part) for name, part in phase["parts"].items()},
                        "in_service_from": phase["from"],
                        "months": phase["months"],
                    }
                ],
            }
        )

    @property
    def facts(self) -> PhaseFacts:
        return facts_of(self)

    def changed(self, **parts: Any) -> Case:
        return replace(self, **parts)


def written(n: int, rule: Plain) -> Plain:
    """Write a plain rule as a contract does."""
    kind = rule["kind"]
    text: Plain = {"kind": kind, "id": f"r{n}", "grain": rule["grain"]}
    if rule["parts"]:
        text["components"] = list(rule["parts"])
    if rule["cap"] is not None:
        text["cap"] = yuan(rule["cap"])
    if rule["cap_share"] is not None:
        text["cap_share"] = str(rule["cap_share"])
    if rule["repeat"]:
        days, factors = rule["repeat"]
        text["repeat"] = {"within_days": days, "factors": [str(factor) for factor in factors]}
    if rule["stays"]:
        text["pool"] = "stays"
    if kind == "unit-fine":
        text |= {"events": [rule["event"]], "fine": yuan(rule["fine"])}
    elif kind == "point-elimination":
        text |= {"hours": rule["hours"], "over": rule["over"]}
    elif kind == "hourly-percentage":
        text |= {"free_hours": rule["free"], "share_per_hour": str(rule["per"]), "rounding": rule["rounding"]}
        if rule["flat"]:
            text["flat"] = rule["flat"] | {"share": str(rule["flat"]["share"])}
    elif kind in {"time-abatement", "daily-fee"}:
        text |= {"rounding": rule["rounding"], "clock": rule["clock"]}
        if rule["base"]:
            text["hours_per_month" if kind == "time-abatement" else "days_per_month"] = rule["base"]
    elif kind == "per-percentage-point":
        text |= {
            "below": str(rule["below"]),
            "share_per_point": str(rule["per"]),
            "rounding": rule["rounding"],
        }
    elif kind == "excess-surcharge":
        text |= {"factor": str(rule["k"])} | ({} if rule["allowed"] is None else {"allowed": str(rule["allowed"])})
    else:
        text |= {"over": rule["over"]} | _table(rule)
    return text


def _table(rule: Plain) -> Plain:
    """Tiers best first become bands from bound to bound."""
    tiers, word = rule["tiers"], "pays"
    tops = [Fraction(1), *(low for low, _ in tiers)]
    if rule["kind"] == "fee-brackets":
        word = "deducts"
        if tiers[0][1] == 0 and len(tiers) > 1:  # what lies above the highest bracket costs nothing
            tiers, tops = tiers[1:], tops[1:]
    rows = [
        {"from": str(low), "to": str(top), word: "rate" if share is None else str(share)}
        for (low, share), top in zip(tiers, tops, strict=False)
    ]
    return {"brackets" if word == "deducts" else "tiers": rows}


def facts_of(case: Case) -> PhaseFacts:
    """The facts as the store would give them: rates of all points, details of those to which something happened."""
    months = []
    for month in case.months:
        good = sum(point["good"].get(month, 0) for point in case.points)
        counted = sum(point["counted"].get(month, 0) for point in case.points)
        seconds = Seconds(0, 0, 0, 0)
        for point in case.points:
            seconds = add(seconds, Seconds(*point["seconds"].get(month, (0, 0, 0, 0))))
        rows = tuple(
            PointMonth(
                point["code"],
                point["good"].get(month, 0),
                point["counted"].get(month, 0),
                tuple(outage_fact(outage, month) for outage in point["outages"] if outage["off"].get(month)),
            )
            for point in case.points
            if point["outages"]
        )
        events = tuple(
            EventFact(f"e{n}", event["kind"], event["point"], event["at"], incident=next(iter(event["ids"]), ""))
            for n, event in enumerate(case.events)
            if event["month"] == month
        )
        rate = OnlineRate(good, counted) if counted else None
        months.append(MonthFacts(f"{month:%Y-%m}", rate, seconds, rows, events))
    good, counted = (sum(sum(point[key].values()) for point in case.points) for key in ("good", "counted"))
    roster = [
        PointFact(point["code"], tuple((a.toordinal(), b.toordinal()) for a, b in point["days"]))
        for point in case.points
    ]
    return roster_facts(roster, OnlineRate(good, counted) if counted else None, months)


def outage_fact(outage: Plain, month: date) -> OutageFact:
    return OutageFact(
        outage["id"],
        outage["start"],
        outage["end"],
        outage["off"][month],
        reported_at=outage["reported"],
        excused=outage["excused"],
        reported_s=outage["late"].get(month, 0),
        before_s=outage["before"][month]["off"],
        before_reported_s=outage["before"][month]["late"],
    )


lengths = st.one_of(
    st.builds(lambda limit, aside: limit + aside, st.sampled_from(LIMITS), st.sampled_from([-1, 0, 1])),
    st.integers(1, 40 * DAY),
)


@st.composite
def points_of(draw: st.DrawFn, n: int, months: list[date], phase: Plain, until: date) -> Plain:
    """A point with its billed days, its outages from left to right, and its seconds."""
    last = month_after(months[-1])
    days = [(date(2019, 1, 1), date(2031, 1, 1))]
    if draw(st.integers(0, 3)) == 0:
        cuts = sorted(
            draw(
                st.lists(st.dates(months[0] - timedelta(40), last + timedelta(20)), min_size=2, max_size=4, unique=True)
            )
        )
        days = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    ends = {month: month_after(month) for month in months}
    served = [
        month for month in months if any(max(a, month, phase["from"]) < min(b, ends[month], until) for a, b in days)
    ]
    outages: list[Plain] = []
    at = second(months[0]) - draw(st.sampled_from([0, 0, 10 * DAY]))
    for k in range(draw(st.integers(0, 4))):
        start = at + draw(st.integers(1, 25 * DAY))
        end = start + draw(lengths)
        if start >= second(last):
            break
        reported = draw(st.one_of(st.none(), st.just(start), st.integers(start, end)))
        out = draw(st.one_of(st.just(0), st.integers(0, end - start)))  # excluded from the start on
        off: dict[date, int] = {}
        late: dict[date, int] = {}
        before: dict[date, Plain] = {}
        for month in served:
            since = start + out if reported is None else max(start + out, reported)
            until_now = min(end, second(month))
            before[month] = {
                "off": max(0, until_now - start - out),
                "late": 0 if reported is None else max(0, until_now - since),
            }
            low, high = max(start + out, second(month)), min(end, second(ends[month]))
            if low < high:
                off[month] = high - low
                if reported is not None and max(low, reported) < high:
                    late[month] = high - max(low, reported)
        if off:
            outages.append(
                {
                    "id": f"P{n}@{k}",
                    "start": start,
                    "end": end,
                    "excused": draw(st.booleans()),
                    "reported": reported,
                    "off": off,
                    "late": late,
                    "before": before,
                }
            )
        at = end
    seconds: dict[date, tuple[int, int, int, int]] = {}
    blind = draw(st.sampled_from([0, 0, 0, 1, 2]))
    for month in served:
        whole = second(ends[month]) - second(month)
        offline = sum(outage["off"].get(month, 0) for outage in outages)
        rest = whole - offline
        unknown = 0 if blind == 0 else rest if blind == 2 else draw(st.integers(0, rest))
        excluded = draw(st.integers(0, rest - unknown)) if blind == 1 else 0
        seconds[month] = (rest - unknown - excluded, offline, unknown, excluded)
    return {
        "code": f"P{n}",
        "days": days,
        "outages": outages,
        "seconds": seconds,
        "good": {month: row[0] for month, row in seconds.items()},
        "counted": {month: row[0] + row[1] for month, row in seconds.items()},
    }


FACTORS = [Fraction(1), Fraction(2), Fraction(1, 2), Fraction(3)]


@st.composite
def rules_of(draw: st.DrawFn, kind: str, grain: str, parts: list[str], rates: list[Fraction]) -> Plain:
    """One rule of a kind, its figures near those that outages and rates gather at."""
    share = st.sampled_from([Fraction(n, 100) for n in (1, 2, 10, 30, 50, 100)])
    rule: Plain = {
        "kind": kind,
        "grain": grain,
        "parts": tuple(draw(st.lists(st.sampled_from(parts), unique=True, max_size=2))) if parts else (),
        "cap": draw(st.one_of(st.none(), st.none(), st.integers(0, 200_000))),
        "cap_share": draw(st.one_of(st.none(), st.none(), share)),
        "repeat": None,
        "stays": False,
        "over": draw(st.sampled_from([">", "≥"])),
        "rounding": draw(st.sampled_from(["ceil", "floor", "exact"])),
    }
    if kind in {"point-elimination", "hourly-percentage", "time-abatement", "daily-fee"}:
        rule["stays"] = draw(st.booleans())
    if kind not in {"substituted-tiers", "fee-brackets", "per-percentage-point", "excess-surcharge"}:
        factors = tuple(draw(st.lists(st.sampled_from(FACTORS), min_size=2, max_size=3)))
        rule["repeat"] = draw(st.one_of(st.none(), st.tuples(st.sampled_from([1, 10, 30, 92]), st.just(factors))))
    if kind == "unit-fine":
        rule |= {"event": draw(st.sampled_from(["osd", "clock"])), "fine": draw(st.integers(0, 60_000))}
    elif kind == "point-elimination":
        rule["hours"] = draw(st.sampled_from([0, 4, 25, 168]))
    elif kind == "hourly-percentage":
        flat = {
            "hours": draw(st.sampled_from([25, 48])),
            "over": draw(st.sampled_from([">", "≥"])),
            "share": draw(share),
        }
        rule |= {
            "free": draw(st.sampled_from([0, 4, 24])),
            "per": draw(share),
            "flat": draw(st.sampled_from([None, flat])),
        }
    elif kind in {"time-abatement", "daily-fee"}:
        base = {"time-abatement": 720, "daily-fee": 30}[kind] if grain == "month" else None
        rule |= {"base": draw(st.sampled_from([None, base])), "clock": draw(st.sampled_from(["outage", "report"]))}
    elif kind == "per-percentage-point":
        rule |= {
            "below": draw(st.sampled_from([*SHARES[3:], *rates])),
            "per": draw(st.sampled_from([Fraction(1, 45), Fraction(1, 500)])),
        }
    elif kind == "excess-surcharge":
        rule |= {
            "allowed": draw(st.sampled_from([None, *SHARES, *(1 - rate for rate in rates)])),
            "k": draw(st.sampled_from(FACTORS)),
        }
    else:
        edges = st.sampled_from([*SHARES[1:-1], *(rate for rate in rates if rate < 1)])
        bounds = sorted(draw(st.lists(edges, min_size=1, max_size=3, unique=True)), reverse=True)
        if kind == "fee-brackets":
            rule["cap_share"] = None
            rule["tiers"] = [(bounds[0], Fraction(0)), *((low, draw(share)) for low in [*bounds[1:], Fraction(0)])]
        else:
            rule |= {"main": True, "parts": ()}
            paid = st.one_of(st.none(), st.sampled_from(SHARES))
            rule["tiers"] = [(low, draw(paid)) for low in [*bounds, Fraction(0)]]
    return rule


KINDS = (
    "point-elimination",
    "hourly-percentage",
    "time-abatement",
    "daily-fee",
    "per-percentage-point",
    "fee-brackets",
    "excess-surcharge",
    "unit-fine",
)


def exact_rates(points: list[Plain], months: list[date]) -> list[Fraction]:
    """The rates of the quarter and its months, so that targets and bounds can lie exactly on them."""
    rates = set()
    for window in (months, *([month] for month in months)):
        good, counted = (sum(point[key].get(m, 0) for point in points for m in window) for key in ("good", "counted"))
        if good:
            rates.add(Fraction(good, counted))
    return sorted(rates)


@st.composite
def cases(draw: st.DrawFn, most_rules: int = 4) -> Case:
    first = draw(st.sampled_from([date(2020, 7, 1), date(2021, 1, 1), date(2020, 1, 1)]))
    months = [first, month_after(first), month_after(month_after(first))]
    parts = draw(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 40_000), max_size=3))
    phase: Plain = {
        "price": sum(parts.values()) or draw(st.integers(1, 100_000)),
        "parts": parts,
        "from": draw(st.sampled_from([date(2019, 7, 1), date(2019, 7, 1), months[0] + timedelta(15), months[1]])),
        "months": draw(st.sampled_from([48, 48, 19])),
    }
    year, month0 = divmod(phase["from"].year * 12 + phase["from"].month - 1 + phase["months"], 12)
    until = date(year, month0 + 1, phase["from"].day)
    if until <= months[0]:
        phase["months"], until = 48, date(phase["from"].year + 4, phase["from"].month, phase["from"].day)
    points = [draw(points_of(n, months, phase, until)) for n in range(draw(st.integers(1, 5)))]
    rates = exact_rates(points, months)
    events = []
    for _ in range(draw(st.integers(0, 5))):
        point = draw(st.sampled_from(points))
        at = draw(st.integers(second(first), second(month_after(months[-1])) - 1))
        ids = draw(st.sampled_from([set(), *({outage["id"]} for outage in point["outages"])]))
        month = max(month for month in months if second(month) <= at)
        kind = draw(st.sampled_from(["osd", "clock"]))
        events.append({"kind": kind, "point": point["code"], "ids": ids, "at": at, "month": month})
    grain = draw(st.sampled_from(["month", "quarter"]))
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=most_rules))
    own = [draw(st.sampled_from(["month", grain])) for _ in kinds]
    rules = [draw(rules_of(kind, each, sorted(parts), rates)) for kind, each in zip(kinds, own, strict=True)]
    main = draw(st.integers(0, 3)) == 0
    if main:
        rules.insert(draw(st.integers(0, len(rules))), draw(rules_of("substituted-tiers", grain, [], rates)))
    contract: Plain = {
        "tax": draw(st.sampled_from([Fraction(0), Fraction(6, 100), Fraction(13, 100)])),
        "target": draw(st.sampled_from([*SHARES[3:], *rates])),
        "prepay_share": draw(st.sampled_from(SHARES)),
        "k": draw(st.sampled_from(FACTORS)),
        "reading": "none" if main else draw(st.sampled_from("ABCDEGH")),
        "grain": grain,
        "day_count": draw(st.sampled_from([rule.value for rule in DayCount])),
        "retention": draw(st.sampled_from([None, None, Fraction(5, 100)])),
        "rules": rules,
    }
    return Case(contract, phase, points, events, months)
