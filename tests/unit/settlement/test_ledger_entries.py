"""What an issued statement posts: the worked figures of the reference contract, by account."""

from __future__ import annotations

from datetime import date

import pytest

from monitor.finding import InputError
from settlement.adjusting import amount_of
from settlement.contract import Terms
from settlement.inputs import Inputs, settle_inputs
from settlement.ledger import (
    Account,
    Entry,
    Posting,
    Role,
    Sums,
    balances,
    issue_entries,
    reversal,
    settles_late,
    unprepaid,
)
from settlement.lines import Adjustment, Before, Issued
from settlement.money import fen, net_tax, taxed
from settlement.rules import count_facts, parse_rate

DAY = date(2020, 10, 15)


def terms(**more: object) -> Terms:
    phase = {"id": "p", "unit_price": "628.00", "in_service_from": date(2020, 4, 1), "months": 12}
    body = {"contract": "c", "tax_rate": "0.06", "target": "0.9", "prepay_share": "0.9", "phases": [phase]}
    return Terms.model_validate({**body, **more})


def settled(
    quarter: str, rate: str, prepaid: str | None, deal: Terms | None = None, adjustments: tuple[Adjustment, ...] = ()
):
    before = Before(
        {} if prepaid is None else {"p": Issued(taxed(fen(prepaid), parse_rate("0.06").value, ()), "x")},
        {},
        adjustments,
    )
    facts = {"p": count_facts(1_000, parse_rate(rate))}
    return settle_inputs(Inputs(deal or terms(), 1, quarter, facts, before=before))[1]


def amounts(entries: list[Entry]) -> dict[str, int]:
    return {str(account.role): amount for account, amount in balances(entries).items()}


def test_the_reference_quarter_refunds_what_was_prepaid_too_much():
    entries = issue_entries(settled("2020Q3", "83.62%", "1695600.00"), DAY, {"p": 169_560_000})
    full_net, _ = net_tax(188_400_000, parse_rate("0.06").value)
    payable_net, payable_tax = net_tax(157_540_080, parse_rate("0.06").value)
    assert amounts(entries) == {
        "prepaid": -169_560_000 + 169_560_000,  # this quarter's is used up, the next one's stands
        "refund-due": 12_019_920,  # 120,199.20
        "payable": -169_560_000,
        "fee": full_net,
        "deduction": -(full_net - payable_net),
        "tax": payable_tax,
    }
    assert {p.period for e in entries for p in e.postings if p.role is Role.PREPAID} == {"2020Q3", "2020Q4"}


def test_a_shortfall_is_payable_and_the_last_quarter_prepays_nothing():
    entries = issue_entries(settled("2021Q1", "95%", "1695600.00"), DAY, {"p": 169_560_000})
    held = amounts(entries)
    assert held["payable"] == -(178_980_000 - 169_560_000)
    assert held["prepaid"] == -169_560_000
    assert "refund-due" not in held


def test_a_prepayment_that_nobody_issued_is_owed_now():
    document = settled("2020Q3", "90%", None)
    assert unprepaid(document, {}) == {"p": 169_560_000}
    entries = issue_entries(document, DAY, {})
    by_period = [
        (p.role.value, p.period, p.fen) for e in entries for p in e.postings if p.role in {Role.PREPAID, Role.PAYABLE}
    ]
    assert by_period == [
        ("prepaid", "2020Q3", 169_560_000),
        ("payable", "2020Q3", -169_560_000),
        ("prepaid", "2020Q3", -169_560_000),
        ("prepaid", "2020Q4", 169_560_000),
        ("payable", "2020Q4", -169_560_000),
    ]


def test_a_statement_that_reckons_with_another_prepayment_is_refused():
    with pytest.raises(InputError, match=r"1,695,600.01.*1,695,600.00"):
        issue_entries(settled("2020Q3", "90%", "1695600.00"), DAY, {"p": 169_560_001})


def test_retention_is_kept_and_released():
    deal = terms(retention={"share": "0.05", "released_on": "2021-03-01"})
    kept = issue_entries(settled("2020Q3", "90%", "1695600.00", deal), DAY, {"p": 169_560_000})
    assert amounts(kept)["retained"] == -8_478_000
    assert amounts(kept)["refund-due"] == 8_478_000  # the prepayment was paid in full, so the kept share comes back
    document = settled("2021Q1", "90%", "1695600.00", deal)
    row = {"n": 99, "kind": "retention_release", "gross": "84780.00", "net": "79981.13", "tax": "4798.87", "parent": ""}
    document["phases"][0]["lines"].append(row)
    released = issue_entries(document, DAY, {"p": 169_560_000})
    assert amounts(released)["retained"] == 8_478_000


def adjustment(gross: int, parent: str, kind: str = "adjustment") -> Adjustment:
    return Adjustment("p", kind, taxed(gross, parse_rate("0.06").value, ()), "why", parent)  # type: ignore[arg-type]


def test_corrections_and_interest_concern_the_quarter_that_they_correct():
    rows = (adjustment(-106, "2020Q2/0/2"), adjustment(212, "2020Q2/0/4", "interest"))
    entries = issue_entries(settled("2020Q3", "90%", "1695600.00", adjustments=rows), DAY, {"p": 169_560_000})
    found = [(p.role.value, p.fen) for e in entries for p in e.postings if p.period == "2020Q2"]
    assert found == [
        ("adjustment", -100),
        ("tax", -6),
        ("refund-due", 106),
        ("interest", 200),
        ("tax", 12),
        ("payable", -212),
    ]


def test_a_quarter_that_is_settled_at_last_uses_up_its_prepayment():
    # 2020Q2 was prepaid with 1,060.00 and not assessable then; payable is 1,590.00, so 530.00 are paid now.
    rows = (adjustment(53_000, "2020Q2/0/0/p"),)
    document = settled("2020Q3", "90%", "1695600.00", adjustments=rows)
    waiting = {("p", "2020Q2"): Sums(106_000, 100_000, 6_000)}
    entries = issue_entries(document, DAY, {"p": 169_560_000}, waiting)
    found = {p.role.value: p.fen for e in entries for p in e.postings if p.period == "2020Q2"}
    assert found == {"adjustment": 150_000, "tax": 9_000, "prepaid": -106_000, "payable": -53_000}


@pytest.mark.parametrize("parent", ["2020Q2/0/0/p/2020-05", "2020Q2/0/2", "2020Q2/0/10"])
def test_a_correction_of_a_settled_quarter_leaves_its_prepayment_alone(parent):
    assert settles_late({"parent": parent}) == ""
    assert settles_late({"parent": "2020Q2/0/0/p"}) == "2020Q2"


def test_lines_that_contradict_each_other_are_a_bug():
    document = settled("2020Q3", "90%", "1695600.00")
    document["phases"][0]["full_fee"]["gross"] = "1.00"
    with pytest.raises(ValueError, match="full fee"):
        issue_entries(document, DAY, {"p": 169_560_000})
    document = settled("2020Q3", "90%", "1695600.00")
    for row in document["phases"][0]["lines"]:
        if row["kind"] == "true_up":
            row["gross"] = "1.00"
    with pytest.raises(ValueError, match="true-up"):
        issue_entries(document, DAY, {"p": 169_560_000})


def test_an_entry_adds_up_to_zero_and_its_reversal_restores_every_balance():
    with pytest.raises(ValueError, match=r"0\.01"):
        Entry("c", "k", DAY, "", (Posting(Role.BANK, "", 1),))
    with pytest.raises(ValueError, match="no postings"):
        Entry("c", "k", DAY, "", ())
    entry = Entry("c", "k", DAY, "", (Posting(Role.BANK, "p", -5, "2020Q3"), Posting(Role.PAYABLE, "p", 5, "2020Q3")))
    back = reversal(entry, date(2020, 11, 1), "重复")
    assert balances([entry, back]) == {Account("c", Role.BANK, "p"): 0, Account("c", Role.PAYABLE, "p"): 0}
    assert (back.key, back.reverses, back.day) == ("k/reversal", "k", date(2020, 11, 1))


def test_the_document_s_line_is_what_is_owed():
    document = settled("2020Q3", "83.62%", "1695600.00")
    rows = {row["kind"]: amount_of(row).line.gross_fen for row in document["phases"][0]["lines"]}
    held = amounts(issue_entries(document, DAY, {"p": 169_560_000}))
    assert held["refund-due"] == -rows["true_up"]
    assert held["payable"] == -rows["next_prepayment"]
