"""Money in the store, on SQLite and PostgreSQL: a run of two years, its balances, its export, and what is refused."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from console.money.books import beancount_export
from console.store.audit import Audit
from monitor.finding import InputError
from monitor.store.database import reading
from monitor.store.writer import Writer
from settlement.budget import BudgetYear
from settlement.calendar import DayNote
from settlement.ledger import Role, balances
from settlement.store import budgets, invoices, journal, movements, payments, statements, workdays
from settlement.store.interest import interest_lines, states
from settlement.store.ledger import PAID_BEFORE
from settlement.store.payment_checks import Order
from tests.stores.two_years import CONTRACT, QUARTERS, Run, instant, line, terms, two_years

BEAN_CHECK = Path(sys.executable).parent / "bean-check"


@pytest.fixture
def run(store) -> Run:
    return two_years(store.writer())


def exported(engine: Engine) -> str:
    with reading(engine) as connection:
        return beancount_export(connection)


def test_two_years_leave_nothing_open_and_every_statement_paid(store, run):
    assert run.open() == []
    with reading(store.engine) as connection:
        held = journal.balances(connection)
        assert balances(journal.entries(connection)) == held
        for account, amount in held.items():
            if account.role in {Role.PAYABLE, Role.REFUND_DUE, Role.PREPAID, Role.RETAINED}:
                assert amount == 0, account
        moved = movements.movements(connection, CONTRACT)
        bank = sum(amount for account, amount in held.items() if account.role is Role.BANK)
        assert bank == -sum(m.fen for m in moved) < 0
        assert {m.kind for m in moved} == {"payment", "refund", "set-off"}
        words = [[taken.step for taken in statements.steps(connection, s.id)] for s in statements.newest(connection)]
    assert len(words) == 8
    assert all(steps[-1] == "pay" or steps[-1] == "decide" for steps in words), words


def test_bean_check_accepts_the_export_with_its_balances(store, run, tmp_path):
    file = tmp_path / "ledger.beancount"
    file.write_text(exported(store.engine))
    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    wrong = file.read_text().replace(
        " balance Assets:Bank:C-two-years:P-phase-1  -", " balance Assets:Bank:C-two-years:P-phase-1  -1"
    )
    assert wrong != file.read_text()
    file.write_text(wrong)
    assert subprocess.run([BEAN_CHECK, file], capture_output=True, check=False).returncode != 0


def test_both_databases_give_the_same_bytes(sqlite_template, postgres_server, tmp_path):
    shutil.copyfile(sqlite_template, tmp_path / "store.db")
    name = postgres_server.create("migrated")
    texts = []
    for url in (f"sqlite:///{tmp_path / 'store.db'}", postgres_server.url(name)):
        with Writer.open(url, Audit("test"), tmp_path / "lock") as writer:
            two_years(writer)
            texts.append(exported(writer.engine))
    assert texts[0] == texts[1]
    assert texts[0].count(" balance ") == len({row.split()[2] for row in texts[0].splitlines() if " open " in row})
    postgres_server.drop(name)


def first_quarter(store) -> Run:
    run = Run(store.writer())
    run.begin()
    run.issue(QUARTERS[0])
    return run


def refused(run: Run, match: str, **changes: object) -> None:
    due, left = run.open()[0]
    order = Order(CONTRACT, due, left, date(2020, 4, 20), date(2020, 4, 20), "v", project="P-01", budget_year=None)
    before = snapshot(run)
    with pytest.raises(InputError, match=match):
        run.order(replace(order, **changes))
    assert snapshot(run) == before


def snapshot(run: Run) -> tuple[object, ...]:
    """Everything about money that is stored."""
    with reading(run.writer.engine) as connection:
        tables = ("journal", "postings", "dues", "payments", "statement_steps", "audit")
        return tuple(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables)


def test_a_payment_that_cannot_be_is_refused_and_nothing_is_stored(store):
    run = first_quarter(store)
    left = run.open()[0][1]
    refused(run, "larger than what is open", fen=left + 1)
    refused(run, "not above zero", fen=0)
    refused(run, "no such due", due="2020Q1/0/99")
    refused(run, "payments of this contract are recorded against its lines", due="")
    refused(run, "no voucher", voucher="  ")
    refused(run, "crosses a year", first=date(2019, 12, 30))
    refused(run, "no such budget project", project="P-02")
    refused(run, "no such budget project", budget_year=2031)
    refused(run, "no such document", document_sha="0" * 64)
    refused(
        run, r"larger(?s:.*)no voucher(?s:.*)no such budget", fen=left + 1, voucher="", project="P-02"
    )  # all at once


def test_a_project_that_does_not_hold_the_contract_is_refused_and_overspending_is_warned_of(store):
    run = first_quarter(store)
    with run.writer.transaction() as connection:
        for name, held in (("P-other", ("another",)), ("P-small", ())):
            budget = BudgetYear(name, 2020, 1, 1, 1, contracts=held)
            budgets.save(connection, run.writer.audit, budget, at=instant(date(2020, 1, 1)), actor="x")
    refused(run, "does not hold this contract", project="P-other")
    due, left = run.open()[0]
    order = Order(CONTRACT, due, left, date(2020, 4, 20), date(2020, 4, 20), "v", project="P-small")
    with run.writer.transaction() as connection:
        done = payments.record(connection, run.writer.audit, order, at=instant(date(2020, 4, 20)), actor="出纳")
    assert [finding.level for finding in done.warnings] == ["warning"]
    assert "executed beyond what is in place" in done.warnings[0].message


def test_nothing_is_paid_before_the_payment_is_requested(store):
    run = Run(store.writer())
    run.begin()
    run.issue(QUARTERS[0], until="issue")
    refused(run, "payment of this statement was not requested yet")


def test_the_contract_s_total_bounds_what_is_paid_in_all(store):
    total = 400_000_000
    run = Run(store.writer(), terms(total="4000000.00"))
    run.begin()
    run.issue(QUARTERS[0])
    dues = [(due, left) for due, left in run.open() if left > 0]
    with reading(store.engine) as connection:  # what was prepaid before these books counts towards the total
        paid = sum(row.movement.fen for row in movements.rows(connection) if row.movement.kind == "payment")
    assert 0 < paid < total < paid + sum(left for _, left in dues)
    for due, left in dues:
        if paid + left <= total:
            run.pay(due, left, date(2020, 4, 20))
            paid += left
    due, left = next((due, left) for due, left in run.open() if left > 0)
    refused(run, "cumulative payment would exceed", due=due, fen=total - paid + 1)
    run.pay(due, total - paid, date(2020, 4, 21))
    refused(run, "cumulative payment would exceed", due=due, fen=1)


def test_the_same_voucher_again_adds_nothing_and_with_another_amount_is_refused(store):
    run = first_quarter(store)
    due, left = run.open()[0]
    order = Order(CONTRACT, due, left - 5, date(2020, 4, 20), date(2020, 4, 20), "v", project="P-01")
    number = run.order(order)
    before = snapshot(run)
    assert run.order(order) == number
    assert snapshot(run) == before
    refused(run, "the voucher stands with another amount", fen=left - 6)
    run.take_back(number, date(2020, 4, 21))
    refused(run, "that payment was taken back", fen=left - 5)
    with pytest.raises(InputError, match="is taken back already"):
        run.take_back(number, date(2020, 4, 21))
    with pytest.raises(InputError, match="takes another back itself"):
        run.take_back(number + 1, date(2020, 4, 21))
    with pytest.raises(InputError, match="no such payment"):
        run.take_back(10_000, date(2020, 4, 21))


def test_taking_a_payment_back_restores_every_balance_and_reopens_the_statement(store):
    run = first_quarter(store)
    with reading(store.engine) as connection:
        before, owed = journal.balances(connection), movements.open_dues(connection, CONTRACT)
    run.pay_all(date(2020, 4, 20))
    with reading(store.engine) as connection:
        [stored] = statements.newest(connection)
        assert statements.steps(connection, stored.id)[-1].step == "pay"
        rows = [row for row in movements.rows(connection) if row.movement.kind == "payment"]
    for row in rows:
        if row.movement.voucher != PAID_BEFORE:
            run.take_back(row.id, date(2020, 4, 30))
    with reading(store.engine) as connection:
        after = journal.balances(connection)
        assert {account: amount for account, amount in after.items() if amount} == {
            a: x for a, x in before.items() if x
        }
        assert movements.open_dues(connection, CONTRACT) == owed
        assert statements.steps(connection, stored.id)[-1].step == "payment-reversed"
        entries = journal.entries(connection)
    assert all(sum(p.fen for p in entry.postings) == 0 for entry in entries)


def test_what_was_prepaid_before_these_books_is_settled_and_can_be_taken_back(store):
    run = first_quarter(store)
    with reading(store.engine) as connection:
        opening = [row for row in movements.rows(connection) if row.movement.voucher == PAID_BEFORE]
        owed = {due.id: left for due, left in movements.open_dues(connection, CONTRACT)}
    assert opening
    assert all(owed[row.movement.due] == 0 for row in opening)
    document = run.documents[QUARTERS[0].label]
    assert sum(owed.values()) == round(float(document["totals"]["total"]) * 100)
    run.take_back(opening[0].id, date(2020, 4, 30))
    with reading(store.engine) as connection:
        owed = {due.id: left for due, left in movements.open_dues(connection, CONTRACT)}
    assert owed[opening[0].movement.due] == opening[0].movement.fen


def test_independent_payments_give_the_same_balances_in_any_order(store, tmp_path, sqlite_template):
    found = []
    for n, order in enumerate(itertools.permutations(range(3))):
        path = tmp_path / f"order-{n}.db"
        shutil.copyfile(sqlite_template, path)
        with Writer.open(f"sqlite:///{path}", Audit("test")) as writer:
            run = Run(writer)
            run.begin()
            run.issue(QUARTERS[0])
            due = next(due for due, left in run.open() if left > 3_000)
            for step in order:
                run.order(
                    Order(CONTRACT, due, 1_000 + step, date(2020, 4, 20 + step), date(2020, 4, 20 + step), f"v{step}")
                )
            with reading(writer.engine) as connection:
                found.append((journal.balances(connection), movements.open_dues(connection, CONTRACT)))
    assert all(one == found[0] for one in found)


def test_an_open_dispute_holds_back_the_refund_that_is_left_and_no_payment(store):
    run = Run(store.writer(), terms(months=3))  # one quarter only: its refund cannot be set off
    run.begin()
    document = run.draft(QUARTERS[0])
    contested = line(document, "二期", "deduction")["n"]
    number = run.issue(QUARTERS[0], claims=((contested, 700_000),))
    with reading(store.engine) as connection:
        held = movements.contested(connection, CONTRACT)
        owed = {due.id: left for due, left in movements.open_dues(connection, CONTRACT) if left}
    assert sum(held.values()) == min(700_000, -sum(left for left in owed.values() if left < 0))
    run.decide(number, 100, date(2020, 5, 1))
    with reading(store.engine) as connection:
        assert movements.contested(connection, CONTRACT) == {}


def test_interest_is_charged_once_and_only_for_what_is_paid_in_full(store):
    run = first_quarter(store)
    with reading(store.engine) as connection:
        calendar = workdays.calendar(connection)
        assert interest_lines(connection, run.terms, calendar, date(2020, 8, 1)) == []  # late, but still open
        found, findings = states(connection, CONTRACT, calendar, date(2020, 8, 1))
        assert findings == []
        assert any(state.interest.low_fen for state in found)
    run.pay_all(date(2020, 8, 1))
    lines = run.interest(date(2020, 8, 2))
    late = {state.due.id: state for state in found}
    for row in lines:
        assert row.kind == "interest"
        assert row.amount.line.gross_fen == late[row.parent].interest.low_fen > 0
    run.issue(QUARTERS[1], lines)
    with reading(store.engine) as connection:
        assert interest_lines(connection, run.terms, calendar, date(2020, 9, 1)) == []
        held = journal.balances(connection)
    charged = sum(amount for account, amount in held.items() if account.role is Role.INTEREST)
    assert charged == sum(row.amount.line.net_fen for row in lines)


def test_instalments_are_entered_with_their_first_payment_and_shared_by_their_payers(store):
    deal = terms(
        instalments={
            "total": "32215600.00",
            "each": "6443100.00",
            "count": 5,
            "first_due": date(2020, 6, 30),
            "payers": {"本单位": "2610000.00", "rest": "0.00"},
        }
    )
    run = Run(store.writer(), deal)
    run.begin()
    with reading(store.engine) as connection:
        ahead = states(connection, CONTRACT, workdays.calendar(connection), date(2020, 7, 10))[0]
    assert [state.due.id for state in ahead][:2] == ["instalment/1/本单位", "instalment/1/rest"]
    assert ahead[0].lateness.late == (10, 10)
    paid = Order(CONTRACT, "instalment/1/本单位", 261_000_000, date(2020, 7, 2), date(2020, 7, 2), "d-1")
    with pytest.raises(InputError, match="is 本单位's to pay"):
        run.order(replace(paid, payer="另一单位"))
    run.order(replace(paid, payer="本单位"))
    with reading(store.engine) as connection:
        held = {a.role: amount for a, amount in journal.balances(connection).items()}
        assert held[Role.PAYABLE] == -(3_221_560_000 - 261_000_000)
        assert held[Role.FEE] + held[Role.TAX] == 3_221_560_000
        left = {due.id: left for due, left in movements.open_dues(connection, CONTRACT)}
    assert len(left) == 10
    assert (left["instalment/1/本单位"], left["instalment/1/rest"]) == (0, 383_310_000)


def test_invoices_and_credits(store):
    run = first_quarter(store)
    due = f"2020Q1/0/{line(run.documents['2020Q1'], '二期', 'next_prepayment')['n']}"
    day, at = date(2021, 2, 1), instant(date(2021, 2, 1))

    def add(**changes: object) -> tuple[invoices.Invoice, bool]:
        given = {"number": "n1", "contract": CONTRACT, "due": due, "gross_fen": None, "tax_fen": None, "issued_on": day}
        with run.writer.transaction() as connection:
            return invoices.add(connection, run.writer.audit, **{**given, **changes}, at=at, actor="会计")

    def credit(**changes: object) -> tuple[invoices.Invoice, bool]:
        given = {"number": "r1", "of": "n1", "gross_fen": None, "issued_on": day}
        with run.writer.transaction() as connection:
            return invoices.credit(connection, run.writer.audit, **{**given, **changes}, at=at, actor="会计")

    for match, changes in {
        "no such due": {"due": "x"},
        "more than is left to be invoiced": {"gross_fen": 10**12},
        "the tax printed does not follow": {"tax_fen": 1},
        "1 to 64 printable": {"number": " "},
        "no version of contract": {"contract": "nobody", "due": "", "gross_fen": 5},
        "give --amount": {"due": ""},
    }.items():
        with pytest.raises(InputError, match=match):
            add(**changes)
    made, added = add()
    assert added and made.gross == sum(x.gross for x in made.lines) == made.net + made.tax
    rates = {x.component: x.rate for x in made.lines}
    assert rates == {"line": Fraction(9, 100), "integration": Fraction(6, 100), "platform": Fraction(6, 100)}
    assert add() == (made, False)
    with pytest.raises(InputError, match="stands with other figures"):
        add(issued_on=date(2021, 2, 2))
    with pytest.raises(InputError, match="invoiced in full"):
        add(number="n2")
    with pytest.raises(InputError, match="earlier than the invoice"):
        credit(issued_on=date(2021, 1, 1))
    with pytest.raises(InputError, match="no such invoice"):
        credit(of="x")
    part, _ = credit(gross_fen=made.gross // 3)
    assert credit(gross_fen=made.gross // 3) == (part, False)
    with pytest.raises(InputError, match="beyond what is left"):
        credit(number="r2", gross_fen=made.gross - made.gross // 3 + 1)
    rest, _ = credit(number="r2")
    with pytest.raises(InputError, match="a credit invoice itself"):
        credit(number="r3", of="r2")
    with reading(store.engine) as connection:
        found = invoices.listed(connection, CONTRACT)
    assert [(sum(x.gross for x in found)), sum(x.net for x in found), sum(x.tax for x in found)] == [0, 0, 0]
    assert rest.reverses == part.reverses == "n1"


def test_an_imported_year_extends_the_calendar_and_is_audited(store):
    writer = store.writer()
    days = [(1, 1), (2, 5), (2, 6), (2, 7), (2, 8), (5, 1), (10, 1), (10, 2), (10, 3)]
    rows = [DayNote(date(2027, *day), False, "国办发明电", n) for n, day in enumerate(days, 2)]
    with writer.transaction() as connection:
        assert workdays.import_table(
            connection, writer.audit, "t.csv", rows, at=instant(date(2026, 12, 1)), actor="x"
        ) == (9, 0)
        assert workdays.import_table(
            connection, writer.audit, "t.csv", rows, at=instant(date(2026, 12, 1)), actor="x"
        ) == (0, 0)
        worked = [DayNote(date(2027, 2, 7), True, "更正", 2)]
        assert workdays.import_table(
            connection, writer.audit, "t.csv", worked, at=instant(date(2026, 12, 2)), actor="x"
        ) == (0, 1)
        calendar = workdays.calendar(connection)
    assert calendar.after(date(2026, 12, 31), 1) == date(2027, 1, 4)  # 1 January is free, 2 and 3 are a weekend
    assert calendar.working(date(2027, 2, 7))
    assert len(store.rows("SELECT * FROM audit WHERE action = 'workdays.import'")) == 2


def test_budget_revisions(store):
    writer = store.writer()
    budget = BudgetYear("P", 2020, 4_000_000_000, 4_000_000_000, 3_000_000_000, "n")
    with writer.transaction() as connection:
        for figures in (budget, budget, replace(budget, in_place_fen=4_000_000_000)):
            stored = budgets.save(connection, writer.audit, figures, at=instant(date(2020, 1, 1)), actor="x")
        assert (stored.revision, budgets.newest(connection, "P", 2020)) == (1, stored)
        assert budgets.listed(connection) == [stored]
        with pytest.raises(InputError, match="negative"):
            budgets.save(
                connection, writer.audit, replace(budget, initial_fen=-1), at=instant(date(2020, 1, 1)), actor="x"
            )
    assert len(store.rows("SELECT * FROM audit WHERE action = 'budget.set'")) == 2
