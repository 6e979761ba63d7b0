"""A quarter of 11,045 points settled from prepared facts: statement, document and digest, with a line per point."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from monitor.period import Period, parse_period
from settlement.contract import Terms
from settlement.facts import OutageFact
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Before, Issued
from settlement.money import taxed
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, PointFact, PointMonth, roster_facts
from tests.bench.accounting import POINTS
from tests.bench.figure import Figure

ROUNDS = 3
MONTHS = ("2020-07", "2020-08", "2020-09")
PLAIN: dict[str, Any] = {
    "contract": "xinjian",
    "tax_rate": "0.06",
    "target": "0.90",
    "prepay_share": "0.90",
    "phases": [
        {
            "id": "phase-2",
            "unit_price": "628.00",
            "components": {"line": "122.00", "integration": "359.00", "platform": "147.00"},
            "in_service_from": "2019-07-01",
            "months": 48,
        }
    ],
}
ELIMINATION = {"kind": "point-elimination", "id": "elimination", "hours": 168}
HOURLY = {
    "kind": "hourly-percentage",
    "id": "hourly",
    "share_per_hour": "0.5%",
    "free_hours": "4",
    "rounding": "ceil",
    "per": "outage",
}
LATE = {
    "kind": "rectification",
    "id": "late",
    "deadline_hours": "48",
    "again_hours": "72",
    "rounding": "ceil",
    "share_per_period": "1%",
}


def facts(outages_a_month: int) -> PhaseFacts:
    """A city's quarter: each point billed throughout, with so many outages each month, from minutes to ten days long."""
    chance = random.Random(1)
    billed = ((date(2019, 7, 1).toordinal(), date(2023, 7, 1).toordinal()),)
    codes = [f"P{n:05d}" for n in range(POINTS)]
    months = tuple(_month(parse_period(label), codes, outages_a_month, chance) for label in MONTHS)
    rates = [month.rate for month in months if month.rate is not None]
    rate = OnlineRate(sum(rate.good for rate in rates), sum(rate.counted for rate in rates))
    whole = roster_facts([PointFact(code, billed, "1") for code in codes], rate)
    return replace(whole, months=months, own_rate=rate)


def _month(month: Period, codes: list[str], outages: int, chance: random.Random) -> MonthFacts:
    start, end = month.span()
    points = []
    for code in codes:
        found = []
        for n in range(outages):
            first = start + (end - start) * n // outages
            lasts = int(min(chance.expovariate(1 / 14_400) + 600, (end - start) / outages - 600))
            name = f"{code}@{datetime.fromtimestamp(first, UTC):%Y-%m-%dT%H:%M:%SZ}"
            found.append(OutageFact(name, first, first + lasts, lasts, f"cause {n % 3}"))
        down = sum(outage.offline_s for outage in found)
        points.append(PointMonth(code, end - start - down, end - start, tuple(found)))
    rate = OnlineRate(sum(point.good for point in points), sum(point.counted for point in points))
    return MonthFacts(month.label, rate, points=tuple(points))


def _ruled(*rules: dict[str, Any]) -> Terms:
    return Terms.model_validate({**PLAIN, "grain": "month", "rules": list(rules)})


def run() -> Iterator[Figure]:
    """The best of some rounds; what is timed is what a close does once the rates are known."""
    settled = Terms.model_validate(PLAIN)
    paid = Before({"phase-2": Issued(taxed(POINTS * 62_800 * 27 // 10, settled.tax_rate, ()), "2020Q2/0")})
    known = facts(1)
    cases = (
        ("a quarter settled from its rates, a line per point", settled, replace(known, months=())),
        ("the same, two rules on each point's outage a month", _ruled(ELIMINATION, HOURLY), known),
        ("the same, a rule on late repairs as well", _ruled(ELIMINATION, HOURLY, LATE), known),
    )
    for name, terms, its in cases:
        inputs = Inputs(terms, 1, "2020Q3", {"phase-2": its}, before=paid)
        took = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            _, document, _ = settle_inputs(inputs)
            took.append(time.perf_counter() - begun)
        [phase] = document["phases"]
        lines = len(phase["point_lines"])
        if lines != POINTS:
            raise RuntimeError(f"{lines} lines for {POINTS} points")
        items = sum(len(rule["items"]) for rule in phase["rules"])
        yield Figure(f"{name}, {POINTS:,} points", min(took), "s", "≤ 1 s", f"{items:,} items" if items else "")
