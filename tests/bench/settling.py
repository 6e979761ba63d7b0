"""A city's quarter settled once its rates are known: 11,045 points, each with its own line, with and without rules."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter

from config.contracts import load_contract
from monitor.period import parse_period
from settlement.contract import Terms
from settlement.facts import EventFact, OutageFact
from settlement.inputs import Inputs, settle_inputs
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, PointMonth, billed_days, roster_facts
from settlement.statement import settle
from tests.bench.figure import Figure

POINTS = 11_045
ROUNDS = 3
FAILING = 0.05
"""Share of the points with one to three outages in each month."""
SEED = 20_200_701
RULES = [
    {"kind": "point-elimination", "id": "elimination", "hours": 168},
    {
        "kind": "hourly-percentage",
        "id": "hourly",
        "share_per_hour": "2%",
        "free_hours": 4,
        "rounding": "ceil",
        "flat": {"hours": 25, "share": "50%"},
    },
    {"kind": "excess-surcharge", "id": "surcharge", "grain": "quarter"},
    {
        "kind": "unit-fine",
        "id": "clock",
        "events": ["clock-off"],
        "fine": "50.00",
        "repeat": {"within_days": 30, "factors": [1, 2]},
    },
    {
        "kind": "rectification",
        "id": "late",
        "deadline_hours": 96,
        "period_hours": 24,
        "rounding": "ceil",
        "yuan_per_period": "10.00",
    },
]


def _terms(rules: list[dict[str, object]]) -> Terms:
    body = load_contract(Path("xinjian")).document()
    return Terms.model_validate(body | {"phases": body["phases"][1:], "rules": rules})


def _month(chance: random.Random, label: str) -> MonthFacts:
    start, end = parse_period(label).span()
    points, lost = [], 0
    for n in range(POINTS):
        if chance.random() >= FAILING:
            continue
        code, outages = f"P{n:05}", []
        for spell in range(chance.randint(1, 3)):
            begun = start + spell * 9 * 86_400
            seconds = chance.randint(1_800, 8 * 86_400)
            outages.append(OutageFact(f"{code}@{begun}", begun, begun + seconds, seconds))
        off = sum(outage.offline_s for outage in outages)
        lost += off
        points.append(PointMonth(code, end - start - off, end - start, tuple(outages)))
    events = [EventFact(f"{label}/{n}", "clock-off", f"P{n * 50:05}", start + n * 3_600) for n in range(200)]
    counted = POINTS * (end - start)
    return MonthFacts(label, OnlineRate(counted - lost, counted), points=tuple(points), events=tuple(events))


def _facts() -> PhaseFacts:
    chance = random.Random(SEED)
    months = [_month(chance, f"2020-{number:02d}") for number in (7, 8, 9)]
    rates = [month.rate for month in months if month.rate is not None]
    rate = OnlineRate(sum(rate.good for rate in rates), sum(rate.counted for rate in rates))
    billed = [billed_days(date(2020, 6, 1 + n), None) for n in range(30)]
    return roster_facts([(f"P{n:05}", billed[n % 30]) for n in range(POINTS)], rate, months)


def run() -> Iterator[Figure]:
    """Settle the quarter under the reading alone and under five rules; then with document and digest of its inputs."""
    facts = _facts()
    for name, rules in (("the reading alone", []), (f"{len(RULES)} rules", RULES)):
        terms = _terms(rules)
        times = []
        for _ in range(ROUNDS):
            begun = perf_counter()
            statement, _ = settle(terms, "2020Q3", {"phase-2": facts})
            times.append(perf_counter() - begun)
        if len(statement.results[0].points) != POINTS:
            raise RuntimeError("a point has no line")
        yield Figure(f"a quarter of {POINTS:,} points with a line each, {name}", median(times), "s", "≤ 1")
    inputs = Inputs(_terms(RULES), 1, "2020Q3", {"phase-2": facts})
    times = []
    for _ in range(ROUNDS):
        begun = perf_counter()
        settle_inputs(inputs)
        times.append(perf_counter() - begun)
    yield Figure("the same with its document and the digest of its frozen inputs", median(times), "s", "≤ 1")
