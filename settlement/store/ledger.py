"""What an issued statement does to the books: entries, dues and set-offs, in the transaction of its issue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from monitor.finding import refuse
from monitor.model import Instant
from settlement.contract import Terms
from settlement.dues import Due, statement_dues
from settlement.ledger import Entry, Posting, Role, Sums, issue_entries, place_of, settles_late, unprepaid
from settlement.money import net_tax
from settlement.payments import Movement, set_offs
from settlement.store import dues, journal, movements
from settlement.store.money_tables import dues as dues_table
from settlement.store.tables import statement_lines

PAID_BEFORE = "期初 before"
"""The voucher of a prepayment that was paid before these books began."""


def post_issue(
    connection: Connection, *, statement_id: int, document: Mapping[str, Any], day: date, at: Instant, actor: str
) -> list[int]:
    """Post an issued statement in the caller's transaction: its entries, its dues, the set-off of its refunds.

    `document` is the statement's document, `day` the day of issue in the contract's zone. Due dates follow the contract
    version that the statement was made under. Posting the same issue again adds nothing. Returns the entries' rows.
    InputError where an earlier statement issued another prepayment than this one reckons with.
    """
    contract, place = document["contract"]["id"], place_of(document)
    if standing := journal.entries_of_statement(connection, statement_id):
        return standing
    prepaid = journal.prepaid_for(connection, contract, document["quarter"])
    for entry in issue_entries(document, day, prepaid, _waiting(connection, document)):
        journal.post(connection, entry, at=at, actor=actor, statement_id=statement_id)
    clause = movements.payment_clause(connection, statement_id)
    owed = statement_dues(document, clause, day, unprepaid(document, prepaid))
    dues.add(connection, owed, at=at, actor=actor, statement_id=statement_id)
    for due in owed:
        if due.kind == "prepayment":
            _paid_before(connection, due, at=at, actor=actor, statement_id=statement_id)
    set_off(connection, contract, place, day, at=at, actor=actor, statement_id=statement_id)
    return journal.entries_of_statement(connection, statement_id)


def _paid_before(connection: Connection, due: Due, *, at: Instant, actor: str, statement_id: int) -> None:
    """Settle a prepayment that was paid before these books began: a statement reckons with it, but none here issued it.

    It counts towards what the contract was paid in all. Whoever finds that it was not paid takes the payment back.
    """
    day = due.service_from
    movement = Movement(due.id, due.contract, "payment", due.fen, day, day, PAID_BEFORE, budget_year=day.year)
    key = f"opening/{due.contract}/{due.id}"
    movements.insert_movement(connection, movement, due, key, at=at, actor=actor)
    parts = (
        Posting(Role.PAYABLE, due.phase, due.fen, due.period),
        Posting(Role.BANK, due.phase, -due.fen, due.period),
    )
    why = f"期初已预付 prepaid before these books {due.id}"
    journal.post(
        connection,
        Entry(due.contract, key, day, why, parts, statement=due.statement),
        at=at,
        actor=actor,
        statement_id=statement_id,
    )


def _waiting(connection: Connection, document: Mapping[str, Any]) -> dict[tuple[str, str], Sums]:
    """Return the prepayments that still stand for quarters which this statement's adjustments settle at last."""
    contract = document["contract"]["id"]
    found: dict[tuple[str, str], Sums] = {}
    for row in document["adjustments"]:
        quarter = settles_late(row)
        if quarter and journal.prepaid_for(connection, contract, quarter).get(row["phase"]):
            found[row["phase"], quarter] = _prepaid_columns(connection, contract, row["phase"], quarter)
    return found


def _prepaid_columns(connection: Connection, contract: str, phase: str, quarter: str) -> Sums:
    owed, line = dues_table.c, statement_lines.c
    query = (
        select(func.sum(line.gross), func.sum(line.net), func.sum(line.tax))
        .join(dues_table, (owed.statement_id == line.statement_id) & (owed.line == line.n))
        .where(owed.contract == contract, owed.phase == phase, owed.period == quarter)
        .where(owed.kind.in_(("prepayment", "next_prepayment")))
    )
    return Sums(*(int(column or 0) for column in connection.execute(query).one()))


def set_off(
    connection: Connection, contract: str, place: str, day: date, *, at: Instant, actor: str, statement_id: int
) -> int:
    """Use up refunds against what is owed, when a statement is issued; return how many pairs were made.

    The statement's own refunds go against its own lines first, contested or not: its total is what the purchaser owes at
    once. Then refunds of any statement, without what is contested, go against whatever is open.
    """
    done = 0
    for own in (True, False):
        found = movements.open_dues(connection, contract)
        if own:
            chosen = [(due, left) for due, left in found if due.statement == place]
        else:
            held = movements.contested(connection, contract)
            chosen = [(due, left + held.get(due.id, 0)) for due, left in found]
        by_id = {due.id: due for due, _ in chosen}
        for pair in set_offs(chosen, place):
            done += 1
            key = f"set-off/{contract}/{place}/{done}"
            refund, against = by_id[pair.refund], by_id[pair.against]
            for due, fen, half in ((refund, -pair.fen, "refund"), (against, pair.fen, "against")):
                movements.insert_movement(
                    connection, _moved(due, "set-off", fen, day), due, f"{key}/{half}", at=at, actor=actor
                )
            entry = Entry(
                contract,
                key,
                day,
                f"多退抵扣 refund {refund.id} set off against {against.id}",
                (
                    Posting(Role.PAYABLE, against.phase, pair.fen, against.period),
                    Posting(Role.REFUND_DUE, refund.phase, -pair.fen, refund.period),
                ),
                statement=place,
            )
            journal.post(connection, entry, at=at, actor=actor, statement_id=statement_id)
    return done


def _moved(due: Due, kind: str, fen: int, day: date) -> Movement:
    return Movement(due.id, due.contract, kind, fen, day, day)


def post_instalments(connection: Connection, terms: Terms, day: date, *, at: Instant, actor: str) -> list[Due]:
    """Enter a contract's instalments as owed, in the caller's transaction: dues by payer, and the whole as payable.

    Again adds nothing. InputError if the contract has no such clause, or they stand under another.
    """
    clause = terms.instalments
    if clause is None:
        raise refuse(
            f"合同没有分期付款条款 {terms.contract} has no instalments", "camsla contract show", column="instalments"
        )
    owed = dues.ensure_instalments(connection, terms.contract, clause, at=at, actor=actor)
    key = f"instalments/{terms.contract}"
    if not any(entry.key == key for entry in journal.entries(connection, terms.contract)):
        net, tax = net_tax(clause.total_fen, terms.tax_rate)
        parts = (Posting(Role.FEE, "", net), Posting(Role.TAX, "", tax), Posting(Role.PAYABLE, "", -clause.total_fen))
        why = f"分期付款 {clause.count} 期 instalments"
        entry = Entry(terms.contract, key, day, why, tuple(part for part in parts if part.fen))
        journal.post(connection, entry, at=at, actor=actor)
    return owed
