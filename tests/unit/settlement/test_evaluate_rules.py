from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.finding import InputError
from settlement.canonical import canonical
from settlement.contract import Terms
from settlement.evaluate import Evaluation, RuleResult
from settlement.facts import EventFact, OutageFact
from settlement.inputs import Inputs, from_document, settle_inputs
from settlement.lines import Adjustment, Before, Issued, Kind, Statement
from settlement.money import taxed
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, PointFact, PointMonth, billed_days, roster_facts
from settlement.statement import ambiguity, settle, statement_json

ZONE = ZoneInfo("Asia/Shanghai")
HOUR_S = 3_600
DAYS = {"2020-04": 30, "2020-05": 31, "2020-06": 30, "2020-07": 31, "2020-08": 31, "2020-09": 30}
OWN = ("2020-07", "2020-08", "2020-09")
FEE = 10_000
"""Fen per point and month."""


def terms(*rules: dict[str, Any], **changes: Any) -> Terms:
    body = {
        "contract": "c",
        "tax_rate": "0.06",
        "target": "0.90",
        "prepay_share": "0.90",
        "rules": list(rules),
        "phases": [
            {
                "id": "p",
                "unit_price": "100.00",
                "components": {"line": "60.00", "platform": "40.00"},
                "in_service_from": "2020-04-01",
                "months": 12,
            }
        ],
    }
    return Terms.model_validate(body | changes)


def start_of(month: str) -> int:
    return int(datetime.fromisoformat(f"{month}-01").replace(tzinfo=ZONE).timestamp())


def outage(point: str, month: str, hours: int, *, day: int = 1, cause: str = "", name: str = "") -> OutageFact:
    start = start_of(month) + (day - 1) * 86_400
    return OutageFact(name or f"{point}@{month}-{day}", start, start + hours * HOUR_S, hours * HOUR_S, cause)


def event(kind: str, point: str, month: str, day: int, incident: str = "") -> EventFact:
    at = start_of(month) + (day - 1) * 86_400
    return EventFact(f"{kind}/{point}/{at}", kind, point, at, None, "test", incident)


def month(label: str, points: int, outages: dict[str, list[OutageFact]], events: Sequence[EventFact]) -> MonthFacts:
    whole = DAYS[label] * 86_400
    lost = {code: sum(o.offline_s for o in found) for code, found in outages.items()}
    rate = OnlineRate(points * whole - sum(lost.values()), points * whole)
    its = tuple(PointMonth(code, whole - lost[code], whole, tuple(found)) for code, found in sorted(outages.items()))
    return MonthFacts(label, rate, points=its, events=tuple(events))


def facts(
    *outages: tuple[str, OutageFact],
    points: int = 4,
    events: dict[str, list[EventFact]] | None = None,
    earlier: Sequence[str] = (),
) -> PhaseFacts:
    """Points P1, P2 … online but for the outages, each given with its month."""
    by_month: dict[str, dict[str, list[OutageFact]]] = {label: {} for label in (*earlier, *OWN)}
    for label, found in outages:
        by_month[label].setdefault(found.incident.split("@")[0], []).append(found)
    made = [month(label, points, its, (events or {}).get(label, ())) for label, its in by_month.items()]
    own, before = made[len(earlier) :], made[: len(earlier)]
    rates = [one.rate for one in own if one.rate is not None]
    rate = OnlineRate(sum(r.good for r in rates), sum(r.counted for r in rates))
    roster = [(f"P{n}", billed_days(date(2020, 4, 1), None)) for n in range(1, points + 1)]
    base = roster_facts(roster, rate, own)
    return PhaseFacts(base.groups, rate, base.codes, base.roster, base.months, tuple(before))


def settled(contract: Terms, found: PhaseFacts) -> Statement:
    statement, findings = settle(contract, "2020Q3", {"p": found})
    assert [finding.message for finding in findings if finding.level == "error"] == []
    for one in evaluations(statement):
        assert sum((share.payable for share in one.by_point), Fraction(0)) == one.payable
        assert sum((part for _, part in one.by_component), Fraction(0)) == one.payable
        assert sum((r.amount for r in one.results if r.unit == "fen"), Fraction(0)) == one.fee - one.payable
        assert 0 <= one.payable <= one.fee
    return statement


def evaluations(statement: Statement) -> tuple[Evaluation, ...]:
    return statement.results[0].evaluations


def results(statement: Statement, rule: str) -> list[RuleResult]:
    return [result for one in evaluations(statement) for result in one.results if result.rule == rule]


def taken(statement: Statement, rule: str) -> Fraction:
    return sum((result.amount for result in results(statement, rule) if result.unit == "fen"), Fraction(0))


def payable(statement: Statement) -> int:
    return sum(line.amount.line.gross_fen for line in statement.lines if line.kind is Kind.PAYABLE)


ELIMINATION = {"kind": "point-elimination", "id": "elimination", "hours": 168}
DAILY = {"kind": "daily-fee", "id": "daily", "rounding": "ceil", "days_per_month": 30}
HOURLY = {"kind": "hourly-percentage", "id": "hourly", "share_per_hour": "100%", "rounding": "ceil"}
FINE = {"kind": "unit-fine", "id": "fine", "events": ["clock-off"], "fine": "10.00"}


def test_a_punished_point_leaves_the_pool_with_its_fee_and_its_seconds() -> None:
    found = facts(("2020-07", outage("P1", "2020-07", 200)), ("2020-08", outage("P2", "2020-08", 24)))
    statement = settled(terms(ELIMINATION), found)
    (one,) = evaluations(statement)
    # July without P1: 3 × 744 h all online; August with all four: 24 h of 4 × 744; September whole
    assert one.rate is not None
    assert (one.rate.counted - one.rate.good, one.rate.counted) == (
        24 * HOUR_S,
        (3 * 744 + 4 * 744 + 4 * 720) * HOUR_S,
    )
    assert taken(statement, "elimination") == FEE
    assert taken(statement, "reading") == 11 * FEE * (1 - one.rate.value)
    assert one.payable == one.fee - FEE - taken(statement, "reading")


def test_a_rate_that_was_given_is_not_taken_apart() -> None:
    found = facts(("2020-07", outage("P1", "2020-07", 200)))
    given = PhaseFacts(found.groups, OnlineRate(8, 10, "given"), found.codes, found.roster, found.months)
    (one,) = evaluations(settled(terms(ELIMINATION), given))
    assert one.rate == OnlineRate(8, 10, "given")
    # A fifth of twelve months' fee, less the 200 of 744 hours that P1's July is not paid for anyway.
    assert one.payable == 12 * FEE * Fraction(8, 10) - FEE + FEE * Fraction(200, 744)


def test_a_pool_that_everybody_left_needs_no_rate() -> None:
    found = facts(*((label, outage("P1", label, 200)) for label in OWN), points=1)
    statement = settled(terms(ELIMINATION), found)
    assert payable(statement) == 0
    assert results(statement, "reading") == []


def test_one_outage_is_punished_once_by_the_largest() -> None:
    found = facts(
        ("2020-07", outage("P1", "2020-07", 200)),
        ("2020-07", outage("P2", "2020-07", 30)),
        events={"2020-07": [event("clock-off", "P2", "2020-07", 2, incident="P2@2020-07-1")]},
    )
    statement = settled(terms(ELIMINATION, DAILY, FINE), found)
    july = {rule: results(statement, rule)[0] for rule in ("elimination", "daily", "fine")}
    # P1: 100.00 unpaid against 9 days of 3.33…; P2: 2 days are 6.66…, the fine for the same incident is 10.00
    assert [item.suppressed_by for item in july["daily"].items] == ["elimination", "fine"]
    assert [item.suppressed_by for item in july["fine"].items] == [""]
    assert (july["elimination"].amount, july["daily"].amount, july["fine"].amount) == (FEE, 0, 1_000)


def test_of_equal_amounts_the_contract_s_first_rule_counts() -> None:
    twin = DAILY | {"id": "again"}
    statement = settled(terms(DAILY, twin), facts(("2020-07", outage("P1", "2020-07", 24))))
    assert taken(statement, "daily") == Fraction(FEE, 30)
    assert taken(statement, "again") == 0
    assert results(statement, "again")[0].items[0].suppressed_by == "daily"


def test_what_one_rule_punishes_in_two_months_counts_in_both() -> None:
    long = outage("P1", "2020-07", 48, day=31)  # a day in July, a day in August
    july = long._replace(offline_s=24 * HOUR_S)
    statement = settled(terms(DAILY), facts(("2020-07", july), ("2020-08", july)))
    assert [result.amount for result in results(statement, "daily")] == [Fraction(FEE, 30), Fraction(FEE, 30), 0]


def test_money_comes_before_points_off_the_score() -> None:
    points = {"kind": "unit-fine", "id": "points", "events": ["clock-off"], "points": 50}
    score = {
        "kind": "assessment-score",
        "id": "score",
        "grain": "quarter",
        "bands": [{"to": 90, "pays": "50%"}, {"from": 90, "pays": "100%"}],
    }
    here = event("clock-off", "P1", "2020-07", 2, incident="P1@2020-07-1")
    found = facts(("2020-07", outage("P1", "2020-07", 24)), events={"2020-07": [here]})
    alone = settled(terms(points, score, reading="none"), found)
    assert taken(alone, "score") == 12 * FEE // 2
    beside = settled(terms(DAILY, points, score, reading="none"), found)
    assert results(beside, "points")[0].items[0].suppressed_by == "daily"
    assert taken(beside, "score") == 0


def test_repeats_weigh_more_by_point_or_by_cause_and_remember_earlier_months() -> None:
    def repeat(by: str) -> dict[str, Any]:
        return DAILY | {"repeat": {"within_days": 30, "by": by, "factors": [1, 2, 3]}}

    found = facts(
        ("2020-06", outage("P1", "2020-06", 24, day=20, cause="power")),
        ("2020-07", outage("P1", "2020-07", 24, day=5, cause="power")),
        ("2020-07", outage("P1", "2020-07", 24, day=10, cause="line")),
        ("2020-08", outage("P1", "2020-08", 24, day=30, cause="power")),
        earlier=["2020-06"],
    )
    day = Fraction(FEE, 30)

    def amounts(by: str) -> list[Fraction]:
        return [item.amount for result in results(settled(terms(repeat(by)), found), "daily") for item in result.items]

    assert amounts("point") == [2 * day, 3 * day, day]  # 5 July after 20 June; 10 July is the third; 30 August alone
    assert amounts("cause") == [2 * day, day, day]


@pytest.mark.parametrize(("cap", "expected"), [({"cap": "25.00"}, 2_500), ({"cap_share": "1/20"}, 2_000), ({}, 3_000)])
def test_a_rule_takes_at_most_its_cap_in_each_window(cap: dict[str, str], expected: int) -> None:
    found = facts(events={"2020-07": [event("clock-off", "P1", "2020-07", day) for day in (1, 2, 3)]})
    statement = settled(terms(FINE | cap, reading="none"), found)
    assert taken(statement, "fine") == expected
    assert payable(statement) == 12 * FEE - expected


def test_a_rule_of_points_takes_no_more_than_the_point_s_fee_nor_than_its_components() -> None:
    dear = HOURLY | {"components": ["platform"]}
    statement = settled(terms(dear, reading="none"), facts(("2020-07", outage("P1", "2020-07", 100))))
    (one,) = evaluations(statement)
    assert taken(statement, "hourly") == 4_000  # its platform fee of July
    assert dict(one.by_component) == {"line": 12 * 6_000, "platform": 12 * 4_000 - 4_000}
    line = next(line for line in statement.lines if line.kind is Kind.PAYABLE)
    assert [part.gross_fen for _, part in line.amount.components] == [72_000, 44_000]


def test_a_quarter_s_rule_under_months_is_borne_by_them_and_adds_up() -> None:
    quarterly = DAILY | {"grain": "quarter", "days_per_month": None}
    found = facts(("2020-07", outage("P1", "2020-07", 46)), ("2020-09", outage("P2", "2020-09", 24)))
    by_quarter = settled(terms(quarterly, reading="none"), found)
    by_month = settled(terms(quarterly, reading="none", grain="month"), found)
    # 92 days in the quarter: ⌈46 h⌉ = 2 days and 1 day of 300.00
    assert taken(by_quarter, "daily") == taken(by_month, "daily") == 3 * Fraction(3 * FEE, 92)
    assert len(evaluations(by_month)) == 3
    assert [result.amount for result in results(by_month, "daily")] == [Fraction(3 * FEE, 92)] * 3
    assert {result.window for result in results(by_month, "daily")} == {"2020Q3"}


def test_rules_hold_for_the_phases_that_they_name() -> None:
    body = terms(DAILY | {"phases": ["p"]}).document()
    body["phases"].append(body["phases"][0] | {"id": "q", "in_service_from": "2020-05-01"})
    both = Terms.model_validate(body)
    found = facts(("2020-07", outage("P1", "2020-07", 24)))
    statement, _ = settle(both, "2020Q3", {"p": found, "q": found})
    ruled = {result.phase: {r.rule for one in result.evaluations for r in one.results} for result in statement.results}
    assert ruled == {"p": {"daily", "reading"}, "q": {"reading"}}


def test_a_rule_on_points_needs_points() -> None:
    found = facts(("2020-07", outage("P1", "2020-07", 24)))
    blind = PhaseFacts(found.groups, found.rate)
    statement, findings = settle(terms(DAILY), "2020Q3", {"p": blind})
    assert statement.not_settled == ("p",)
    assert "规则 daily 逐点考核" in findings[0].message
    unknown = PhaseFacts(
        found.groups, found.rate, found.codes, found.roster, tuple(MonthFacts(m.month, m.rate) for m in found.months)
    )
    assert settle(terms(DAILY), "2020Q3", {"p": unknown})[0].not_settled == ("p",)
    assert settle(terms(FINE), "2020Q3", {"p": blind})[0].not_settled == ()


def test_months_settled_one_by_one_need_each_month_s_rate() -> None:
    found = facts()
    blind = PhaseFacts(found.groups, OnlineRate(9, 10, "given"))
    statement, findings = settle(terms(grain="month"), "2020Q3", {"p": blind})
    assert statement.not_settled == ("p",)
    assert "2020-07" in findings[0].message
    assert "逐月给出" in findings[0].remedy


def rated(*rates: str, earlier: Sequence[tuple[str, str | None]] = ()) -> PhaseFacts:
    def one(label: str, rate: str | None) -> MonthFacts:
        value = None if rate is None else Fraction(rate)
        return MonthFacts(label, None if value is None else OnlineRate(value.numerator, value.denominator, "given"))

    base = facts()
    own = tuple(one(label, rate) for label, rate in zip(OWN, rates, strict=True))
    return PhaseFacts(base.groups, None, months=own, earlier=tuple(one(*row) for row in earlier))


def test_consecutive_windows_escalate_and_are_told() -> None:
    clauses = {
        "grain": "month",
        "escalations": [{"consecutive": 2, "factor": "1.5"}, {"consecutive": 3, "factor": "2"}],
        "breaches": [{"consecutive": 3, "text": "可解除"}],
    }
    june = [("2020-06", "0.8")]
    statement, findings = settle(terms(**clauses), "2020Q3", {"p": rated("0.8", "0.8", "0.9", earlier=june)})
    assert [one.amount for one in results(statement, "reading")] == [
        4 * FEE * Fraction(f) for f in ("0.3", "0.4", "0.1")
    ]
    assert "连续未达标加重 escalated" in results(statement, "reading")[0].formula
    assert [finding.level for finding in findings] == ["warning"]
    assert "至 until 2020-08 连续 3 个月 months" in findings[0].message
    # unknown months and months that are not there end the run: nobody can say that they were below
    for before in ([("2020-05", "0.8"), ("2020-06", None)], [("2020-05", "0.8")]):
        statement, findings = settle(terms(**clauses), "2020Q3", {"p": rated("0.8", "0.9", "0.8", earlier=before)})
        assert taken(statement, "reading") == 4 * FEE * Fraction(5, 10)
        assert findings == []


def test_an_escalated_deduction_never_exceeds_the_fee() -> None:
    clauses = {"grain": "month", "escalations": [{"consecutive": 2, "factor": "9"}]}
    statement, _ = settle(terms(**clauses), "2020Q3", {"p": rated("0.8", "0.5", "0.9")})
    assert [one.payable for one in evaluations(statement)] == [4 * FEE * Fraction(8, 10), 0, 4 * FEE * Fraction(9, 10)]


def test_a_main_rule_takes_the_contract_s_grain_and_stands_in_the_reading_s_place() -> None:
    main = {"kind": "pro-rata", "id": "main", "full_from": "90%"}
    contract = terms(main, reading="none", grain="month")
    assert contract.rules[0].grain == "month"
    assert terms(main, reading="none").rules[0].grain == "quarter"
    assert Terms.model_validate(json.loads(canonical(contract.document()))) == contract
    found = rated("0.95", "0.9", "0.5")
    assert payable(settle(contract, "2020Q3", {"p": found})[0]) == 4 * FEE * 5 // 2
    with pytest.raises(InputError, match="a main rule pays, not a reading"):
        settle(contract, "2020Q3", {"p": found}, "B")
    report = ambiguity(contract, "2020Q3", {"p": found})
    assert {str(row.reading): row.payable_fen for row in report.outcomes}["A"] == 4 * FEE * 235 // 100


def test_the_ambiguity_report_holds_the_other_rules() -> None:
    found = facts(("2020-07", outage("P1", "2020-07", 200)))
    report = ambiguity(terms(ELIMINATION), "2020Q3", {"p": found})
    assert {row.payable_fen for row in report.outcomes if str(row.reading) in "AB"} == {11 * FEE}


def before() -> Before:
    parts = (("line", 6), ("platform", 4))
    correction = taxed(-1_234, Fraction(6, 100), parts)
    return Before(
        {"p": Issued(taxed(99_999, Fraction(6, 100), parts), "2020Q2/0")},
        {"p": Issued(taxed(5_000, Fraction(6, 100), parts), "2020Q1/0")},
        (Adjustment("p", "adjustment", correction, "迟到的剔除 a late exclusion", "2020Q2/0/3"),),
    )


def test_what_earlier_statements_left_is_taken_as_it_was_issued() -> None:
    contract = terms(retention={"share": "5%", "released_on": "2020-09-30"})
    statement, _ = settle(contract, "2020Q3", {"p": facts()}, before=before())
    lines = {line.kind.value: line for line in statement.lines}
    assert lines["prepayment"].amount.line.gross_fen == 99_999
    assert "2020Q2/0" in lines["prepayment"].why
    assert lines["true_up"].amount.line.gross_fen == 120_000 - 99_999
    assert "retention" not in lines  # released within the quarter
    assert lines["retention_release"].amount.line.gross_fen == 5_000
    assert lines["adjustment"].parent == "2020Q2/0/3"
    assert statement.total_fen == 20_001 + 5_000 - 1_234 + lines["next_prepayment"].amount.line.gross_fen


def test_what_is_retained_comes_off_the_true_up() -> None:
    contract = terms(retention={"share": "5%", "released_on": "2021-06-01"})
    statement, _ = settle(contract, "2020Q3", {"p": facts()})
    lines = {line.kind.value: line.amount for line in statement.lines}
    assert lines["retention"].line.gross_fen == 6_000
    assert lines["true_up"] == lines["payable"].minus(lines["retention"]).minus(lines["prepayment"])


def test_a_last_quarter_may_go_without_prepayment() -> None:
    contract = terms(payment={"last_quarter": "no-prepayment"})
    kinds = [line.kind.value for line in settle(contract, "2020Q4", {"p": facts_without_months()})[0].lines]
    assert "next_prepayment" not in kinds
    last, _ = settle(contract, "2021Q1", {"p": facts_without_months()})
    assert last.lines[0].amount.line.gross_fen == 0
    assert "next_prepayment" in [
        line.kind.value for line in settle(terms(), "2020Q4", {"p": facts_without_months()})[0].lines
    ]


def facts_without_months() -> PhaseFacts:
    found = facts()
    return PhaseFacts(found.groups, found.rate, found.codes, found.roster)


def test_frozen_inputs_read_back_equal_and_settle_to_the_same_bytes() -> None:
    clauses = {"escalations": [{"consecutive": 2, "factor": "1.5"}], "prices_from": "ledger"}
    contract = terms(ELIMINATION, DAILY | {"repeat": {"within_days": 30, "factors": [1, 2]}}, FINE, **clauses)
    found = facts(
        ("2020-06", outage("P1", "2020-06", 24)),
        ("2020-07", outage("P1", "2020-07", 200, cause="power")._replace(reported_at=5, excused=True, reported_s=7)),
        events={"2020-08": [event("clock-off", "P2", "2020-08", 3)._replace(details=(("sample", 3),))]},
        earlier=["2020-06"],
    )
    prices = ((date(2020, 7, 1).toordinal(), 9_000), (date(2020, 8, 16).toordinal(), 8_000))
    roster = [point._replace(category="一类", prices=prices if point.code == "P3" else ()) for point in found.roster]
    priced = PhaseFacts(found.groups, found.rate, found.codes, tuple(roster), found.months, found.earlier, found.rate)
    inputs = Inputs(
        contract,
        3,
        "2020Q3",
        {"p": priced},
        1,
        None,
        before(),
        {"authority": {"sha256": "00"}},
        ("说明 note",),
        "camsla 1",
    )
    text = canonical(inputs.to_document())
    again = from_document(json.loads(text))
    assert again.facts == inputs.facts
    assert again.before == inputs.before
    assert again.digest() == inputs.digest()
    _, document, _ = settle_inputs(inputs)
    assert canonical(settle_inputs(again)[1]) == canonical(document)
    assert document["inputs_sha256"] == inputs.digest()
    assert (document["contract"]["version"], document["revision"], document["software"]) == (3, 1, "camsla 1")
    assert document["phases"][0]["component_names"] == ["line", "platform"]
    assert {"level": "note", "phase": "", "message": "说明 note", "remedy": ""} in document["notices"]
    with pytest.raises(InputError, match="not frozen inputs"):
        from_document({"format": "camsla-inputs/0"})


def test_ledger_prices_reach_point_lines_and_components() -> None:
    contract = terms(prices_from="ledger", reading="none")
    base = facts()
    roster = [PointFact(p.code, p.billed, prices=((1, 5_000),) if p.code == "P1" else ()) for p in base.roster]
    found = roster_facts(roster, base.rate, base.months)
    statement, _ = settle(contract, "2020Q3", {"p": found})
    assert [point.full_fen for point in statement.results[0].points] == [15_000, 30_000, 30_000, 30_000]
    line = next(line for line in statement.lines if line.kind is Kind.PAYABLE)
    assert [part.gross_fen for _, part in line.amount.components] == [63_000, 42_000]
    assert "3 点月 × 50.00 元/点/月 + 9 点月 × 100.00 元/点/月" in line.why


def test_settle_s_json_tells_rules_and_windows_only_where_there_are_any() -> None:
    plain = statement_json(settled(terms(), facts()))
    assert "rules" not in plain
    assert all("window" not in line for line in plain["lines"])
    found = facts(("2020-07", outage("P1", "2020-07", 24)))
    ruled = statement_json(settled(terms(DAILY, grain="month"), found))
    assert {rule["rule"] for rule in ruled["rules"]} == {"daily", "reading"}
    assert [line["window"] for line in ruled["lines"] if line["kind"] == "payable"] == list(OWN)


def test_a_fault_deduction_and_the_others_add_up_to_the_deduction() -> None:
    found = facts(
        ("2020-07", outage("P1", "2020-07", 25)), events={"2020-07": [event("clock-off", "P2", "2020-07", 2)]}
    )
    statement = settled(terms(DAILY, FINE), found)
    deduction = sum(line.amount.line.gross_fen for line in statement.lines if line.kind is Kind.DEDUCTION)
    assert deduction - statement.fault_deduction_fen == 1_000
