"""Payments taken back: further interest, what was due as of a day, drafts that charge what no longer holds; payers named."""

from __future__ import annotations

from datetime import date

import pytest

from console.cli.payment_dues import next_step
from monitor.finding import InputError
from monitor.store.database import reading
from settlement.ledger import Role
from settlement.lines import Adjustment
from settlement.store import journal, workdays
from settlement.store.interest import interest_lines, stale_interest, states
from settlement.store.payment_checks import Order
from tests.stores.two_years import CONTRACT, QUARTERS, Run, terms


def first_quarter(store) -> Run:
    run = Run(store.writer())
    run.begin()
    run.issue(QUARTERS[0])
    return run


def test_a_payment_taken_back_after_its_interest_was_charged_is_charged_the_further_interest(store):
    run = first_quarter(store)
    due, left = max(run.open(), key=lambda row: row[1])
    paid = run.pay(due, left, date(2020, 8, 1))
    [line] = run.interest(date(2020, 8, 2))
    assert line.parent == due
    run.issue(QUARTERS[1], (line,))
    run.take_back(paid, date(2020, 9, 1))

    def lines(day: date) -> list[Adjustment]:
        with reading(store.engine) as connection:
            return interest_lines(connection, run.terms, workdays.calendar(connection), day)

    assert lines(date(2020, 9, 20)) == []  # open again: what it costs is not final
    again = run.pay(due, left, date(2020, 10, 8))
    [more] = lines(date(2020, 10, 9))
    with reading(store.engine) as connection:
        [state] = [
            s
            for s in states(connection, CONTRACT, workdays.calendar(connection), date(2020, 10, 9))[0]
            if s.due.id == due
        ]
    assert state.charged_fen == line.amount.line.gross_fen
    assert more.amount.line.gross_fen == state.interest.low_fen - state.charged_fen > 0
    assert (more.parent, "已计 charged before" in more.why) == (due, True)
    run.issue(QUARTERS[2], (more,))
    assert [row for row in lines(date(2020, 10, 20)) if row.parent == due] == []

    run.take_back(again, date(2020, 11, 1))  # it had been paid in time after all: everything is given back
    run.pay(due, left, date(2020, 1, 10))
    [back] = [row for row in lines(date(2020, 11, 2)) if row.parent == due]
    assert back.amount.line.gross_fen == -(line.amount.line.gross_fen + more.amount.line.gross_fen)
    run.issue(QUARTERS[3], (back,))
    with reading(store.engine) as connection:
        held = journal.balances(connection)
    assert sum(amount for account, amount in held.items() if account.role is Role.INTEREST) == 0


def test_what_is_due_is_shown_as_it_stood_on_a_day(store):
    run = first_quarter(store)
    due, left = max(run.open(), key=lambda row: row[1])
    run.take_back(run.pay(due, left, date(2020, 8, 1)), date(2020, 9, 1))

    def stood(day: date) -> tuple[int, bool]:
        with reading(store.engine) as connection:
            found, _ = states(connection, CONTRACT, workdays.calendar(connection), day)
        [state] = [state for state in found if state.due.id == due]
        return state.open_fen, state.lateness.settled

    assert [stood(date(2020, month, day)) for month, day in ((7, 31), (8, 1), (8, 31), (9, 1))] == [
        (left, False), (0, True), (0, True), (left, False),
    ]  # fmt: skip


def test_a_draft_s_interest_does_not_outlive_the_payment(store):
    run = first_quarter(store)
    due, left = max(run.open(), key=lambda row: row[1])
    paid = run.pay(due, left, date(2020, 8, 1))
    document = run.draft(QUARTERS[1], run.interest(date(2020, 8, 2)))

    def stale(day: date) -> list[str]:
        with reading(store.engine) as connection:
            found = stale_interest(connection, run.terms, document, workdays.calendar(connection), day)
        return [finding.column for finding in found]

    assert stale(date(2020, 8, 3)) == []
    run.take_back(paid, date(2020, 8, 4))
    assert stale(date(2020, 8, 5)) == [due]
    run.pay(due, left, date(2020, 9, 1))
    assert stale(date(2020, 9, 2)) == [due]  # paid again, but later than the draft says


def test_an_instalment_that_names_its_payer_is_paid_by_nobody_unnamed(store):
    clause = {
        "total": "100.00",
        "count": 1,
        "first_due": date(2020, 6, 30),
        "payers": {"本单位": "60.00", "rest": "0.00"},
    }
    run = Run(store.writer(), terms(instalments=clause))
    run.begin()
    day = date(2020, 7, 2)
    for payer in ("", "另一单位"):
        with pytest.raises(InputError, match="--payer 本单位"):
            run.order(Order(CONTRACT, "instalment/1/本单位", 6_000, day, day, "v", payer))
    run.order(Order(CONTRACT, "instalment/1/本单位", 6_000, day, day, "v", "本单位"))
    run.order(Order(CONTRACT, "instalment/1/rest", 4_000, day, day, "w"))
    assert run.open() == []


def test_an_issued_statement_s_next_step_is_the_payment_s_request(store):
    run = Run(store.writer())
    run.begin()
    run.issue(QUARTERS[0], until="issue")
    with reading(store.engine) as connection:
        found, _ = states(connection, CONTRACT, workdays.calendar(connection), date(2020, 4, 20))
        assert next_step(connection, found) == f"camsla statement request-payment {CONTRACT} 2020Q1"
