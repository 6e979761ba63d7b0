"""Properties of the books: entries add up to zero, order does not matter, nothing is paid beyond what is owed."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.clauses import InstalmentClause, PaymentClause
from settlement.contract import Terms
from settlement.dues import Due, instalment_dues, statement_dues
from settlement.inputs import Inputs, settle_inputs
from settlement.invoicing import credited, invoice_lines
from settlement.ledger import Role, balances, issue_entries, reversal, unprepaid
from settlement.payments import Movement, interest, lateness, outstanding, set_offs
from settlement.rules import count_facts, parse_rate
from tests.properties.histories import TIMEOUT_S, thorough

pytestmark = pytest.mark.timeout(TIMEOUT_S)

DAY = date(2020, 10, 15)


def contract(price: int, share: int, retention: int) -> Terms:
    body = {
        "contract": "c",
        "tax_rate": "0.06",
        "target": "0.9",
        "prepay_share": str(Fraction(share, 100)),
        "phases": [
            {"id": "p", "unit_price": f"{price}.00", "in_service_from": date(2020, 4, 1), "months": 12},
            {"id": "q", "unit_price": "628.00", "in_service_from": date(2020, 7, 1), "months": 12},
        ],
    }
    if retention:
        body["retention"] = {"share": str(Fraction(retention, 100)), "released_on": date(2025, 1, 1)}
    return Terms.model_validate(body)


@st.composite
def documents(draw):
    terms = contract(draw(st.integers(1, 2_000)), draw(st.integers(0, 100)), draw(st.integers(0, 20)))
    facts = {
        name: count_facts(draw(st.integers(1, 2_000)), parse_rate(f"{draw(st.integers(0, 10_000))}/10000"))
        for name in draw(st.sampled_from((("p",), ("q",), ("p", "q"))))
    }
    quarter = draw(st.sampled_from(("2020Q3", "2020Q4", "2021Q1")))
    return settle_inputs(Inputs(terms, 1, quarter, facts, reading=None))[1]


@thorough
@given(documents())
def test_what_an_issue_posts_adds_up_to_zero_and_is_what_the_dues_say(document):
    entries = issue_entries(document, DAY, {})
    dues = statement_dues(document, PaymentClause(), DAY, unprepaid(document, {}))
    assert sum(p.fen for e in entries for p in e.postings) == 0
    for phase in {p.phase for e in entries for p in e.postings}:
        own = [p for e in entries for p in e.postings if p.phase == phase]
        owed = [d for d in dues if d.phase == phase]
        assert -sum(p.fen for p in own if p.role is Role.PAYABLE) == sum(d.fen for d in owed if d.fen > 0)
        assert -sum(p.fen for p in own if p.role is Role.REFUND_DUE) == sum(d.fen for d in owed if d.fen < 0)
        settles = [p.fen for p in own if p.role is Role.PREPAID and p.period == document["quarter"]]
        assert sum(settles) == 0  # what was prepaid for the quarter is used up by it


@thorough
@given(documents())
def test_a_reversal_restores_every_balance(document):
    entries = issue_entries(document, DAY, {})
    back = [reversal(entry, DAY + timedelta(days=1), "x") for entry in entries]
    assert not any(balances([*entries, *back]).values())


amounts = st.integers(-500, 500).filter(bool)


def due(n: int, fen: int, phase: str = "p") -> Due:
    return Due(f"2020Q3/0/{n}", "c", phase, "true_up", fen, "2020Q3", DAY, DAY, DAY, DAY, 0, "calendar", "2020Q3/0", n)


@thorough
@given(st.lists(st.tuples(amounts, st.sampled_from("pq")), max_size=12))
def test_set_offs_never_use_more_than_is_owed_either_way(rows):
    dues = [due(n, fen, phase) for n, (fen, phase) in enumerate(rows, 1)]
    pairs = set_offs([(d, d.fen) for d in dues], "2020Q3/0")
    moved = [
        m
        for pair in pairs
        for m in (Movement(pair.refund, "c", "set-off", -pair.fen, DAY, DAY), Movement(pair.against, "c", "set-off", pair.fen, DAY, DAY))
    ]  # fmt: skip
    left = [outstanding(d, moved) for d in dues]
    assert all(0 <= after <= d.fen or d.fen <= after <= 0 for d, after in zip(dues, left, strict=True))
    assert sum(left) == sum(d.fen for d in dues)
    assert not (any(x > 0 for x in left) and any(x < 0 for x in left))  # nothing is left that could still be set off
    assert all(pair.fen > 0 for pair in pairs)


@thorough
@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 90), st.integers(0, 9)), max_size=6),
    st.randoms(),
    st.integers(0, 1_000),
)
def test_the_order_of_payments_does_not_matter_and_ranges_lie_in_order(parts, random, daily):
    total = sum(fen for fen, _, _ in parts) or 1
    owed = due(1, total + 7)
    moved = [
        Movement(owed.id, "c", "payment", fen, DAY + timedelta(days=first), DAY + timedelta(days=first + more))
        for fen, first, more in parts
    ]
    other = list(moved)
    random.shuffle(other)
    on, rate = DAY + timedelta(days=100), Fraction(daily, 100_000)
    assert outstanding(owed, moved) == outstanding(owed, other)
    assert lateness(owed, DAY, moved, on) == lateness(owed, DAY, other, on)
    one, two = (interest(owed, DAY, rows, on, rate, Fraction(1, 10)) for rows in (moved, other))
    assert (one.low_fen, one.high_fen) == (two.low_fen, two.high_fen)
    assert 0 <= one.low_fen <= one.high_fen <= Fraction(owed.fen, 10) + 1
    later = interest(owed, DAY, moved, on + timedelta(days=1), rate, Fraction(1, 10))
    assert later.high_fen >= one.high_fen


@thorough
@given(st.integers(1, 10**11), st.integers(1, 40), st.lists(st.integers(0, 10**6), max_size=4))
def test_instalments_add_up_to_the_total_and_each_to_its_payers(total, count, fixed):
    share = total // count
    payers = {f"u{n}": part for n, part in enumerate(fixed)}
    spent = 0
    for name, part in payers.items():
        payers[name] = min(part, share - spent)
        spent += payers[name]
    payers = {name: part for name, part in payers.items() if part}
    clause = InstalmentClause.model_construct(
        total_fen=total, each_fen=None, count=count, first_due=DAY, every_months=12, payers={**payers, "rest": 0}
    )
    dues = instalment_dues("c", clause)
    assert sum(d.fen for d in dues) == total
    assert all(d.fen > 0 for d in dues) or total < count
    assert len({d.id for d in dues}) == len(dues)
    for name, part in payers.items():
        assert sum(d.fen for d in dues if d.payer == name) == part * count


@thorough
@given(
    st.integers(1, 10**9),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=4),
    st.lists(st.integers(1, 10**9), max_size=5),
)
def test_credits_never_exceed_their_invoice_and_the_last_one_clears_every_column(gross, weights, wishes):
    parts = [(f"c{n}", weight) for n, weight in enumerate(weights)]
    original = invoice_lines(gross, parts, DAY, (), Fraction(6, 100))
    assert all(x.gross == x.net + x.tax for x in original)
    earlier: list[object] = []
    left = gross
    for wish in [*wishes, gross]:
        amount = min(wish, left)
        if amount:
            lines = credited(original, earlier, amount)  # type: ignore[arg-type]
            assert sum(x.gross for x in lines) == -amount
            earlier += lines
            left -= amount
    for column in ("gross", "net", "tax"):
        assert sum(getattr(x, column) for x in (*original, *earlier)) == 0
