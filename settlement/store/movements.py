"""Movements in the store: money against dues, and set-offs; what they leave open of each due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, Row, insert, select

from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import ZONE, midnight
from settlement.clauses import PaymentClause
from settlement.dues import Due, held_back
from settlement.money import grouped
from settlement.payments import Movement, outstanding
from settlement.store import contracts, disputes, dues
from settlement.store.money_tables import payments
from settlement.store.tables import statements

_table = payments.c


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored movement with its number, and what it takes back or is taken back by (0: nothing)."""

    id: int
    movement: Movement
    reverses: int
    reversed_by: int
    service_from: date
    service_until: date
    document_sha: str
    recorded_at: Instant
    actor: str


def rows(connection: Connection, contract: str | None = None) -> list[Stored]:
    """Return all movements of a contract, or of all, in the order of recording."""
    query = select(payments).order_by(_table.id)
    if contract is not None:
        query = query.where(_table.contract == contract)
    found = connection.execute(query).all()
    by = {row.reverses: row.id for row in found if row.reverses is not None}
    return [stored_row(row, by.get(row.id, 0)) for row in found]


def movements(connection: Connection, contract: str | None = None, on: date | None = None) -> list[Movement]:
    """Return the movements that hold: without those taken back, and without the rows that took them back.

    With a day: those that held at its end. A movement counts from its last possible day, and until it was taken back.
    """
    found = rows(connection, contract)
    gone = {row.reverses for row in found if row.reverses and (on is None or row.movement.last <= on)}
    return [
        row.movement
        for row in found
        if not row.reverses and row.id not in gone and (on is None or row.movement.last <= on)
    ]


def open_dues(connection: Connection, contract: str, on: date | None = None) -> list[tuple[Due, int]]:
    """Return a contract's dues with what is open of each (the due's sign, 0 where it is settled), oldest first.

    With a day: what was open at its end.
    """
    moved = movements(connection, contract, on)
    return [(due, outstanding(due, moved)) for due in dues.of_contract(connection, contract)]


def contested(connection: Connection, contract: str, on: date | None = None, zone: str = ZONE) -> dict[str, int]:
    """Return by due what of a refund is contested and not yet decided, in positive fen; with a day, at its end."""
    end = None if on is None else midnight(on + timedelta(days=1), zone) * MICROSECONDS
    claims: dict[str, int] = {}
    for dispute in disputes.of_contract(connection, contract):
        decided = dispute.decided_at is not None and (end is None or dispute.decided_at < end)
        if not decided and (end is None or dispute.at < end):
            place = f"{dispute.quarter}/{dispute.revision}"
            claims[place] = claims.get(place, 0) + dispute.contested_fen
    found = open_dues(connection, contract, on) if claims else []
    held: dict[str, int] = {}
    for place, amount in claims.items():
        held |= held_back([(due, left) for due, left in found if due.statement == place], amount)
    return held


def spread(connection: Connection, contract: str, quarter: str, amount_fen: int, voucher: str) -> list[tuple[str, int]]:
    """Spread one payment over a quarter's open lines in their order, as (due, fen).

    A voucher that was spread over the quarter before, with the same sum, gives the same parts again. InputError if it is
    more than all of them, or the voucher stands with another sum.
    """
    known = [
        row.movement
        for row in rows(connection, contract)
        if row.movement.voucher == voucher.strip()
        and row.movement.due.startswith(f"{quarter}/")
        and not row.reverses
        and not row.reversed_by
    ]
    if known and sum(movement.fen for movement in known) == amount_fen:
        return [(movement.due, movement.fen) for movement in known]
    found = [(due, left) for due, left in open_dues(connection, contract) if due.statement.startswith(f"{quarter}/")]
    owed = [(due, left) for due, left in found if left > 0]
    total = sum(left for _, left in owed)
    if not owed or amount_fen > total:
        message = (
            f"{contract} {quarter} 尚余应付 {grouped(total)}，登记 {grouped(amount_fen)} "
            "the amount is larger than what is open"
        )
        raise refuse(message, f"camsla payment due {contract}", column="amount")
    parts = []
    for due, left in owed:
        part = min(left, amount_fen)
        if part:
            parts.append((due.id, part))
            amount_fen -= part
    return parts


def payment_clause(connection: Connection, statement_id: int) -> PaymentClause:
    """Return the payment clause of the contract version that a statement was made under, the default without one."""
    row = connection.execute(
        select(statements.c.contract, statements.c.contract_version).where(statements.c.id == statement_id)
    ).one()
    version = contracts.one(connection, row.contract, row.contract_version)
    return PaymentClause() if version is None else version.terms.payment


def insert_movement(
    connection: Connection,
    movement: Movement,
    due: Due | None,
    key: str,
    *,
    at: Instant,
    actor: str,
    span: tuple[date, date] | None = None,
    document_sha: str = "",
    reverses: int | None = None,
) -> int:
    """Add a movement's row in the caller's transaction and return its number. The caller has checked it, and posts it."""
    if span is None:
        span = (due.service_from, due.service_until) if due else (movement.first, movement.last)
    return int(
        connection.execute(
            insert(payments)
            .values(
                contract=movement.contract,
                kind=movement.kind,
                due=movement.due,
                statement_id=None if due is None else dues.statement_of(connection, due),
                line=due.line or None if due else None,
                fen=movement.fen,
                payer=movement.payer,
                paid_first=movement.first.isoformat(),
                paid_last=movement.last.isoformat(),
                voucher=movement.voucher,
                document_sha=document_sha or None,
                project=movement.project,
                budget_year=movement.budget_year,
                service_from=span[0].isoformat(),
                service_until=span[1].isoformat(),
                reverses=reverses,
                key=key,
                recorded_at=at,
                actor=actor,
            )
            .returning(_table.id)
        ).scalar_one()
    )


def stored_row(row: Row[tuple[object, ...]], reversed_by: int) -> Stored:
    """Read a row of the table."""
    movement = Movement(
        row.due,
        row.contract,
        row.kind,
        row.fen,
        date.fromisoformat(row.paid_first),
        date.fromisoformat(row.paid_last),
        row.voucher,
        row.payer,
        row.project,
        row.budget_year,
    )
    return Stored(
        row.id,
        movement,
        row.reverses or 0,
        reversed_by,
        date.fromisoformat(row.service_from),
        date.fromisoformat(row.service_until),
        row.document_sha or "",
        Instant(row.recorded_at),
        row.actor,
    )
