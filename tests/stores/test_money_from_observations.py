"""Eight quarters from observations to money, through the quarter's own flow: a prepayment statement, disputes, a late
exclusion, relocations, late payments with interest, a credit invoice, and the last quarter's refund in cash."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from console.money.books import beancount_export
from console.quarters.accruing import running_quarter
from console.quarters.disputing import Ruling, decide, dispute
from console.quarters.quarter import Order, draft
from console.quarters.statement_life import Action, issue, link, reconcile, take
from monitor.finding import InputError
from monitor.model import Event, Instant
from monitor.origin import Origin
from monitor.store import events
from monitor.store.database import reading
from monitor.store.writer import Writer
from settlement.budget import BudgetYear
from settlement.contract import Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.ledger import Role, balances
from settlement.life import State
from settlement.quarter import life
from settlement.store import budgets, contracts, interest, invoices, journal, movements, payments, statements, workdays
from settlement.store import payment_checks as checks
from tests.stores.quarters import CONTRACT, POINTS, contract, excluded, instant, observe, sha, terms, year

BEAN_CHECK = Path(sys.executable).parent / "bean-check"
LABELS = ("2020Q3", "2020Q4", "2021Q1", "2021Q2", "2021Q3", "2021Q4", "2022Q1", "2022Q2")
RELOCATIONS = ("2020-08-01", "2020-08-02", "2020-12-30", "2021-01-05", "2021-01-06")


def noon(day: date) -> Instant:
    return instant(f"{day}T12:00:00")


class Office:
    """One contract's offices: the day is that of each quarter's issue, and people stay apart."""

    def __init__(self, store: Any) -> None:
        facts = {"contract": CONTRACT, "phase": "p", "accepted_on": "2020-07-01", "billed_from": "2020-07-01"}
        store.add_points(*POINTS, **facts)
        self.writer: Writer = store.writer()
        year(self.writer)
        second = []
        for point in POINTS:  # the second year: A-3 is down for half of the last quarter
            second.append((point, "2021-07-01T00:11:00", "2022-05-01T00:00:00", "ok"))
            reason = "timeout" if point in {"A-3", "A-4"} else "ok"
            second.append((point, "2022-05-01T00:01:00", "2022-06-15T00:00:00", reason))
            second.append((point, "2022-06-15T00:01:00", "2022-07-01T00:10:00", "ok"))
        observe(self.writer, *second, name="second")
        found = terms(
            relocation={"free_per_year": 2, "price": "1500.00"},
            payment={
                "due_days": 5,
                "days": "workday",
                "counted_from": "quarter-start",
                "interest_per_day": "0.0005",
                "interest_cap": "0.05",
            },
        )
        [phase] = found.phases
        whole = phase.model_copy(update={"months": 24})
        contract(self.writer, found.model_copy(update={"phases": (whole,)}))
        self._events()
        self.vouchers = 0
        with self.writer.transaction() as connection:
            for y in (2020, 2021, 2022):
                held = BudgetYear("P", y, 2_000_000, 2_000_000, 2_000_000, contracts=(CONTRACT,))
                budgets.save(connection, self.writer.audit, held, at=noon(date(2020, 7, 1)), actor="预算")

    def _events(self) -> None:
        rows = [Event("relocation", "A-1", noon(date.fromisoformat(day)), None, "变更单") for day in RELOCATIONS]
        with self.writer.transaction() as connection:
            origin = Origin("moves.csv", sha("moves"))
            events.add(connection, self.writer.audit, rows, actor="台账", at=noon(date(2021, 2, 1)), origin=origin)

    def act(self, quarter: Quarter, actor: str, reason: str = "") -> Action:
        day = quarter.end + timedelta(days=14)
        return Action(CONTRACT, quarter.label, actor, noon(day), day, reason)

    def close(self, label: str, claim: int = 0) -> tuple[Any, int]:
        """Draft, reconcile, confirm or contest the deduction, approve, issue, request; return the document."""
        quarter = parse_quarter(label)
        act = self.act(quarter, "经办")
        draft(self.writer, Order(CONTRACT, quarter), today=act.today, at=act.at, actor="经办")
        reconcile(self.writer, act)
        number = 0
        if claim:
            number, _ = dispute(self.writer, self.act(quarter, "供应商", "停电"), 3, "", claim)
        else:
            take(self.writer, self.act(quarter, "供应商"), "confirm")
        link(self.writer, self.act(quarter, "复核"), ("check",))
        link(self.writer, self.act(quarter, "审批"), ("approve",))
        stored = issue(self.writer, act).stored
        take(self.writer, act, "request-payment")
        return stored.document, number

    def open(self) -> dict[str, int]:
        with reading(self.writer.engine) as connection:
            return {due.id: left for due, left in movements.open_dues(connection, CONTRACT) if left}

    def pay_all(self, first: date, last: date | None = None, year: int | None = None) -> None:
        for due, left in self.open().items():
            self.vouchers += 1
            order = checks.Order(
                CONTRACT, due, abs(left), first, last or first, f"v{self.vouchers}", project="P", budget_year=year
            )
            with self.writer.transaction() as connection:
                payments.record(connection, self.writer.audit, order, at=noon(order.last), actor="出纳")


def gross(document: Any, kind: str) -> list[str]:
    rows = [row for phase in document["phases"] for row in phase["lines"]] + document["adjustments"]
    return [row["gross"] for row in rows if row["kind"] == kind]


@pytest.fixture
def office(store) -> Office:
    return Office(store)


def test_eight_quarters_from_observations_to_the_last_refund(store, office, tmp_path):
    office.close("2020Q2")  # the prepayment statement
    office.pay_all(date(2020, 7, 20))
    _, disputed = office.close("2020Q3", claim=5_000)
    office.pay_all(date(2020, 12, 21), date(2020, 12, 25))  # late, known as a range
    decide(office.writer, office.act(parse_quarter("2020Q3"), "复核", "部分成立"), Ruling(disputed, "partly", 3_000))
    excluded(office.writer, "A-1", "2020-08-03T00:00:00", "2020-08-13T00:00:00", noon(date(2020, 12, 28)))

    fourth, _ = office.close("2020Q4")
    # Due on 14 October 2020: of 1–13 October only the 9th, 10th (a Saturday that is worked), 12th and 13th are worked.
    late = [row for row in fourth["adjustments"] if row["kind"] == "interest"]
    assert {row["parent"] for row in late} == {"2020Q3/0/4", "2020Q3/0/5"}
    assert all("68–72 天" in row["why"] for row in late)
    corrections = {row["parent"]: row["gross"] for row in fourth["adjustments"] if row["kind"] == "adjustment"}
    moved = [row for row in fourth["adjustments"] if "点位迁移" in row["why"]]
    assert set(corrections) >= {"2020Q3/0/2", "2020Q3/0/3"}
    assert corrections["2020Q3/0/3"] == "30.00"
    assert [row["gross"] for row in moved] == ["1500.00"]  # the third move of 2020; two are free
    office.pay_all(date(2021, 1, 15))
    with reading(office.writer.engine) as connection:
        due = max((due for due, _ in movements.open_dues(connection, CONTRACT)), key=lambda due: due.fen)
    with office.writer.transaction() as connection:
        day, at = date(2021, 1, 16), noon(date(2021, 1, 16))
        common = {"at": at, "actor": "会计", "document_sha": ""}
        invoices.add(
            connection, office.writer.audit, number="1", contract=CONTRACT, due=due.id, gross_fen=None, tax_fen=None,
            issued_on=day, **common,
        )  # fmt: skip
        invoices.credit(connection, office.writer.audit, number="2", of="1", gross_fen=100, issued_on=day, **common)

    for label in LABELS[2:-1]:
        document, _ = office.close(label)
        assert not any("点位迁移" in row["why"] for row in document["adjustments"])  # nothing is charged twice
        office.pay_all(parse_quarter(label).end + timedelta(days=15))
    last, _ = office.close(LABELS[-1])
    assert gross(last, "next_prepayment") == []
    assert [amount for amount in office.open().values() if amount > 0] == []
    office.pay_all(date(2022, 7, 20), year=2022)

    assert office.open() == {}
    with reading(store.engine) as connection:
        held = journal.balances(connection)
        assert balances(journal.entries(connection)) == held
        states = {stored.quarter: life(connection, stored).state for stored in statements.newest(connection)}
        kinds = {movement.kind for movement in movements.movements(connection)}
        text = beancount_export(connection)
    assert set(states.values()) == {State.PAID}
    assert len(states) == 9
    assert kinds == {"payment", "refund", "set-off"}
    clear = {Role.PAYABLE, Role.PREPAID, Role.REFUND_DUE}
    assert all(amount == 0 for account, amount in held.items() if account.role in clear)
    assert {account.role for account in held} >= clear | {
        Role.FEE,
        Role.DEDUCTION,
        Role.ADJUSTMENT,
        Role.INTEREST,
        Role.TAX,
    }
    file = tmp_path / "ledger.beancount"
    file.write_text(text)
    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_running_quarter_to_date(office):
    with reading(office.writer.engine) as connection:
        rows, _ = running_quarter(connection, {CONTRACT}, date(2020, 9, 1))
        [row] = rows
        # 62 of 92 days: July and August whole, 800.00; A-1 was down for 25.5 of 4 × 62 point-days.
        assert (row.full_fen, row.quarter) == (80_000, "2020Q3")
        assert row.payable_fen == round(80_000 * (1 - 25.5 / 248))
        assert running_quarter(connection, set(), date(2020, 9, 1))[0] == []
        assert running_quarter(connection, None, date(2020, 7, 1))[0] == []


def test_a_late_correction_of_relocations_is_charged_once(office):
    office.close("2020Q2")
    office.pay_all(date(2020, 7, 20))
    first, _ = office.close("2020Q3")
    assert not any("点位迁移" in row["why"] for row in first["adjustments"])
    late = Event("relocation", "A-2", noon(date(2020, 7, 5)), None, "补登")
    with office.writer.transaction() as connection:
        events.add(
            connection,
            office.writer.audit,
            [late],
            actor="台账",
            at=noon(date(2020, 11, 1)),
            origin=Origin("l.csv", sha("l")),
        )
    fourth, _ = office.close("2020Q4")
    rows = [row for row in fourth["adjustments"] if "点位迁移" in row["why"]]
    assert [row["gross"] for row in rows] == [
        "1500.00",
        "1500.00",
    ]  # of four moves the third, in August, and the fourth
    assert [label in row["why"] for row, label in zip(rows, ("2020Q3", "2020Q4"), strict=True)] == [True, True]


@pytest.mark.parametrize("begins", [True, False])
def test_a_relocation_clause_reaches_back_to_no_quarter_before_it(office, begins):
    """A clause that begins, or ends, on 1 January 2021."""
    with reading(office.writer.engine) as connection:
        known = contracts.versions(connection, CONTRACT)[-1].terms.document()
    without = Terms.model_validate(known | {"relocation": None})
    dear = Terms.model_validate(known | {"relocation": {"free_per_year": 0, "price": "1000.00"}})
    for found, day in (
        ((without, date(2020, 7, 1)), (dear, date(2021, 1, 1))) if begins else ((without, date(2021, 1, 1)),)
    ):
        contract(office.writer, found, day)
    charged = []
    for label in ("2020Q2", "2020Q3", "2020Q4", "2021Q1"):
        document, _ = office.close(label)
        charged += [(label, row["gross"]) for row in document["adjustments"] if "点位迁移" in row["why"]]
        office.pay_all(parse_quarter(label).end + timedelta(days=15))
    # Three moves in 2020, of them one in December; two in January 2021.
    assert charged == ([("2021Q1", "2000.00")] if begins else [("2020Q4", "1500.00")])


def test_a_statement_with_interest_that_no_longer_holds_is_not_issued(office):
    office.close("2020Q2")
    office.pay_all(date(2020, 8, 20))
    quarter = parse_quarter("2020Q3")
    act = office.act(quarter, "经办")
    order = Order(CONTRACT, quarter)
    drafted = draft(office.writer, order, today=act.today, at=act.at, actor="经办").stored
    assert [row["parent"] for row in drafted.document["adjustments"] if row["kind"] == "interest"] == ["2020Q2/0/1"]
    reconcile(office.writer, act)
    take(office.writer, office.act(quarter, "供应商"), "confirm")
    link(office.writer, office.act(quarter, "复核"), ("check",))
    link(office.writer, office.act(quarter, "审批"), ("approve",))
    with office.writer.transaction() as connection:
        [row] = [row for row in movements.rows(connection, CONTRACT) if row.movement.due == "2020Q2/0/1"]
        payments.reverse(connection, office.writer.audit, row.id, act.today, "退票", at=act.at, actor="出纳")
    with pytest.raises(InputError, match="the statement's interest is not that"):
        issue(office.writer, act)
    take(office.writer, office.act(quarter, "复核", "退票"), "return")
    with pytest.raises(InputError, match="made from other inputs"):
        draft(office.writer, order, today=act.today, at=act.at, actor="经办")
    again = draft(
        office.writer, Order(CONTRACT, quarter, redraft=True), today=act.today, at=act.at, actor="经办"
    ).stored
    assert [row for row in again.document["adjustments"] if row["kind"] == "interest"] == []


def test_nobody_knows_the_working_days_of_a_far_year(office):
    office.close("2020Q2")
    office.pay_all(date(2020, 7, 20))
    with reading(office.writer.engine) as connection:
        known = workdays.calendar(connection)
        blind = type(known)(frozenset({2019}), {})
        found, findings = interest.states(connection, CONTRACT, blind, date(2020, 8, 1))
        assert [finding.column for finding in findings] == [state.due.id for state in found]
        assert all(state.lateness.late is None for state in found)
        [version] = contracts.versions(connection, CONTRACT)
        with pytest.raises(InputError, match="working days of 2020 are not known"):
            interest.interest_lines(connection, version.terms, blind, date(2020, 8, 1))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_failure_at_any_statement_of_a_payment_leaves_nothing(store, office):
    """Whatever statement the database refuses, the payment is stored wholly or not at all."""
    office.close("2020Q2")
    due, left = next(iter(office.open().items()))
    order = checks.Order(CONTRACT, due, left, date(2020, 7, 20), date(2020, 7, 20), "v", project="P")
    tables = ("payments", "journal", "postings", "statement_steps", "audit")

    def stored() -> list[Any]:
        return [store.rows(f"SELECT * FROM {name}") for name in tables]

    before, count, limit = stored(), 0, 0

    def counting(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal count
        if statement.startswith("INSERT"):
            count += 1
            if count > limit:
                raise RuntimeError("the disk is gone")

    event.listen(office.writer.engine, "before_cursor_execute", counting)
    try:
        for refused_from in range(20):
            count, limit = 0, refused_from
            try:
                with office.writer.transaction() as connection:
                    payments.record(connection, office.writer.audit, order, at=noon(order.last), actor="出纳")
                break
            except RuntimeError:
                assert stored() == before
    finally:
        event.remove(office.writer.engine, "before_cursor_execute", counting)
    assert limit == 6  # payment, entry, postings, audit; the step `pay` and its audit
    assert stored() != before
