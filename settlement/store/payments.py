"""Payments and refunds in the store: each moves one due, posts one entry, and is never changed.

A payment that proves wrong is taken back by a further row; the due is open again and every balance as before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, Row, select

from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from settlement.dues import Due
from settlement.ledger import Entry, Posting, Role, reversal
from settlement.life import State
from settlement.money import grouped
from settlement.payments import Movement
from settlement.store import contracts, dues, journal, ledger, statements
from settlement.store.audit import AuditSink
from settlement.store.money_tables import payments
from settlement.store.movements import insert_movement, open_dues, rows, stored_row
from settlement.store.payment_checks import Order, beyond_total, newest_terms, objections, state_of
from settlement.store.tables import statements as statement_table

_table = payments.c


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored payment: its row, whether it was added now, and what somebody should look at."""

    id: int
    added: bool
    warnings: tuple[Finding, ...] = ()


def record(connection: Connection, audit: AuditSink, order: Order, *, at: Instant, actor: str) -> Recorded:
    """Record a payment or, for a due of the supplier's, a refund: movement, entry and audit row in one transaction.

    The same voucher for the same due again adds nothing. InputError, with everything that is wrong: no such due, more than
    is open or than the contract's total, a statement whose payment was not requested, another amount under the voucher.
    A statement whose dues are all settled takes the step `pay`.
    """
    order = _tidy(order)
    due = _due(connection, order, at=at, actor=actor)
    kind = "unsettled" if due is None else "refund" if due.refund else "payment"
    signed = -order.fen if kind == "refund" else order.fen
    year = order.budget_year or order.last.year
    movement = Movement(
        order.due,
        order.contract,
        kind,
        signed,
        order.first,
        order.last,
        order.voucher,
        order.payer,
        order.project,
        year,
    )
    key = f"{kind}/{order.contract}/{order.due}/{order.voucher}"
    standing = connection.execute(select(payments).where(_table.key == key)).one_or_none()
    if standing is not None:
        return _again(connection, standing, movement)
    findings = objections(connection, order, due)
    if errors := [finding for finding in findings if finding.level == "error"]:
        raise InputError(errors)
    span = (due.service_from, due.service_until) if due else order.service or (order.first, order.last)
    number = insert_movement(
        connection, movement, due, key, at=at, actor=actor, span=span, document_sha=order.document_sha
    )
    statement = None if due is None else dues.statement_of(connection, due)
    journal.post(connection, _payment_entry(movement, due, key), at=at, actor=actor, statement_id=statement)
    audit(
        connection,
        at=at,
        actor=actor,
        action=f"{'payment' if kind != 'refund' else 'refund'}.record",
        object=f"{order.contract} {order.due or order.voucher}",
        before=None,
        after={
            "payment": number,
            "fen": signed,
            "paid": f"{order.first}..{order.last}",
            "voucher": order.voucher,
            "project": order.project,
            "budget_year": year,
            "document_sha": order.document_sha or None,
        },
    )
    if statement is not None:
        pay_if_settled(connection, audit, statement, at=at, actor=actor)
    return Recorded(number, True, tuple(finding for finding in findings if finding.level != "error"))


def reverse(
    connection: Connection, audit: AuditSink, number: int, day: date, reason: str, *, at: Instant, actor: str
) -> Recorded:
    """Take a payment or refund back: the due is open again, the entry reversed, a paid statement is unpaid again.

    InputError if there is no such row, it is taken back already, is a set-off, or the contract's total would be exceeded.
    """
    row = next((row for row in rows(connection) if row.id == number), None)
    if row is None:
        raise refuse(f"没有这笔支付 no such payment: {number}", "camsla payment list", column="number")
    movement = row.movement
    why = (
        "已冲回 is taken back already"
        if row.reversed_by
        else "本身是冲回 takes another back itself"
        if row.reverses
        else "是抵扣，随结算单出具 is a set-off, made with its statement"
        if movement.kind == "set-off"
        else ""
    )
    if why:
        raise refuse(f"支付 {number} {why}", "登记新的支付或退款 record a new payment or refund", column="number")
    over = beyond_total(connection, movement.contract, -movement.fen, _kind_of(connection, movement))
    if over is not None and movement.fen < 0:
        raise InputError([over])
    due = _find_due(connection, movement.contract, movement.due) if movement.due else None
    key = _key_of(connection, number)
    taken = replace(movement, fen=-movement.fen, first=day, last=day)
    added = insert_movement(
        connection,
        taken,
        due,
        f"{key}/reversal",
        at=at,
        actor=actor,
        span=(row.service_from, row.service_until),
        reverses=number,
    )
    statement = None if due is None else dues.statement_of(connection, due)
    entry = next(entry for entry in journal.entries(connection, movement.contract) if entry.key == key)
    journal.post(connection, reversal(entry, day, reason), at=at, actor=actor, statement_id=statement)
    audit(
        connection,
        at=at,
        actor=actor,
        action="payment.reverse",
        object=f"{movement.contract} {movement.due or movement.voucher}",
        before={"payment": number, "fen": movement.fen},
        after={"payment": added, "fen": -movement.fen, "reason": reason},
    )
    if statement is not None:
        _take(
            connection, audit, statement, "payment-reversed", frozenset({State.PAID}), at=at, actor=actor, reason=reason
        )
    return Recorded(added, True)


def pay_if_settled(connection: Connection, audit: AuditSink, statement_id: int, *, at: Instant, actor: str) -> bool:
    """Let a statement whose payment was requested take the step `pay` if all its dues are settled; tell whether it did."""
    own = {due.id for due in dues.of_statement(connection, statement_id)}
    contract = connection.scalar(select(statement_table.c.contract).where(statement_table.c.id == statement_id))
    if any(left for due, left in open_dues(connection, str(contract)) if due.id in own):
        return False
    return _take(connection, audit, statement_id, "pay", frozenset({State.REQUESTED}), at=at, actor=actor, reason="")


def _tidy(order: Order) -> Order:
    return replace(order, voucher=order.voucher.strip(), payer=order.payer.strip(), project=order.project.strip())


def _find_due(connection: Connection, contract: str, name: str) -> Due | None:
    return next((due for due in dues.of_contract(connection, contract) if due.id == name), None)


def _due(connection: Connection, order: Order, *, at: Instant, actor: str) -> Due | None:
    """Return the due that an order names, None where it names none. InputError if there is no such due."""
    if order.due.startswith("instalment/"):
        _enter_instalments(connection, order, at=at, actor=actor)
    if order.due:
        due = _find_due(connection, order.contract, order.due)
        if due is None:
            known = ", ".join(due.id for due, left in open_dues(connection, order.contract) if left) or "无 none"
            message = f"{order.contract} 没有这笔应付 there is no such due: {order.due}"
            raise refuse(message, f"未结 open: {known}", column="due")
        return due
    if dues.of_contract(connection, order.contract):
        raise refuse(
            f"{order.contract} 有结算单，付款须对应行 payments of this contract are recorded against its lines",
            f"camsla payment due {order.contract}",
            column="due",
        )
    return None


def _enter_instalments(connection: Connection, order: Order, *, at: Instant, actor: str) -> None:
    """Enter a contract's instalments as owed when the first of them is paid."""
    terms = newest_terms(connection, order.contract)
    if terms is not None and terms.instalments is not None:
        day = min(order.last, terms.instalments.first_due)
        ledger.post_instalments(connection, terms, day, at=at, actor=actor)


def _again(connection: Connection, row: Row[tuple[object, ...]], movement: Movement) -> Recorded:
    """Answer a payment whose key stands. InputError unless it says the same."""
    stored = stored_row(row, 0)
    if stored.movement != movement:
        raise refuse(
            f"凭证 {movement.voucher} 已登记为 {grouped(stored.movement.fen)}（{stored.movement.first}） "
            "the voucher stands with another amount, day, payer or budget",
            "核对，或冲回后重新登记 check, or take it back and record it anew",
            column="voucher",
        )
    if connection.scalar(select(_table.id).where(_table.reverses == stored.id)) is not None:
        raise refuse(
            f"凭证 {movement.voucher} 的支付 {stored.id} 已冲回 that payment was taken back",
            "用新的凭证号登记 record it under a new voucher",
            column="voucher",
        )
    return Recorded(stored.id, False)


def _kind_of(connection: Connection, movement: Movement) -> str:
    due = _find_due(connection, movement.contract, movement.due) if movement.due else None
    return due.kind if due else ""


def _key_of(connection: Connection, number: int) -> str:
    return str(connection.scalar(select(_table.key).where(_table.id == number)))


def _payment_entry(movement: Movement, due: Due | None, key: str) -> Entry:
    days = f"{movement.first}" + ("" if movement.first == movement.last else f"..{movement.last}")
    details = (
        ("voucher", movement.voucher),
        ("paid", days),
        ("payer", movement.payer),
        ("project", movement.project),
        ("budget_year", str(movement.budget_year)),
        ("due", movement.due),
    )
    if due is None:
        parts = (Posting(Role.FEE, "", movement.fen), Posting(Role.BANK, "", -movement.fen))
        why = f"支付 paid（{movement.voucher}）"
    else:
        role = Role.REFUND_DUE if due.refund else Role.PAYABLE
        parts = (
            Posting(role, due.phase, movement.fen, due.period),
            Posting(Role.BANK, due.phase, -movement.fen, due.period),
        )
        why = f"{'退款 refunded' if due.refund else '支付 paid'} {due.id}"
    kept = tuple(sorted((name, value) for name, value in details if value))
    return Entry(
        movement.contract, key, movement.last, why, parts, statement=due.statement if due else "", details=kept
    )


def _take(
    connection: Connection,
    audit: AuditSink,
    statement_id: int,
    step: str,
    states: frozenset[State],
    *,
    at: Instant,
    actor: str,
    reason: str,
) -> bool:
    """Take a step of the statement's life if it stands in one of these states; tell whether it was taken."""
    if state_of(connection, statement_id) not in states:
        return False
    stored = statements.by_id(connection, statement_id)
    version = contracts.one(connection, stored.contract, stored.version)
    assert version is not None  # noqa: S101  _state would have been None
    terms = version.terms
    statements.take(connection, audit, stored, step, terms.approval, terms.zone, at=at, actor=actor, reason=reason)
    return True
