"""What the linter says of a contract: each remark has a contract that earns it and one that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.contracts import load_contract
from settlement.contract import Terms
from settlement.lint.check import lint
from settlement.lint.remark import Remark

TERMS = load_contract(Path("xinjian"))
TIERS = {
    "kind": "substituted-tiers",
    "id": "tiers",
    "grain": "quarter",
    "tiers": [
        {"from": "80%", "pays": "rate"},
        {"from": "65%", "to": "80%", "pays": "65%"},
        {"to": "65%", "pays": "0"},
    ],
}
OUT = {"kind": "point-elimination", "id": "out", "hours": 168}
HOURLY = {
    "kind": "hourly-percentage",
    "id": "hourly",
    "free_hours": 4,
    "share_per_hour": "2%",
    "rounding": "ceil",
    "flat": {"hours": 25, "share": "50%"},
}


def terms(**keys: Any) -> Terms:
    """The shipped contract's second phase alone, changed."""
    document = TERMS.document()
    return Terms.model_validate({**document, "phases": document["phases"][1:], "assumed": [], **keys})


def said(contract: Terms, code: str) -> list[Remark]:
    return [remark for remark in lint(contract) if remark.code == code]


def test_the_shipped_contract_has_no_error_and_six_assumptions() -> None:
    remarks = lint(TERMS)
    assert not [remark for remark in remarks if remark.level == "error"]
    assert [remark.place for remark in remarks if remark.code == "assumed"] == [
        ("assumed", 0),
        ("assumed", 1),
        ("assumed", 2),
        ("phases", 0, "assumed", 0),
        ("phases", 0, "assumed", 1),
        ("phases", 1, "assumed", 0),
    ]


def test_a_cliff_is_told_in_yuan_per_hundredth_of_a_percentage_point() -> None:
    assert not said(terms(reading="A"), "cliff")
    (cliff,) = said(terms(reading="B"), "cliff")
    assert cliff.amount_fen == 18_858_840  # 1,884,000.00 at 90 %, 1,695,411.60 at 89.99 %
    assert "90 % 付 1,884,000.00，89.99 % 付 1,695,411.60" in cliff.message
    assert "1,000 点" in cliff.message


def test_a_cliff_is_told_for_as_many_points_as_asked() -> None:
    (cliff,) = [r for r in lint(terms(reading="B"), {"phase-2": 500}) if r.code == "cliff"]
    assert cliff.amount_fen == 9_429_420


def test_the_steepest_of_several_cliffs_comes_first() -> None:
    (cliff,) = said(terms(reading="none", rules=[TIERS]), "cliff")
    # At 65 % all of 65 % of 1,884,000.00 is lost; at 80 % fifteen percentage points.
    assert cliff.amount_fen == 122_460_000
    assert "共 2 处" in cliff.message
    assert "80 % 282,600.00" in cliff.message


@pytest.mark.parametrize(
    ("reading", "from_rate", "amount"), [("C", "80.01 %", 18_821_160), ("D", "81.01 %", 18_819_067)]
)
def test_a_supplier_below_the_target_who_is_paid_on_top(reading: str, from_rate: str, amount: int) -> None:
    (gain,) = said(terms(reading=reading), "supplier-gains")
    assert f"从 {from_rate} 起" in gain.message
    assert gain.amount_fen == amount
    assert gain.place == ("reading",)


def test_without_a_prepayment_nobody_is_paid_on_top_of_it() -> None:
    assert not said(terms(reading="C", prepay_share="0"), "supplier-gains")
    assert not said(terms(reading="A", prepay_share="0"), "no-shortfall-payment")


@pytest.mark.parametrize(("reading", "impossible"), [("A", False), ("E", True), ("G", True)])
def test_a_shortfall_payment_that_can_never_happen(reading: str, impossible: bool) -> None:
    assert bool(said(terms(reading=reading), "no-shortfall-payment")) is impossible


def test_tiers_in_the_wrong_order_pay_more_for_less() -> None:
    upside = {**TIERS, "tiers": [{"from": "80%", "pays": "70%"}, {"to": "80%", "pays": "75%"}]}
    (gain,) = said(terms(reading="none", rules=[upside]), "gains-by-failing")
    assert gain.level == "error"
    assert gain.amount_fen == 9_420_000  # five percentage points of 1,884,000.00
    assert not said(terms(reading="none", rules=[TIERS]), "gains-by-failing")


def test_a_flat_share_below_what_the_hours_before_it_cost() -> None:
    late = {**HOURLY, "flat": {"hours": 60, "share": "50%"}}
    (gain,) = said(terms(rules=[late]), "gains-by-failing")
    assert gain.level == "error"
    assert gain.place == ("rules", 0)
    assert "59 小时扣 628.00" in gain.message
    assert "60 小时反而只扣 314.00" in gain.message
    assert not said(terms(rules=[HOURLY]), "gains-by-failing")


def test_the_second_that_eliminates_a_point() -> None:
    (cliff,) = said(terms(rules=[OUT]), "cliff")
    assert cliff.level == "info"
    assert cliff.amount_fen == 62_800
    assert "168 h 0 min 1 s" in cliff.message
    including = {**OUT, "over": "≥"}
    (cliff,) = said(terms(rules=[including]), "cliff")
    assert "到 168 h 时" in cliff.message


def test_brackets_out_of_order_are_told_where_a_dearer_rule_hides_them() -> None:
    # The quarter's rule takes the whole fee below 60 % and hides what the month's does there; one bad month of a good quarter shows it.
    month = {"kind": "fee-brackets", "id": "month", "grain": "month"}
    brackets = [{"to": "50%", "deducts": "2%"}, {"from": "50%", "to": "60%", "deducts": "40%"}]
    quarter = {
        "kind": "fee-brackets",
        "id": "quarter",
        "grain": "quarter",
        "brackets": [{"to": "60%", "deducts": "100%"}],
    }
    (gain,) = said(terms(reading="none", rules=[{**month, "brackets": brackets}, quarter]), "gains-by-failing")
    assert gain.place == ("rules", 0)
    assert "单看 month" in gain.message
    falling = [{"to": "50%", "deducts": "40%"}, {"from": "50%", "to": "60%", "deducts": "2%"}]
    assert not said(terms(reading="none", rules=[{**month, "brackets": falling}, quarter]), "gains-by-failing")


@pytest.mark.parametrize("cap", [{"cap": "0.00"}, {"cap_share": "0%"}])
def test_a_rule_capped_at_nothing_lets_a_point_leave_for_nothing(cap: dict[str, str]) -> None:
    # Under the literal reading a point that fails for 168 h costs its share of the rate; eliminated, it would cost nothing.
    assert not said(terms(reading="A", rules=[OUT]), "gains-by-leaving")
    (gain,) = said(terms(reading="A", rules=[{**OUT, **cap}]), "gains-by-leaving")
    assert gain.amount_fen is not None
    assert gain.amount_fen > 10_000


def test_a_point_whose_failure_lifts_all_others_over_the_target() -> None:
    (gain,) = said(terms(reading="B", rules=[OUT]), "gains-by-leaving")
    # 999 points at 90 % with one below them lose 10 % of the quarter; without it they lose nothing, and it a month.
    assert gain.level == "warning"
    assert gain.place == ("rules", 0, "pool")
    assert gain.amount_fen is not None
    assert 18_700_000 < gain.amount_fen < 18_840_000
    assert not said(terms(reading="A", rules=[OUT]), "gains-by-leaving")
    assert not said(terms(reading="B", rules=[{**OUT, "pool": "stays"}]), "gains-by-leaving")


def test_two_rules_that_punish_the_same_outage() -> None:
    assert [r.place for r in said(terms(rules=[OUT, HOURLY]), "punished-twice")] == [("rules", 1)]
    apart = [{**OUT, "phases": ["phase-2"]}, HOURLY]
    assert said(terms(rules=apart), "punished-twice")
    document = TERMS.document()
    both = Terms.model_validate(
        {**document, "rules": [{**OUT, "phases": ["phase-1"]}, {**HOURLY, "phases": ["phase-2"]}]}
    )
    assert not said(both, "punished-twice")
    assert [r.place for r in said(terms(rules=[{**OUT, "pool": "stays"}]), "punished-twice")] == [("rules", 0, "pool")]


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "time-abatement", "id": "late", "free_hours": 745},
        {"kind": "excess-surcharge", "id": "late", "allowed": "100%"},
        {"kind": "excess-surcharge", "id": "late", "factor": "0"},
        {"kind": "unit-fine", "id": "late", "events": ["osd"], "fine": "0"},
        {**OUT, "cap": "0"},
        {**OUT, "cap_share": "0"},
    ],
)
def test_a_rule_that_can_never_fire(rule: dict[str, Any]) -> None:
    assert {remark.place[:2] for remark in said(terms(rules=[rule]), "never-fires")} == {("rules", 0)}


def test_rules_that_do_fire_are_not_said_to_be_idle() -> None:
    fine = {"kind": "unit-fine", "id": "osd", "events": ["osd"], "fine": "50"}
    surcharge = {"kind": "excess-surcharge", "id": "extra"}
    assert not said(terms(rules=[OUT, HOURLY, fine, surcharge]), "never-fires")


def test_points_that_no_rule_turns_into_money() -> None:
    fine = {"kind": "unit-fine", "id": "osd", "events": ["osd"], "points": 1}
    (remark,) = said(terms(rules=[fine]), "never-fires")
    assert remark.level == "error"
    score = {
        "kind": "assessment-score",
        "id": "score",
        "bands": [{"from": 90, "pays": "100%"}, {"to": 90, "pays": "80%"}],
    }
    assert not said(terms(rules=[fine, score]), "never-fires")
    (remark,) = said(terms(rules=[score]), "never-fires")
    assert remark.level == "warning"


def test_an_escalation_that_changes_nothing_and_a_breach_that_comes_too_late() -> None:
    (idle,) = said(terms(escalations=[{"consecutive": 2, "factor": "1"}]), "never-fires")
    assert idle.place == ("escalations", 0, "factor")
    assert not said(terms(escalations=[{"consecutive": 2, "factor": "2"}]), "never-fires")
    (late,) = said(terms(breaches=[{"consecutive": 49, "text": "may terminate"}]), "never-fires")
    assert late.place == ("breaches", 0, "consecutive")
    assert not said(terms(breaches=[{"consecutive": 48, "text": "may terminate"}]), "never-fires")


def test_totals_that_differ() -> None:
    assert not said(terms(total="30144000.00"), "total")
    (total,) = said(terms(total="30144000.01"), "total")
    assert (total.level, total.amount_fen, total.place) == ("error", 1, ("total",))


def test_instalments_that_leave_a_rest_and_one_that_nobody_pays() -> None:
    clause = {"total": "32215600", "each": "6443100", "count": 5, "first_due": "2020-12-31"}
    (rest,) = said(terms(instalments={**clause, "payers": {"unit": "2610000", "rest": "0"}}), "instalments")
    assert (rest.level, rest.amount_fen) == ("info", 10_000)  # the last absorbs 100 yuan
    short, _ = said(terms(instalments={**clause, "payers": {"unit": "2610000"}}), "instalments")
    assert (short.level, short.amount_fen) == ("warning", 383_310_000)


def test_what_the_wording_leaves_open() -> None:
    def open_clauses(contract: Terms) -> set[str]:
        return {".".join(map(str, remark.place)) for remark in said(contract, "not-written")}

    bare = {
        key: value for key, value in TERMS.document().items() if key in {"contract", "tax_rate", "target", "phases"}
    }
    bare["prepay_share"] = "0.9"
    everything = {
        "reading",
        "day_count",
        "policy.unknown",
        "policy.exclusions",
        "policy.minimum_coverage",
        "authority.pays",
        "approval.objection_days",
        "payment.due_days",
        "payment.interest_per_day",
        "payment.last_quarter",
        "total",
    }
    assert open_clauses(Terms.model_validate(bare)) == everything
    written = {
        **bare,
        "reading": "A",
        "day_count": "actual",
        "policy": {"unknown": "excluded", "exclusions": "out_of_both", "minimum_coverage": "0.9"},
        "authority": {"pays": "authority"},
        "approval": {"objection_days": 10},
        "payment": {"due_days": 30, "interest_per_day": "0.0005", "last_quarter": "cash"},
        "total": "71085600.00",
    }
    assert open_clauses(Terms.model_validate(written)) == {"authority.by_day", "approval.silence"}
    written["authority"] = {"pays": "authority", "by_day": 20}
    written["approval"] = {"objection_days": 10, "silence": "confirms"}
    assert open_clauses(Terms.model_validate(written)) == {"authority.if_missing"}


def test_a_phase_without_a_whole_quarter_is_said_not_to_be_tried() -> None:
    document = {key: value for key, value in TERMS.document()["phases"][1].items() if key != "contracted"}
    short = {**document, "in_service_from": "2020-07-02", "months": 3}
    remarks = lint(terms(phases=[short]))
    assert [remark.place for remark in remarks if remark.code == "not-tried"] == [("phases", 0, "months")]


def test_month_grain_is_tried_like_quarter_grain() -> None:
    (cliff,) = said(terms(reading="B", grain="month"), "cliff")
    assert cliff.amount_fen == 18_858_840
