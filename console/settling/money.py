"""The money of a statement: what it owes and when, what its contract pays in instalments, its entries in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from console.settling.heads import Head
from monitor.finding import InputError
from settlement.calendar import Calendar
from settlement.contract import Terms
from settlement.dues import Due, due_on, instalment_dues
from settlement.ledger import Entry
from settlement.store import disputes, journal, workdays
from settlement.store import dues as due_store


@dataclass(frozen=True, slots=True)
class Owed:
    """A due and its day; None where it waits for an invoice, or nobody knows that year's working days."""

    due: Due
    on: date | None


@dataclass(frozen=True, slots=True)
class Money:
    """A statement's dues and entries; `granted` are the disputes that its adjustment lines bring, by line."""

    owed: tuple[Owed, ...]
    instalments: tuple[Owed, ...]
    entries: tuple[Entry, ...]
    granted: dict[int, int]


def money_of(connection: Connection, head: Head, terms: Terms) -> Money:
    """Return the money of a statement; no dues and entries before it is issued."""
    calendar = workdays.calendar(connection)
    plan = instalment_dues(head.contract, terms.instalments) if terms.instalments is not None else []
    entries = [entry for entry in journal.entries(connection, head.contract) if entry.statement == head.place]
    return Money(
        tuple(Owed(due, _day(due, calendar)) for due in due_store.of_statement(connection, head.id)),
        tuple(Owed(due, _day(due, calendar)) for due in plan),
        tuple(entries),
        disputes.granted_numbers(connection, head.id),
    )


def _day(due: Due, calendar: Calendar) -> date | None:
    try:
        return due_on(due, calendar)
    except InputError:
        return None
