"""Settlement under rules: against an oracle that shares no code, and what must hold of every quarter.

`make test` tries some dozens of quarters for each property; `make properties` a hundred thousand.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from copy import deepcopy
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from settlement.adjusting import amount_of, corrections
from settlement.contract import Terms
from settlement.document import canonical
from settlement.evaluate import Evaluation
from settlement.inputs import Inputs, from_document, settle_inputs
from settlement.lint.check import lint
from settlement.money import NOTHING, Amount, yuan
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, count_facts
from settlement.statement import Kind, Statement, settle
from tests.oracle import settlement_oracle as oracle
from tests.oracle.money_oracle import columns, rounded
from tests.properties import quarters as gen
from tests.properties.histories import TIMEOUT_S, thorough
from tests.properties.quarters import Case, Plain, cases

pytestmark = pytest.mark.timeout(TIMEOUT_S)
EXAMPLES = int(os.environ.get("CAMSLA_EXAMPLES", "40"))
dozens = settings(thorough, max_examples=EXAMPLES)


def settled(case: Case, terms: Terms | None = None) -> Statement:
    return settle(terms or case.terms, case.quarter, {"p": case.facts})[0]


def inputs(case: Case, facts: PhaseFacts | None = None) -> Inputs:
    return Inputs(case.terms, 1, case.quarter.label, {"p": facts or case.facts}, software="test")


def amounts(amount: Amount) -> dict[str, tuple[int, int, int]]:
    return {"": tuple(amount.line), **{name: tuple(part) for name, part in amount.components}}


def of_kind(statement: Statement, kind: Kind) -> list[Amount]:
    return [line.amount for line in statement.lines if line.kind is kind]


def total(found: list[Amount]) -> Amount:
    result = NOTHING
    for amount in found:
        result = result.plus(amount)
    return result


def payable_fen(statement: Statement) -> int:
    return total(of_kind(statement, Kind.PAYABLE)).line.gross_fen


def evaluations(statement: Statement) -> list[Evaluation]:
    return [one for result in statement.results for one in result.evaluations]


def expected(case: Case) -> list[dict[str, tuple[int, int, int]]] | None:
    windows = oracle.settle(case.contract, case.phase, case.points, case.events, case.months)
    return None if windows is None else [_columns(case, window) for window in windows]


def _columns(case: Case, window: Plain) -> dict[str, tuple[int, int, int]]:
    parts = window["payable"] if any(window["payable"].values()) else window["fee"]
    parts = parts if case.phase["parts"] else {}
    result: dict[str, tuple[int, int, int]] = columns(
        rounded(Fraction(sum(window["payable"].values()))), case.contract["tax"], parts
    )
    return result


@given(cases())
@dozens
def test_a_quarter_agrees_with_the_oracle_and_conserves(case: Case) -> None:
    statement, wanted = settled(case), expected(case)
    if wanted is None:
        assert statement.not_settled == ("p",)
        assert not of_kind(statement, Kind.PAYABLE)
        return
    assert [amounts(amount) for amount in of_kind(statement, Kind.PAYABLE)] == wanted
    if wanted:
        it_adds_up(statement)
        it_stays_within_caps(case, statement)
        it_punishes_once(statement)


@given(cases(), st.data())
@dozens
def test_outages_over_a_months_end_agree_with_the_oracle(case: Case, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["time-abatement", "daily-fee"]))
    rule = data.draw(gen.rules_of(kind, "month", [], []))
    rule |= {"repeat": None, "cap": None, "cap_share": None, "rounding": data.draw(st.sampled_from(["ceil", "floor"]))}
    case = case.changed(contract={**case.contract, "reading": "A", "grain": "month", "rules": [rule]}, events=[])
    assume(any(len(outage["off"]) > 1 for point in case.points for outage in point["outages"]))
    statement, wanted = settled(case), expected(case)
    if wanted is not None:
        assert [amounts(amount) for amount in of_kind(statement, Kind.PAYABLE)] == wanted


def it_adds_up(statement: Statement) -> None:
    """Gross = payable + deduction, payable = true-up + retained + prepaid, rules = fee − payable, points = lines."""
    (result,) = statement.results
    sums = {kind: total(of_kind(statement, kind)) for kind in Kind}
    assert result.full_fee == sums[Kind.PAYABLE].plus(sums[Kind.DEDUCTION])
    assert sums[Kind.PAYABLE] == sums[Kind.TRUE_UP].plus(sums[Kind.RETENTION]).plus(sums[Kind.PREPAYMENT])
    for line in statement.lines:
        gross, net, tax = line.amount.line
        assert gross == net + tax
        for n in range(3):
            assert (
                not line.amount.components or sum(part[n] for _, part in line.amount.components) == line.amount.line[n]
            )
    for one in evaluations(statement):
        assert sum(rule.amount for rule in one.results if rule.unit == "fen") == one.fee - one.payable
        assert not one.by_component or sum(part for _, part in one.by_component) == one.payable
        assert sum(point.payable for point in one.by_point) == one.payable
        assert sum(point.full for point in one.by_point) == one.fee
    assert sum(point.payable_fen for point in result.points) == sums[Kind.PAYABLE].line.gross_fen
    assert sum(point.full_fen for point in result.points) == result.full_fee.line.gross_fen
    assert all(point.payable_fen >= 0 for point in result.points)


def it_stays_within_caps(case: Case, statement: Statement) -> None:
    """0 ≤ deduction ≤ cap ≤ gross, for the window, for each rule and for each component."""
    for one in evaluations(statement):
        assert 0 <= one.payable <= one.fee
        assert all(part >= 0 for _, part in one.by_component)
        for result in one.results:
            assert 0 <= result.amount <= one.fee
            if result.rule != "reading":
                rule = case.contract["rules"][int(result.rule[1:])]
                touched = sum(case.phase["parts"][name] for name in rule["parts"]) or case.phase["price"]
                share = 1 if rule["cap_share"] is None else rule["cap_share"]
                assert result.amount <= one.fee * share * touched / case.phase["price"]
                assert rule["cap"] is None or result.amount <= rule["cap"]


def it_punishes_once(statement: Statement) -> None:
    """Of one outage in one window only one rule's items stand, and none is lost: somebody's item stands for each."""
    standing: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in evaluations(statement):
        for result in one.results:
            for item in result.items:
                if item.amount and not item.suppressed_by:
                    for incident in item.incidents:
                        standing[result.window, incident].add(result.rule)
    assert all(len(rules) == 1 for rules in standing.values())


@given(cases())
@dozens
def test_recomputed_from_its_frozen_inputs_a_statement_is_the_same_bytes(case: Case) -> None:
    frozen = inputs(case)
    _, document, _ = settle_inputs(frozen)
    thawed = from_document(json.loads(canonical(frozen.to_document())))
    assert thawed.digest() == frozen.digest() == document["inputs_sha256"]
    assert canonical(settle_inputs(thawed)[1]) == canonical(document)
    assert Terms.model_validate(case.terms.document()) == case.terms


@given(cases(), st.randoms(use_true_random=False))
@dozens
def test_order_and_cuts_and_repetition_of_what_is_known_change_nothing(case: Case, random: Any) -> None:
    """Points, outages, events and months in any order; outages and billed days cut in two; events told twice."""
    first = settle_inputs(inputs(case))[1]
    facts = case.facts
    roster = [point._replace(billed=_cut(point.billed, random)) for point in facts.roster]
    random.shuffle(roster)
    months = [_shuffled(month, random) for month in facts.months]
    random.shuffle(months)
    again = gen.roster_facts(roster, facts.rate, months)
    other = settle_inputs(inputs(case, again))[1]
    del first["inputs_sha256"], other["inputs_sha256"]
    assert other == first


def _cut(spans: Any, random: Any) -> Any:
    cut = [piece for a, b in spans for middle in [random.randint(a + 1, b)] for piece in ((a, middle), (middle, b))]
    return tuple(cut)


def _shuffled(month: MonthFacts, random: Any) -> MonthFacts:
    points = []
    for point in month.points or ():
        pieces = []
        for outage in point.outages:
            part = random.randint(0, outage.offline_s)
            late = min(outage.reported_s or 0, part)
            pieces.append(outage._replace(offline_s=part, reported_s=late))
            pieces.append(
                outage._replace(offline_s=outage.offline_s - part, reported_s=(outage.reported_s or 0) - late)
            )
        random.shuffle(pieces)
        points.append(point._replace(outages=tuple(pieces)))
    random.shuffle(points)
    events = [*month.events, *month.events]
    random.shuffle(events)
    return MonthFacts(month.month, month.rate, month.seconds, tuple(points), tuple(events))


def only(case: Case, month: date) -> Case:
    """The same quarter of which only one month is billed and known."""
    points = deepcopy(case.points)
    for point in points:
        point["days"] = [
            (max(a, month), min(b, gen.month_after(month)))
            for a, b in point["days"]
            if max(a, month) < min(b, gen.month_after(month))
        ]
        for key in ("good", "counted", "seconds"):
            point[key] = {m: value for m, value in point[key].items() if m == month}
        for outage in point["outages"]:
            for key in ("off", "late"):
                outage[key] = {m: value for m, value in outage[key].items() if m == month}
        point["outages"] = [outage for outage in point["outages"] if outage["off"]]
    return case.changed(points=points, events=[event for event in case.events if event["month"] == month])


@given(cases())
@dozens
def test_amounts_of_months_add_up_where_months_are_judged(case: Case) -> None:
    rules = [{**rule, "grain": "month", "repeat": None, "base": None} for rule in case.contract["rules"]]
    case = case.changed(contract={**case.contract, "grain": "month", "rules": rules})
    whole = settled(case)
    assume(not whole.not_settled)
    alone = [settled(only(case, month)) for month in case.months]
    assert of_kind(whole, Kind.PAYABLE) == [amount for one in alone for amount in of_kind(one, Kind.PAYABLE)]
    assert total([r.full_fee for r in whole.results]) == total([r.full_fee for one in alone for r in one.results])


@given(cases(), st.sampled_from(["online", "some", "none"]))
@dozens
def test_what_nobody_counted_is_not_assessable(case: Case, seen: str) -> None:
    """A denominator of zero is no rate, neither 0 % nor 100 %."""
    points = deepcopy(case.points)
    for n, point in enumerate(points):
        if seen == "none" or (seen == "some" and n):
            point["counted"] = dict.fromkeys(point["counted"], 0)
            point["good"] = dict.fromkeys(point["good"], 0)
            point["outages"] = []
    case = case.changed(points=points)
    statement = settled(case)
    judged_by_rate = case.contract["reading"] != "none" or any(
        rule["kind"] in oracle.BY_RATE for rule in case.contract["rules"]
    )
    if seen == "none" and judged_by_rate:
        assert statement.not_settled == ("p",)
        assert not of_kind(statement, Kind.PAYABLE)
    for one in evaluations(statement):
        assert one.rate is None or one.rate.counted > 0


@st.composite
def rated(draw: st.DrawFn) -> tuple[Terms, int, int, int]:
    """A contract that rates alone decide, points, and a rate as two counts, at a threshold or a second beside it."""
    case = draw(cases())
    kept = [rule for rule in case.contract["rules"] if rule["kind"] in oracle.BY_RATE]
    phase = {**case.phase, "from": date(2019, 7, 1), "months": 48}
    terms = case.changed(contract={**case.contract, "rules": kept}, phase=phase).terms
    counted = draw(st.sampled_from([1, 100, 86_400, 7_948_800, 7_948_800_000]))
    edge = draw(st.one_of(st.sampled_from(gen.SHARES), st.fractions(0, 1)))
    good = min(counted, max(0, int(edge * counted) + draw(st.sampled_from([-1, 0, 1]))))
    return terms, draw(st.integers(1, 2_000)), good, counted


def paid_at(terms: Terms, points: int, good: int, counted: int) -> int:
    rate = OnlineRate(good, counted)
    months = [MonthFacts(f"2020-{n:02d}", rate) for n in (7, 8, 9)]
    return payable_fen(settle(terms, "2020Q3", {"p": count_facts(points, rate, months)})[0])


def warned(terms: Terms, points: int) -> set[str]:
    return {remark.code for remark in lint(terms, {"p": points})}


@given(rated())
@dozens
def test_a_second_more_online_never_pays_less_unless_the_linter_said_so(quarter: tuple[Terms, int, int, int]) -> None:
    terms, points, good, counted = quarter
    if good < counted and paid_at(terms, points, good, counted) > paid_at(terms, points, good + 1, counted):
        assert "gains-by-failing" in warned(terms, points)


@given(rated(), st.integers(0, 10_000_000))
@dozens
def test_payable_lies_between_the_bounds_that_unknown_time_leaves(
    quarter: tuple[Terms, int, int, int], unknown: int
) -> None:
    """And is highest where unknown time counts as online."""
    terms, points, good, counted = quarter
    worst, known, best = (
        paid_at(terms, points, good, counted + unknown),
        paid_at(terms, points, good, counted),
        paid_at(terms, points, good + unknown, counted + unknown),
    )
    assert worst <= known <= best or "gains-by-failing" in warned(terms, points)


@given(cases(), st.randoms(use_true_random=False))
@dozens
def test_a_second_less_of_an_outage_never_pays_less_unless_the_linter_said_so(case: Case, random: Any) -> None:
    """With one rule that judges points, beside the reading and the rules that judge rates."""
    rates = [rule for rule in case.contract["rules"] if rule["kind"] in oracle.BY_RATE]
    points = [rule for rule in case.contract["rules"] if rule["kind"] in oracle.BY_POINT][:1]
    rules = [{**rule, "repeat": None} for rule in rates + points]
    a_second_less(case.changed(contract={**case.contract, "rules": rules}, events=[]), random)


@given(cases(), st.data(), st.randoms(use_true_random=False))
@dozens
def test_a_second_less_never_pays_less_where_several_rules_punish_one_outage(
    case: Case, data: st.DataObject, random: Any
) -> None:
    """Without caps of single rules, which come after de-duplication: a rule that prevails may then take less. And with
    points that stay in the pool and no flat shares: what is gained by leaving it, or by reaching a flat share, hangs on
    one rule, and is the property above."""
    free = {"repeat": None, "cap": None, "cap_share": None, "parts": (), "base": None, "stays": True, "flat": None}
    kinds = data.draw(st.lists(st.sampled_from(oracle.BY_POINT), min_size=2, max_size=4))
    rules = [data.draw(gen.rules_of(kind, data.draw(st.sampled_from(["month", "quarter"])), [], [])) for kind in kinds]
    rules = [{**rule, **free} for rule in rules]
    a_second_less(case.changed(contract={**case.contract, "rules": rules, "reading": "A"}, events=[]), random)


def a_second_less(case: Case, random: Any) -> None:
    """Take a second off one outage: the payable does not fall, unless the linter warns that it may."""
    # A second less may move a day begun into the next month, whose day costs more: outages of one month only.
    failed = [(p, o, m) for p in case.points for o in p["outages"] for m in o["off"] if len(o["off"]) == 1]
    assume(failed)
    before = payable_fen(settled(case))
    point, outage, month = random.choice(failed)
    outage["off"][month] -= 1
    if outage["late"].get(month, 0) > outage["off"][month]:
        outage["late"][month] -= 1
    point["good"][month] += 1
    online, offline, unknown, excluded = point["seconds"][month]
    point["seconds"][month] = (online + 1, offline - 1, unknown, excluded)
    if not outage["off"][month]:
        del outage["off"][month]
    after = settled(case)
    if payable_fen(after) < before:
        assert warned(case.terms, len(case.points)) & {"gains-by-failing", "gains-by-leaving"}


@given(cases(), st.randoms(use_true_random=False))
@dozens
def test_adjustments_add_up_to_recomputation_less_original(case: Case, random: Any) -> None:
    original = settle_inputs(inputs(case))[1]
    adjusted: list[tuple[str, Amount]] = []
    for _ in range(3):
        for point in case.points:  # an exclusion is approved late: some outages never count
            for outage in [outage for outage in point["outages"] if random.random() < 0.4]:
                point["outages"].remove(outage)
                for month, s in outage["off"].items():
                    point["counted"][month] -= s
        recomputed = settle_inputs(inputs(case))[1]
        made, _ = corrections(original, recomputed, adjusted)
        adjusted += [(one.adjustment.parent, one.adjustment.amount) for one in made]
        if original["phases"] and recomputed["phases"]:
            change = payables(recomputed).minus(payables(original))
            assert moved(total([amount for _, amount in adjusted])) == moved(change)
        assert not corrections(original, recomputed, adjusted)[0]


def moved(amount: Amount) -> dict[str, tuple[int, int, int]]:
    return {name: columns for name, columns in amounts(amount).items() if any(columns)}


def payables(document: dict[str, Any]) -> Amount:
    lines = [line for phase in document["phases"] for line in phase["lines"] if line["kind"] == "payable"]
    return total([amount_of(line) for line in lines])


@given(cases(), st.integers(0, 2), st.integers(1, 100_000))
@dozens
def test_a_later_price_leaves_earlier_windows_as_they_were(case: Case, n: int, price: int) -> None:
    yearly = {"kind": "per-percentage-point", "below": Fraction(1), "per": Fraction(1, 45), "rounding": "exact"}
    bare = {"cap": None, "cap_share": None, "repeat": None, "stays": False}
    rules = [{**rule, "grain": "month", "base": None} for rule in (*case.contract["rules"], yearly | bare)]
    phase = {**case.phase, "parts": {}, "from": date(2019, 7, 1), "months": 48}
    contract = {**case.contract, "grain": "month", "rules": [{**rule, "parts": ()} for rule in rules]}
    case = case.changed(contract=contract, phase=phase)
    document = case.terms.document()
    document["phases"][0]["prices"] = [{"from": case.months[n].isoformat(), "unit_price": yuan(price)}]
    later = Terms.model_validate(document)
    before, after = settled(case), settled(case, later)
    assume(not before.not_settled)
    label = f"{case.months[n]:%Y-%m}"

    def earlier(statement: Statement) -> list[tuple[Kind, str, Amount]]:
        windowed = {Kind.PAYABLE, Kind.DEDUCTION}
        return [
            (line.kind, line.window, line.amount)
            for line in statement.lines
            if line.kind in windowed and line.window < label
        ]

    assert earlier(before) == earlier(after)
