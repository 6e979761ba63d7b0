"""Dues, lateness, interest, instalments, set-off and the contract's total, with the reports' own figures."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from pydantic import ValidationError

from monitor.finding import InputError
from settlement.calendar import Calendar
from settlement.clauses import InstalmentClause, PaymentClause, RelocationClause
from settlement.dues import Due, due_on, held_back, instalment_dues, statement_dues
from settlement.payments import (
    Days,
    Movement,
    interest,
    lateness,
    outstanding,
    paid_range,
    payable_findings,
    set_offs,
    supplement_finding,
    total_finding,
)
from settlement.relocation import Move, Tariff, relocation_charges, relocation_lines
from settlement.store.workdays import built_in


def due(
    name: str = "2019Q4/0/4",
    fen: int = 169_560_000,
    *,
    kind: str = "true_up",
    quarter: tuple[date, date] = (date(2019, 10, 1), date(2020, 1, 1)),
    base: date | None = date(2020, 1, 1),
    days: int = 0,
    day_kind: str = "calendar",
    phase: str = "phase-1",
) -> Due:
    return Due(
        name, "xinjian", phase, kind, fen, "2019Q4", *quarter, quarter[1], base, days, day_kind, name.rpartition("/")[0]  # type: ignore[arg-type]
    )  # fmt: skip


def paid(fen: int, first: date, last: date | None = None, name: str = "2019Q4/0/4", kind: str = "payment") -> Movement:
    return Movement(name, "xinjian", kind, fen, first, last or first)


Q3 = (date(2020, 7, 1), date(2020, 10, 1))


@pytest.mark.parametrize(
    ("quarter", "first", "last", "days"),
    [
        ((date(2019, 10, 1), date(2020, 1, 1)), date(2020, 2, 29), date(2020, 2, 29), Days(59, 59)),
        (Q3, date(2020, 12, 15), date(2020, 12, 15), Days(75, 75)),
        ((date(2019, 10, 1), date(2020, 1, 1)), date(2020, 2, 21), date(2020, 2, 29), Days(51, 59)),  # late February
        (Q3, date(2020, 12, 11), date(2020, 12, 20), Days(71, 80)),  # mid December
    ],
)
def test_report_a_s_lateness(quarter, first, last, days):
    owed = due("2019Q4/0/4" if first < date(2020, 3, 1) else "2020Q3/0/4", quarter=quarter, base=quarter[1])
    day = due_on(owed, Calendar(frozenset()))
    assert day == quarter[1]
    state = lateness(owed, day, [paid(owed.fen, first, last, owed.id)], date(2021, 1, 1))
    assert (state.late, state.after_quarter, state.settled) == (days, days, True)


def test_what_is_open_is_late_until_the_day_asked_about_and_early_is_not_late():
    owed = due(base=date(2020, 1, 10))
    part = paid(1, date(2020, 1, 5))
    state = lateness(owed, date(2020, 1, 10), [part], date(2020, 1, 20))
    assert (state.late, state.after_quarter, state.settled) == (Days(10, 10), Days(19, 19), False)
    early = lateness(owed, date(2020, 1, 10), [paid(owed.fen, date(2020, 1, 3))], date(2020, 6, 1))
    assert (early.late, early.settled) == (Days(0, 0), True)
    assert lateness(owed, None, [], date(2020, 6, 1)).late is None


def test_a_prepayment_counts_from_the_quarter_that_it_prepays():
    owed = due(kind="next_prepayment", quarter=(date(2020, 1, 1), date(2020, 4, 1)))
    assert lateness(owed, None, [], date(2020, 1, 21)).after_quarter == Days(20, 20)


def test_family_15_interest():
    owed = due(fen=169_560_000, quarter=Q3, base=date(2020, 10, 1))
    rate = Fraction(5, 10_000)
    cost = interest(owed, date(2020, 10, 1), [paid(owed.fen, date(2020, 12, 15))], date(2021, 1, 1), rate, None)
    assert (cost.low_fen, cost.high_fen) == (6_358_500, 6_358_500)
    assert cost.why == "1,695,600.00 × 75 天 d × 0.05 %"
    capped = interest(owed, date(2020, 10, 1), [], date(2030, 1, 1), rate, Fraction(1, 10))
    assert (capped.low_fen, capped.high_fen) == (16_956_000, 16_956_000)
    assert "1,695,600.00 × 3379 天" in capped.why and "at most 169,560.00" in capped.why


def test_interest_of_parts_ranges_set_offs_and_refunds():
    owed = due(fen=1_000_000)
    rate, day = Fraction(1, 1_000), date(2020, 1, 1)
    parts = [
        paid(300_000, date(2020, 1, 11)),  # 10 d: 3,000
        paid(200_000, date(2020, 1, 21), date(2020, 1, 31)),  # 20–30 d: 4,000–6,000
        paid(100_000, date(2020, 3, 1), kind="set-off"),  # bears none
    ]  # what is left, 400,000, is open for 60 d: 24,000
    cost = interest(owed, day, parts, date(2020, 3, 1), rate, None)
    assert (cost.low_fen, cost.high_fen) == (31_000, 33_000)
    for owed in (due(fen=-5), due(fen=5_000, kind="interest")):
        assert interest(owed, day, [], date(2021, 1, 1), rate, None).high_fen == 0


def test_interest_is_rounded_once():
    owed = due(fen=3)
    parts = [paid(1, date(2020, 1, 2)), paid(1, date(2020, 1, 2)), paid(1, date(2020, 1, 2))]
    cost = interest(owed, date(2020, 1, 1), parts, date(2020, 2, 1), Fraction(1, 5), None)
    assert cost.low_fen == 1  # 3 × 0.2 = 0.6, not three times 0


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (PaymentClause(counted_from="quarter-end", due_days=30), date(2020, 10, 30)),
        (PaymentClause(counted_from="quarter-start", due_days=30), date(2020, 10, 31)),
        (PaymentClause(counted_from="quarter-start", due_days=0), date(2020, 10, 1)),
        (PaymentClause(counted_from="issued", due_days=5), date(2020, 10, 25)),
        (PaymentClause(counted_from="quarter-start", due_days=0, days="workday"), date(2020, 10, 9)),
        (PaymentClause(counted_from="quarter-start", due_days=3, days="workday"), date(2020, 10, 12)),
        (PaymentClause(counted_from="invoice", due_days=5), None),
    ],
)
def test_due_dates_by_the_contract_s_rule(clause, expected):
    [owed] = statement_dues(document(true_up="-1.00"), clause, date(2020, 10, 20), {})
    assert due_on(owed, built_in()) == expected
    if expected is None:
        assert due_on(owed, built_in(), date(2020, 11, 2)) == date(2020, 11, 7)


def document(**amounts: str) -> dict[str, object]:
    rows = [
        {"n": n, "kind": kind, "gross": gross, "net": gross, "tax": "0.00", "parent": ""}
        for n, (kind, gross) in enumerate(amounts.items(), 1)
    ]
    return {
        "contract": {"id": "c"},
        "quarter": "2020Q3",
        "revision": 0,
        "phases": [{"phase": "p", "lines": rows}],
        "adjustments": [
            {
                "n": 9,
                "phase": "p",
                "kind": "adjustment",
                "gross": "-2.00",
                "net": "-2.00",
                "tax": "0.00",
                "parent": "2020Q1/0/2",
            }
        ]
        if "payable" in amounts
        else [],
    }


def test_the_lines_that_change_hands_become_dues_with_their_own_service_period():
    made = document(prepayment="9.00", payable="8.00", deduction="2.00", true_up="-1.00", next_prepayment="9.00")
    clause = PaymentClause(counted_from="quarter-start", due_days=0)
    owed = statement_dues(made, clause, date(2020, 10, 20), {})
    assert [(d.id, d.kind, d.fen, d.period) for d in owed] == [
        ("2020Q3/0/4", "true_up", -100, "2020Q3"),
        ("2020Q3/0/5", "next_prepayment", 900, "2020Q4"),
        ("2020Q3/0/9", "adjustment", -200, "2020Q1"),
    ]
    opened = statement_dues(made, clause, date(2020, 10, 20), {"p": 900})[0]
    assert (opened.id, opened.fen, opened.base) == ("2020Q3/0/1", 900, date(2020, 7, 1))


def instalments(**changes: object) -> InstalmentClause:
    body = {
        "total": "32215600.00",
        "each": "6443100.00",
        "count": 5,
        "first_due": date(2020, 6, 30),
        "payers": {"本单位": "2610000.00", "rest": "0.00"},
    }
    return InstalmentClause.model_validate({**body, **changes})


def test_report_d_s_instalments_shared_by_two_budget_lines():
    owed = instalment_dues("yiyang", instalments())
    assert [(d.id, d.fen, d.base) for d in owed[:3]] == [
        ("instalment/1/本单位", 261_000_000, date(2020, 6, 30)),
        ("instalment/1/rest", 383_310_000, date(2020, 6, 30)),
        ("instalment/2/本单位", 261_000_000, date(2021, 6, 30)),
    ]
    by_number = [sum(d.fen for d in owed if d.id.startswith(f"instalment/{n}/")) for n in range(1, 6)]
    assert by_number == [644_310_000] * 4 + [644_320_000]  # the last absorbs the 100 yuan
    assert sum(by_number) == 3_221_560_000
    assert owed[-1].fen == 383_320_000
    assert sum(d.fen for d in owed if d.payer == "本单位") == 5 * 261_000_000


def test_instalments_without_fixed_parts_and_with_too_much():
    owed = instalment_dues("c", instalments(total="10.00", each=None, count=3, payers={}))
    assert [(d.id, d.fen) for d in owed] == [
        ("instalment/1/rest", 333), ("instalment/2/rest", 333), ("instalment/3/rest", 334)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"each": "9000000.00"}, "the instalments exceed the total"),
        ({"payers": {"a": "6443100.01"}}, "the shares exceed an instalment"),
        ({"payers": {"a": "0.00", "b": "0.00"}}, "more than one payer takes the rest"),
        ({"payers": {"rest": "5.00"}}, "the payer `rest` takes what is left"),
    ],
)
def test_instalments_that_cannot_be_shared(changes, said):
    with pytest.raises(ValidationError, match=said):
        instalments(**changes)


def test_a_refund_is_set_off_against_its_own_phase_and_statement_first():
    old = due("2019Q3/0/5", 50, phase="p")
    refund = due("2019Q4/0/4", -100, phase="p")
    other = due("2019Q4/0/8", 60, phase="q")
    own = due("2019Q4/0/5", 30, phase="p")
    found = [(d, d.fen) for d in (old, refund, other, own)]
    assert set_offs(found, "2019Q4/0") == [
        ("2019Q4/0/4", "2019Q4/0/5", 30), ("2019Q4/0/4", "2019Q4/0/8", 60), ("2019Q4/0/4", "2019Q3/0/5", 10)
    ]  # fmt: skip
    assert set_offs([(refund, -100)], "2019Q4/0") == []


def test_what_is_contested_of_a_refund_is_held_back_and_no_more():
    refund, more = due("a", -100), due("b", -50)
    assert held_back([(refund, -100), (more, -50), (due("c", 10), 10)], 120) == {"a": 100, "b": 20}
    assert held_back([(refund, 0)], 120) == {}


def test_outstanding_looks_at_its_own_contract_and_due():
    owed = due(fen=100)
    others = [
        paid(1, date(2020, 1, 1), name="x"),
        Movement(owed.id, "other", "payment", 2, date(2020, 1, 1), date(2020, 1, 1)),
    ]
    assert outstanding(owed, [*others, paid(30, date(2020, 1, 1))]) == 70


def test_more_than_is_due_more_than_the_contract_and_supplements():
    assert payable_findings(due(fen=100), 70, 70) == []
    [finding] = payable_findings(due(fen=100), 70, 71)
    assert "0.70" in finding.message and "0.71" in finding.message and "0.01" in finding.message
    assert payable_findings(due(fen=100), 70, 0)[0].column == "amount"
    assert total_finding(100, 60, 40) is None
    assert total_finding(None, 60, 4_000) is None
    over = total_finding(100, 60, 41)
    assert over is not None and "1.01" in over.message
    assert supplement_finding(1_000, 1_100) is None
    warning = supplement_finding(1_000, 1_101)
    assert warning is not None and warning.level == "warning"
    assert supplement_finding(None, 5) is None


@pytest.mark.parametrize(
    "text", ["", "2020-02-30", "2020-02-29..", "2020-03-01..2020-02-24", "2020-02-24..2030-01-01", "昨天"]
)
def test_a_day_of_payment_that_cannot_be(text):
    with pytest.raises(InputError):
        paid_range(text, date(2021, 1, 1))


def test_a_range_of_payment_days():
    assert paid_range("2020-02-24..2020-02-29", date(2021, 1, 1)) == (date(2020, 2, 24), date(2020, 2, 29))
    assert paid_range(" 2020-12-15 ", date(2020, 12, 15)) == (date(2020, 12, 15), date(2020, 12, 15))


def test_ten_moves_a_year_are_free_and_each_further_one_has_its_price():
    clause = RelocationClause.model_validate({"free_per_year": 2, "price": "1500.00"})
    moves = [
        Move(date(2020, 5, 1), "B"),
        Move(date(2020, 5, 1), "A"),
        Move(date(2020, 9, 1), "A"),
        Move(date(2021, 1, 1), "C"),
    ]
    tariffs = {label: Tariff(clause, Fraction(6, 100)) for label in ("2020Q2", "2020Q3", "2021Q1")}
    done = relocation_charges(tariffs, [*reversed(moves), moves[0]])
    assert [(c.move.point, c.number, c.fen) for c in done] == [("A", 1, 0), ("B", 2, 0), ("A", 3, 150_000), ("C", 1, 0)]
    assert [c.quarter for c in done] == ["2020Q2", "2020Q2", "2020Q3", "2021Q1"]


def tariff(price: str, free: int = 0, tax: Fraction = Fraction(6, 100)) -> Tariff:
    return Tariff(RelocationClause.model_validate({"free_per_year": free, "price": price}), tax)


def issued_lines(lines):
    return [
        {"phase": row.phase, "parent": row.parent, "why": row.why, "gross": f"{row.amount.line.gross_fen / 100:.2f}"}
        for row in lines
    ]


def test_a_new_price_reaches_no_earlier_quarter():
    moves = [Move(date(2020, 8, 1), "A", "p"), Move(date(2020, 9, 1), "B", "p")]
    old = {"2020Q3": tariff("1000.00"), "2020Q4": tariff("1000.00")}
    charged = relocation_lines(old, moves, [])
    assert [row.amount.line.gross_fen for row in charged] == [200_000]
    amended = {**old, "2021Q1": tariff("2000.00", tax=Fraction(9, 100))}
    assert relocation_lines(amended, moves, issued_lines(charged)) == []
    moves.append(Move(date(2021, 2, 1), "C", "p"))
    [row] = relocation_lines(amended, moves, issued_lines(charged))
    assert (row.amount.line.gross_fen, row.amount.line.tax_fen) == (200_000, 16_514)
    late = [*moves, Move(date(2020, 12, 1), "D", "p")]  # becomes known in 2021, at the price and tax of 2020
    first, second = relocation_lines(amended, late, issued_lines(charged))
    assert (first.amount.line.gross_fen, first.amount.line.tax_fen) == (100_000, 5_660)
    assert second == row


def test_a_clause_that_is_new_counts_and_charges_no_earlier_move():
    moves = [Move(date(2020, 8, 1), "A", "p"), Move(date(2020, 9, 1), "B", "p"), Move(date(2020, 11, 1), "C", "p")]
    assert relocation_lines({"2021Q1": tariff("2000.00")}, moves, []) == []
    begun = {"2020Q4": tariff("2000.00", free=1)}
    assert relocation_lines(begun, moves, []) == []  # the year's first move under the clause is its free one
    [row] = relocation_lines(begun, [*moves, Move(date(2020, 12, 1), "D", "p")], [])
    assert row.amount.line.gross_fen == 200_000


def test_a_late_move_shifts_what_a_later_quarter_was_charged():
    tariffs = {"2020Q3": tariff("1000.00", free=1), "2020Q4": tariff("500.00", free=1)}
    moves = [Move(date(2020, 8, 1), "A", "p"), Move(date(2020, 11, 1), "B", "q")]
    charged = relocation_lines(tariffs, moves, [])
    assert [(row.phase, row.amount.line.gross_fen) for row in charged] == [("q", 50_000)]
    more = relocation_lines(tariffs, [*moves, Move(date(2020, 7, 1), "C", "q")], issued_lines(charged))
    assert [(row.phase, row.amount.line.gross_fen) for row in more] == [("p", 100_000)]
