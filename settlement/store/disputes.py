"""Disputes: what the supplier contests on a statement, and what another person decided. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from monitor.finding import refuse
from monitor.model import Instant
from settlement.disputes import Decision, Effect
from settlement.life import Step
from settlement.store.tables import dispute_decisions, disputes, granted_lines, statement_steps, statements

_table = disputes.c


@dataclass(frozen=True, slots=True)
class Dispute:
    """A contested line or point. `decision` is "" while it is open; `quarter` and `revision` name the statement."""

    id: int
    statement_id: int
    quarter: str
    revision: int
    line: int
    point: str
    contested_fen: int
    reason: str
    document_sha: str
    at: Instant
    actor: str
    decision: str
    granted_fen: int
    effect: str
    opinion: str
    decided_at: Instant | None
    decided_by: str

    @property
    def counted_fen(self) -> int:
        """What it keeps of the money that may be claimed: what was granted, or while it is open what is contested."""
        return self.granted_fen if self.decision else self.contested_fen

    @property
    def parent(self) -> str:
        """The contested line as adjustments name it: 2020Q2/0/3."""
        return f"{self.quarter}/{self.revision}/{self.line}"


def check_new(standing: Iterable[Dispute], line: int, point: str) -> None:
    """Refuse a line or a point of it that a statement's dispute contests already."""
    same = next((dispute for dispute in standing if (dispute.line, dispute.point) == (line, point)), None)
    if same is not None:
        what = f"第 {line} 行" + (f" {point}" if point else "")
        raise refuse(
            f"{what} 已有异议 {same.id} is contested already",
            "每行或每个点位只提一次，连同全部金额 contest a line or point once, with the whole amount",
            column="line",
        )


def add(
    connection: Connection,
    statement_id: int,
    *,
    line: int,
    point: str,
    contested_fen: int,
    reason: str,
    document_sha: str,
    at: Instant,
    actor: str,
) -> int:
    """Store a dispute and return its number. The caller has checked that the line or point may be contested."""
    return int(
        connection.execute(
            insert(disputes)
            .values(
                statement_id=statement_id,
                line=line,
                point=point,
                contested_fen=contested_fen,
                reason=reason,
                document_sha=document_sha or None,
                at=at,
                actor=actor,
            )
            .returning(_table.id)
        ).scalar_one()
    )


def decide(
    connection: Connection,
    number: int,
    decision: Decision,
    granted_fen: int,
    effect: Effect,
    opinion: str,
    *,
    at: Instant,
    actor: str,
) -> None:
    """Store a decision. The caller has checked who decides, and that none stands."""
    connection.execute(
        insert(dispute_decisions).values(
            dispute_id=number,
            decision=decision,
            granted_fen=granted_fen,
            effect=effect,
            opinion=opinion,
            at=at,
            actor=actor,
        )
    )


def of_statement(connection: Connection, statement_id: int) -> list[Dispute]:
    """Return a statement's disputes with their decisions, oldest first."""
    return [_dispute(row) for row in connection.execute(_query().where(_table.statement_id == statement_id))]


def of_contract(connection: Connection, contract: str) -> list[Dispute]:
    """Return a contract's disputes with their decisions, oldest first."""
    return [_dispute(row) for row in connection.execute(_query().where(statements.c.contract == contract))]


def find(connection: Connection, number: int) -> Dispute | None:
    """Return one dispute."""
    row = connection.execute(_query().where(_table.id == number)).one_or_none()
    return None if row is None else _dispute(row)


def _query() -> Select[Any]:
    made = dispute_decisions.c
    return (
        select(
            disputes,
            statements.c.period,
            statements.c.revision,
            made.decision,
            made.granted_fen,
            made.effect,
            made.opinion,
            made.at.label("decided_at"),
            made.actor.label("decided_by"),
        )
        .join(statements, statements.c.id == _table.statement_id)
        .outerjoin(dispute_decisions, made.dispute_id == _table.id)
        .order_by(_table.id)
    )


def _dispute(row: Row[tuple[object, ...]]) -> Dispute:
    return Dispute(
        row.id,
        row.statement_id,
        row.period,
        row.revision,
        row.line,
        row.point,
        row.contested_fen,
        row.reason,
        row.document_sha or "",
        Instant(row.at),
        row.actor,
        row.decision or "",
        row.granted_fen or 0,
        row.effect or "",
        row.opinion or "",
        None if row.decided_at is None else Instant(row.decided_at),
        row.decided_by or "",
    )


def undelivered(connection: Connection, contract: str) -> list[Dispute]:
    """Return the decisions on issued statements that granted an amount which no issued statement brings yet, oldest first.

    A revision that was drafted anew is superseded with its disputes, whatever was decided of them.
    """
    brought = (
        select(granted_lines.c.dispute_id)
        .join(statement_steps, statement_steps.c.statement_id == granted_lines.c.statement_id)
        .where(statement_steps.c.step == Step.ISSUE.value)
    )
    issued = select(statement_steps.c.statement_id).where(statement_steps.c.step == Step.ISSUE.value)
    made = dispute_decisions.c
    query = _query().where(
        statements.c.contract == contract,
        statements.c.id.in_(issued),
        made.granted_fen > 0,
        made.effect == "amount",
        _table.id.not_in(brought),
    )
    return [_dispute(row) for row in connection.execute(query)]


def grants(connection: Connection, statement_id: int) -> list[Dispute]:
    """Return the disputes of a statement that were granted an amount, oldest first."""
    return [
        dispute
        for dispute in of_statement(connection, statement_id)
        if dispute.granted_fen and dispute.effect == "amount"
    ]


def granted_numbers(connection: Connection, statement_id: int) -> dict[int, int]:
    """Return the dispute that each granted line of a statement belongs to, by the line's number."""
    query = select(granted_lines.c.n, granted_lines.c.dispute_id).where(granted_lines.c.statement_id == statement_id)
    return {row.n: row.dispute_id for row in connection.execute(query)}
