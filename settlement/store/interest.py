"""Late-payment interest as lines for the next statement: each late due is charged once, when its lateness is final."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, select

from monitor.finding import Finding, InputError
from settlement.calendar import Calendar
from settlement.clauses import PaymentClause
from settlement.contract import Terms
from settlement.dues import Due, due_on, instalment_dues
from settlement.lines import Adjustment
from settlement.money import taxed
from settlement.payments import Interest, Lateness, interest, lateness, outstanding
from settlement.store import contracts, dues, invoices
from settlement.store.money_tables import dues as dues_table
from settlement.store.movements import contested, movements, payment_clause
from settlement.store.payment_checks import newest_terms
from settlement.store.tables import statement_lines


@dataclass(frozen=True, slots=True)
class DueState:
    """A due with where it stands on a day: open, contested of it, when due, how late, and the interest so far."""

    due: Due
    open_fen: int
    contested_fen: int
    lateness: Lateness
    interest: Interest
    charged: bool
    """Whether an issued statement has charged the interest."""


def states(connection: Connection, contract: str, calendar: Calendar, on: date) -> tuple[list[DueState], list[Finding]]:
    """Return the dues that a contract had by a day, as they stood then, oldest first; instalments ahead as well.

    A payment counts from its last possible day; one that was taken back later counts as never made.
    Findings (warnings) name dues whose due date cannot be told, because nobody knows the working days of that year.
    """
    moved = [movement for movement in movements(connection, contract) if movement.last <= on]
    held = contested(connection, contract)
    invoiced = invoices.invoiced_on(connection, contract)
    charged = _charged(connection, contract)
    found: list[DueState] = []
    findings: list[Finding] = []
    owed = dues.of_contract(connection, contract)
    for due in owed + _instalments_ahead(connection, contract, {due.kind for due in owed}):
        if due.entered > on and due.kind != "instalment":
            continue
        left = outstanding(due, moved)
        day = None
        try:
            day = due_on(due, calendar, invoiced.get(due.id))
        except InputError as error:
            findings += [Finding("", 0, due.id, each.message, each.remedy, "warning") for each in error.findings]
        clause = _clause(connection, due)
        cost = Interest(0, 0, "")
        if day is not None and clause.interest_per_day:
            cost = interest(due, day, moved, on, clause.interest_per_day, clause.interest_cap)
        state = lateness(due, day, moved, on)
        found.append(DueState(due, left, held.get(due.id, 0), state, cost, due.id in charged))
    return found, findings


def _instalments_ahead(connection: Connection, contract: str, kinds: set[str]) -> list[Due]:
    """Return the instalments of a contract of which none was entered yet: they are entered with the first payment."""
    terms = newest_terms(connection, contract)
    if terms is None or terms.instalments is None or "instalment" in kinds:
        return []
    return instalment_dues(contract, terms.instalments)


def known_contracts(connection: Connection) -> list[str]:
    """Return the contracts of which something is or will be owed: those with dues, and those with instalments."""
    named = {version.contract for version in contracts.versions(connection) if version.terms.instalments is not None}
    return sorted(named | set(dues.contracts_with_dues(connection)))


def interest_lines(connection: Connection, terms: Terms, calendar: Calendar, on: date) -> list[Adjustment]:
    """Return the interest that the next statement should charge, a line per due, linked to the late line.

    Only what is settled in full is charged, and only once. Where the day of payment is a range, the earliest day counts:
    what is beyond doubt. Like the fee, interest includes tax (价外费用). InputError where the contract has interest and nobody
    knows the working days that a due date needs.
    """
    found, unknown = states(connection, terms.contract, calendar, on)
    if unknown and terms.payment.interest_per_day:
        raise InputError([replace(finding, level="error") for finding in unknown])
    lines = []
    for state in found:
        due = state.due
        if state.charged or not state.lateness.settled or state.interest.low_fen == 0 or not due.statement:
            continue
        amount = taxed(state.interest.low_fen, terms.tax_rate, ())
        why = f"逾期付款利息 interest {due.id}：{state.interest.why}"
        lines.append(Adjustment(due.phase, "interest", amount, why, due.id))
    return lines


def _charged(connection: Connection, contract: str) -> set[str]:
    query = (
        select(statement_lines.c.parent)
        .join(
            dues_table,
            (dues_table.c.statement_id == statement_lines.c.statement_id) & (dues_table.c.line == statement_lines.c.n),
        )
        .where(dues_table.c.contract == contract, dues_table.c.kind == "interest")
    )
    return set(connection.scalars(query))


def _clause(connection: Connection, due: Due) -> PaymentClause:
    number = dues.statement_of(connection, due)
    return PaymentClause() if number is None else payment_clause(connection, number)
