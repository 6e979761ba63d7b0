"""One outage is punished once: by the dearest of several rules, and by the rate or an event rule but not by both."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from monitor.period import midnight, parse_period
from settlement.contract import Terms
from settlement.evaluate import Evaluation
from settlement.facts import EventFact, OutageFact
from settlement.families.family import Item, Judgement
from settlement.families.registry import FAMILIES
from settlement.lint.check import lint
from settlement.punishing import Verdict, once, verdict
from settlement.rules import ALWAYS, MonthFacts, OnlineRate, PointMonth, roster_facts
from settlement.statement import settle

HOUR = 3600
POINTS = 10
START = midnight(parse_period("2020-07").first, "Asia/Shanghai")
LATE = {"kind": "rectification", "id": "late", "deadline_hours": 24, "rounding": "ceil", "share_per_period": "1%"}
FINE = {"kind": "unit-fine", "id": "fine", "events": ["x"], "fine": "100.00"}


def terms(*rules: dict[str, Any], **changes: Any) -> Terms:
    phase = {"id": "p", "unit_price": "628.00", "in_service_from": "2020-07-01", "months": 12}
    body = {"contract": "c", "tax_rate": "0.06", "target": "0.90", "prepay_share": "0.90", "grain": "month"}
    return Terms.model_validate(body | {"phases": [phase], "rules": list(rules)} | changes)


def july(contract: Terms, *outages: tuple[str, OutageFact], events: tuple[EventFact, ...] = ()) -> Evaluation:
    """Ten points' July with these outages; August and September without any."""
    months = []
    for label, days in (("2020-07", 31), ("2020-08", 31), ("2020-09", 30)):
        whole, rows = days * 86_400, []
        found = outages if label == "2020-07" else ()
        for code in sorted({code for code, _ in found}):
            its = tuple(outage for name, outage in found if name == code)
            rows.append(PointMonth(code, whole - sum(outage.offline_s for outage in its), whole, its))
        lost = sum(outage.offline_s for _, outage in found)
        rate = OnlineRate(POINTS * whole - lost, POINTS * whole)
        months.append(MonthFacts(label, rate, points=tuple(rows), events=events if label == "2020-07" else ()))
    base = roster_facts([(f"P{n}", ALWAYS) for n in range(POINTS)], months[0].rate)
    (result,) = settle(contract, "2020Q3", {"p": replace(base, months=tuple(months))})[0].results
    return result.evaluations[0]


def outage(name: str, seconds: int, start_h: int = 0) -> OutageFact:
    start = START + start_h * HOUR
    return OutageFact(name, start, start + seconds, seconds, name)


def off(one: Evaluation) -> Fraction:
    return one.fee - one.payable


def by_rate(hours: int) -> Fraction:
    return Fraction(62_800 * hours, 744)


def test_a_late_repair_bears_what_the_rate_does_not_take_for_its_outage() -> None:
    one = july(terms(LATE), ("P0", outage("a", 30 * HOUR)))
    assert off(one) == 18_840  # 30 × 1 % of 628.00, of which the rate takes 25.32
    amounts = {result.rule: result.amount for result in one.results}
    assert amounts == {"reading": by_rate(30), "late": 18_840 - by_rate(30)}
    # Another point's outage, repaired in time, still costs its rate.
    assert off(july(terms(LATE), ("P0", outage("a", 30 * HOUR)), ("P1", outage("b", 20 * HOUR)))) == 18_840 + by_rate(
        20
    )
    # Cheap beside the rate: the rate stands.
    cheap = LATE | {"share_per_period": "0.01%"}
    assert off(july(terms(cheap), ("P0", outage("a", 30 * HOUR)))) == by_rate(30)


def test_a_fine_that_names_an_outage_is_netted_and_one_that_names_none_is_not() -> None:
    for incident, wanted in (("a", Fraction(10_000)), ("", 10_000 + by_rate(30))):
        event = EventFact("1", "x", "P0", START, incident=incident)
        assert off(july(terms(FINE), ("P0", outage("a", 30 * HOUR)), events=(event,))) == wanted
        twice = (event, event._replace(id="2", at=START + 5))
        assert off(july(terms(FINE), ("P0", outage("a", 30 * HOUR)), events=twice)) == wanted + 10_000


def test_what_a_cliff_takes_belongs_to_no_outage() -> None:
    """Reading B takes nothing above the target, and beyond it much more than the items come to."""
    assert off(july(terms(LATE, reading="B"), ("P0", outage("a", 30 * HOUR)))) == 18_840
    many = [(f"P{n}", outage(f"a{n}", 100 * HOUR)) for n in range(8)]
    below = july(terms(reading="B"), *many)
    assert off(below) > 0
    assert off(july(terms(LATE, reading="B"), *many)) == max(off(below), 8 * 62_800)


def test_pool_stays_adds_both_and_the_linter_says_so() -> None:
    contract = terms(LATE | {"pool": "stays"})
    assert off(july(contract, ("P0", outage("a", 30 * HOUR)))) == 18_840 + by_rate(30)
    told = [(remark.code, remark.place) for remark in lint(contract)]
    assert ("punished-twice", ("rules", 0, "pool")) in told
    assert "punished-twice" not in [remark.code for remark in lint(terms(LATE))]


@pytest.mark.parametrize("reading", ["A", "B", "C", "E"])
def test_a_longer_outage_never_costs_less_beside_the_rate(reading: str) -> None:
    before = Fraction(0)
    for hours in range(0, 740, 4):
        one = july(terms(LATE, reading=reading), ("P0", outage("a", 30 * HOUR)), ("P1", outage("b", hours * HOUR, 1)))
        assert off(one) >= before
        before = off(one)


def ruled(name: str, *items: Item) -> Verdict:
    rule = terms(FINE | {"id": name}).rules[0]
    total = sum((item.amount for item in items), Fraction(0))
    return verdict(rule, FAMILIES["unit-fine"], "2020-07", (0,), Judgement(total, "", items))


def test_an_item_over_several_outages_keeps_those_that_it_won() -> None:
    seconds = {"a": 1, "b": 2, "c": 7, "d": 0}
    together = ruled("A", Item("P", "a", Fraction(900), "", also=("b", "c", "d")))
    single = ruled("B", Item("P", "a", Fraction(400), ""))
    a, b = once([together, single], weigh=lambda _, incident, __: seconds[incident])
    assert (a.amount, b.amount) == (600, 400)
    assert a.items[0].incidents == ("b", "c")
    for dearest in (150, 299, 800):
        parts = [Item("P", name, Fraction(dearest), "") for name in "abc"]
        done = once([together, ruled("B", *parts)], weigh=lambda _, incident, __: seconds[incident])
        assert sum(one.amount for one in done) == 3 * max(dearest, 300)
    lost, _ = once([ruled("A", Item("P", "a", Fraction(1), "")), single])
    assert lost.items[0].suppressed_by == "B"


@pytest.mark.parametrize("grown", [1, 3, 100])
def test_an_outage_that_grows_draws_nothing_from_those_that_another_rule_punishes(grown: int) -> None:
    """Divided by seconds, a's part would grow at b's cost, and all together would fall: 70 + 30 instead of 60 + 50."""
    together = ruled("A", Item("P", "a", Fraction(100), "", also=("b",)))
    dearer = ruled("B", Item("P", "a", Fraction(60), ""))
    seconds = {"a": grown, "b": 1}
    done = once([together, dearer], weigh=lambda _, incident, __: seconds[incident])
    assert sum(one.amount for one in done) == 110
