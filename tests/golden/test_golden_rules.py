"""Golden settlements under rules: contract and facts in, the statement's document out, each figure worked out by hand."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.contracts import load_contract
from config.load import load_yaml
from settlement.canonical import canonical
from settlement.contract import Terms
from settlement.facts import EventFact, OutageFact
from settlement.inputs import Inputs, from_document, settle_inputs
from settlement.money import fen
from settlement.rules import (
    MonthFacts,
    OnlineRate,
    PhaseFacts,
    PointFact,
    PointMonth,
    billed_days,
    count_facts,
    parse_rate,
    roster_facts,
)

HERE = Path(__file__).parent
SEVERAL = load_yaml(HERE / "several_rules.yaml")[0]
GRAIN = load_yaml(HERE / "grain.yaml")[0]
ZONE = ZoneInfo("Asia/Shanghai")
CODES = [f"P{n:02}" for n in range(1, 11)]
STARTS = [int(datetime(2020, month, 1, tzinfo=ZONE).timestamp()) for month in (7, 8, 9, 10)]
LABELS = ["2020-07", "2020-08", "2020-09"]


def titled(cases: list[Any]) -> list[Any]:
    return [pytest.param(case, id=str(n)) for n, case in enumerate(cases, 1)]


def plain(amount: str) -> str:
    return amount.replace(",", "")


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def written(value: Any) -> Any:
    """YAML's decimals as the text that contracts are read from."""
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [written(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def several_facts(case: dict[str, Any]) -> PhaseFacts:
    """Ten points that are online but for the outages listed; months' counts follow from them."""
    outages: dict[int, dict[str, list[OutageFact]]] = {n: defaultdict(list) for n in range(3)}
    for row in case.get("outages", ()):
        for code in row.get("points") or [row["point"]]:
            start = second(row["start"])
            end = start + int(Fraction(str(row["hours"])) * 3600)
            n = next(n for n, (a, b) in enumerate(pairwise(STARTS)) if a <= start < b)
            assert end <= STARTS[n + 1], "an outage of these cases lies within a month"
            outages[n][code].append(OutageFact(f"{code}@{row['start']}", start, end, end - start))
    events: dict[int, list[EventFact]] = defaultdict(list)
    for row in case.get("events", ()):
        for copy in range(row.get("events", 1)):
            at = second(row["at"]) + copy
            n = next(n for n, (a, b) in enumerate(pairwise(STARTS)) if a <= at < b)
            events[n].append(EventFact(f"{row['point']}/{at}", row["event"], row["point"], at))
    months = []
    for n, label in enumerate(LABELS):
        whole = STARTS[n + 1] - STARTS[n]
        lost = {code: sum(o.offline_s for o in found) for code, found in outages[n].items()}
        points = tuple(
            PointMonth(code, whole - lost[code], whole, tuple(found)) for code, found in sorted(outages[n].items())
        )
        rate = OnlineRate(10 * whole - sum(lost.values()), 10 * whole)
        months.append(MonthFacts(label, rate, points=points, events=tuple(events[n])))
    rates = [month.rate for month in months if month.rate]
    rate = OnlineRate(sum(r.good for r in rates), sum(r.counted for r in rates))
    return roster_facts([(code, billed_days(date(2020, 7, 1), None)) for code in CODES], rate, months)


def settled(terms: Terms, facts: PhaseFacts, phase: str) -> dict[str, Any]:
    """The document, which must come out of its own frozen inputs byte for byte."""
    inputs = Inputs(terms, 1, "2020Q3", {phase: facts})
    _, document, _ = settle_inputs(inputs)
    again = from_document(load_canonical(inputs.to_document()))
    assert canonical(settle_inputs(again)[1]) == canonical(document)
    return document


def load_canonical(document: Any) -> Any:

    return json.loads(canonical(document))


def sum_of(lines: list[dict[str, Any]], kind: str) -> Decimal:
    return sum((Decimal(line["gross"]) for line in lines if line["kind"] == kind), Decimal(0))


@pytest.mark.parametrize("case", titled(SEVERAL["cases"]))
def test_several_rules(case: dict[str, Any]) -> None:
    body = SEVERAL["contract"] | {key: case[key] for key in ("reading", "rules") if key in case}
    document = settled(Terms.model_validate(written(body)), several_facts(case), "p")
    (phase,) = document["phases"]
    taken: dict[str, Decimal] = defaultdict(Decimal)
    suppressed: dict[str, dict[str, str]] = defaultdict(dict)
    for rule in phase["rules"]:
        if rule["unit"] == "fen":
            taken[rule["rule"]] += Decimal(rule["amount"])
        for item in rule["items"]:
            if item["suppressed_by"]:
                suppressed[rule["rule"]][item["point"]] = item["suppressed_by"]
    assert taken == {rule: Decimal(plain(amount)) for rule, amount in case["rules_take"].items()}
    assert suppressed == case.get("suppressed", {})
    points_off = sum(Fraction(rule["amount"]) for rule in phase["rules"] if rule["unit"] == "points")
    assert points_off == Fraction(case.get("score_off", 0))
    (payable,) = [line for line in phase["lines"] if line["kind"] == "payable"]
    assert payable["gross"] == plain(case["pays"])
    assert {name: part["gross"] for name, part in payable["components"].items()} == {
        name: plain(amount) for name, amount in case["components"].items()
    }
    assert sum_of(phase["lines"], "true_up") == Decimal(plain(case["settles"]))
    for total in ("fault_deduction", "other_deduction"):
        if total in case:
            assert document["totals"][total] == plain(case[total])
    lines = {line["code"]: line for line in phase["point_lines"]}
    assert list(lines) == CODES
    for code, wanted in case.get("points", {}).items():
        got = lines[code]
        assert (got["full"], got["outages"], got["rules"]) == (
            plain(wanted["full"]),
            wanted["outages"],
            wanted["rules"],
        )
    assert sum(fen(line["payable"]) for line in lines.values()) == fen(payable["gross"])
    assert sum(fen(line["full"]) for line in lines.values()) == fen(phase["full_fee"]["gross"])
    assert fen(lines["P01"]["payable"]) <= fen(lines["P10"]["payable"])


@pytest.mark.parametrize("case", titled(GRAIN["cases"]))
def test_grain(case: dict[str, Any]) -> None:
    document = load_contract(Path("xinjian")).document()
    body = document | {"phases": document["phases"][1:], "reading": "B"} | written(case["terms"])

    def months(rates: dict[str, str]) -> tuple[MonthFacts, ...]:
        return tuple(MonthFacts(label, parse_rate(rate)) for label, rate in rates.items())

    facts = count_facts(1000, None, months(case["rates"]))
    if "earlier" in case:
        facts = PhaseFacts(facts.groups, None, months=facts.months, earlier=months(case["earlier"]))
    found = settled(Terms.model_validate(body), facts, "phase-2")
    lines = found["phases"][0]["lines"]
    if "payable" in case:
        got = {line["window"]: line["gross"] for line in lines if line["kind"] == "payable"}
        assert got == {window: plain(amount) for window, amount in case["payable"].items()}
    assert sum_of(lines, "payable") == Decimal(plain(case["pays"]))
    assert sum_of(lines, "payable") + sum_of(lines, "deduction") == Decimal("1884000.00")
    assert sum_of(lines, "true_up") == Decimal(plain(case["settles"]))
    notices = [notice["message"] for notice in found["notices"]]
    assert len(notices) == ("notice" in case)
    assert all(case["notice"] in notice for notice in notices)


@pytest.mark.parametrize("case", titled(GRAIN["prices"]))
def test_prices(case: dict[str, Any]) -> None:
    document = load_contract(Path("xinjian")).document()
    phase = document["phases"][1] | {"components": {}, "contracted": None, "prices": written(case.get("prices", []))}
    terms = Terms.model_validate(document | {"phases": [phase]} | case["terms"])
    ledger = tuple((date.fromisoformat(str(day)).toordinal(), fen(p)) for day, p in case.get("ledger", {}).items())
    billed = billed_days(case.get("billed", date(2020, 7, 1)), None)
    facts = roster_facts([PointFact("P1", billed, prices=ledger)], parse_rate("1"))
    (found,) = settled(terms, facts, "phase-2")["phases"]
    assert found["full_fee"]["gross"] == plain(case["full"])
    assert sum_of(found["lines"], "payable") == Decimal(plain(case["full"]))
    assert sum_of(found["lines"], "prepayment") == Decimal(plain(case["prepaid"]))
