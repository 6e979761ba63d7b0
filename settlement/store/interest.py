"""Late-payment interest as lines for the next statement: each late due is charged once, when its lateness is final.

Where a payment is taken back after that and the due is paid anew, the difference is charged, or given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from monitor.finding import Finding, InputError
from monitor.period import ZONE
from settlement.calendar import Calendar
from settlement.clauses import PaymentClause
from settlement.contract import Terms
from settlement.dues import Due, due_on, instalment_dues
from settlement.lines import Adjustment
from settlement.money import fen, grouped, taxed
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
    charged_fen: int
    """What issued statements have charged of the interest."""


def states(connection: Connection, contract: str, calendar: Calendar, on: date) -> tuple[list[DueState], list[Finding]]:
    """Return the dues that a contract had by a day, as they stood then, oldest first; instalments ahead as well.

    A payment counts from its last possible day until it was taken back; once it is, it counts as never made.
    Findings (warnings) name dues whose due date cannot be told, because nobody knows the working days of that year.
    """
    terms = newest_terms(connection, contract)
    moved = movements(connection, contract, on)
    held = contested(connection, contract, on, ZONE if terms is None else terms.zone)
    invoiced = {due: day for due, day in invoices.invoiced_on(connection, contract).items() if day <= on}
    charged = _charged(connection, contract, on)
    found: list[DueState] = []
    findings: list[Finding] = []
    owed = dues.of_contract(connection, contract)
    for due in owed + _instalments_ahead(contract, terms, {due.kind for due in owed}):
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
        found.append(DueState(due, left, held.get(due.id, 0), state, cost, charged.get(due.id, 0)))
    return found, findings


def _instalments_ahead(contract: str, terms: Terms | None, kinds: set[str]) -> list[Due]:
    """Return the instalments of a contract of which none was entered yet: they are entered with the first payment."""
    if terms is None or terms.instalments is None or "instalment" in kinds:
        return []
    return instalment_dues(contract, terms.instalments)


def known_contracts(connection: Connection) -> list[str]:
    """Return the contracts of which something is or will be owed: those with dues, and those with instalments."""
    named = {version.contract for version in contracts.versions(connection) if version.terms.instalments is not None}
    return sorted(named | set(dues.contracts_with_dues(connection)))


def interest_lines(connection: Connection, terms: Terms, calendar: Calendar, on: date) -> list[Adjustment]:
    """Return the interest that the next statement should charge, a line per due, linked to the late line.

    Only what is settled in full is charged, less what issued statements have charged of it; where that was too much, the
    line is negative. Where the day of payment is a range, the earliest day counts: what is beyond doubt. Like the fee,
    interest includes tax (价外费用). InputError where the contract has interest and nobody knows the working days that a due
    date needs.
    """
    found, unknown = states(connection, terms.contract, calendar, on)
    if unknown and terms.payment.interest_per_day:
        raise InputError([replace(finding, level="error") for finding in unknown])
    lines = []
    for state in found:
        due = state.due
        more = state.interest.low_fen - state.charged_fen
        if not more or not state.lateness.settled or not due.statement:
            continue
        why = f"逾期付款利息 interest {due.id}：{state.interest.why or '未逾期 not late'}"
        if state.charged_fen:
            why += f"，已计 charged before {grouped(state.charged_fen)}"
        lines.append(Adjustment(due.phase, "interest", taxed(more, terms.tax_rate, ()), why, due.id))
    return lines


def stale_interest(
    connection: Connection, terms: Terms, document: Mapping[str, Any], calendar: Calendar, on: date
) -> list[Finding]:
    """Return a finding for each interest line of a statement not yet issued that the payments no longer bear out.

    A payment may have been taken back, or recorded anew, since the statement was drafted.
    """
    charging = {row["parent"]: fen(row["gross"]) for row in document["adjustments"] if row["kind"] == "interest"}
    if not charging:
        return []
    due = {line.parent: line.amount.line.gross_fen for line in interest_lines(connection, terms, calendar, on)}
    place = f"{document['contract']['id']} {document['quarter']}"
    remedy = f"退回并重新起草 return it and draft it anew: camsla statement return {place} --reason …"
    return [
        Finding(
            "",
            0,
            parent,
            f"草稿计利息 {grouped(amount)}，按现有支付为 {grouped(due.get(parent, 0))} the statement's interest is not that "
            "of the payments as they stand",
            remedy,
        )
        for parent, amount in charging.items()
        if due.get(parent, 0) != amount
    ]


def _charged(connection: Connection, contract: str, on: date) -> dict[str, int]:
    """Return what issued statements have charged by a day, by the late due, in fen."""
    query = (
        select(statement_lines.c.parent, func.sum(dues_table.c.fen).label("fen"))
        .join(
            dues_table,
            (dues_table.c.statement_id == statement_lines.c.statement_id) & (dues_table.c.line == statement_lines.c.n),
        )
        .where(
            dues_table.c.contract == contract,
            dues_table.c.kind == "interest",
            dues_table.c.entered_on <= on.isoformat(),
        )
        .group_by(statement_lines.c.parent)
    )
    return {row.parent: int(row.fen) for row in connection.execute(query)}


def _clause(connection: Connection, due: Due) -> PaymentClause:
    number = dues.statement_of(connection, due)
    return PaymentClause() if number is None else payment_clause(connection, number)
