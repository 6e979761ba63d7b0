"""Statements as they were computed, and the steps of their lives. Rows are only ever added.

A statement is known by contract, quarter and revision. Its inputs and its document are canonical JSON with their
digests; its state is what its steps lead to (settlement/life.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select

from monitor.finding import InputError, refuse
from monitor.model import Instant
from settlement.clauses import ApprovalClause
from settlement.life import Life, Step, Taken, life_of, objections
from settlement.lines import MOVING
from settlement.store.audit import AuditSink
from settlement.store.statement_lines import document_lines as document_lines
from settlement.store.statement_lines import lines as lines
from settlement.store.statement_lines import rows_of
from settlement.store.tables import line_components, statement_lines, statement_steps, statements

_table = statements.c


@dataclass(frozen=True, slots=True)
class Stored:
    """A statement's revision. `inputs` and `body` are canonical JSON, `actor` is its maker."""

    id: int
    contract: str
    quarter: str
    revision: int
    version: int
    reading: str
    inputs: str
    inputs_sha: str
    body: str
    body_sha: str
    software: str
    recorded_at: Instant
    actor: str

    @property
    def document(self) -> dict[str, Any]:
        """The statement document."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def name(self) -> str:
        """As it is written: xinjian 2020Q3 r0."""
        return f"{self.contract} {self.quarter} r{self.revision}"


def find(
    connection: Connection, contract: str, quarter: str, revision: int | None = None, known_at: Instant | None = None
) -> Stored | None:
    """Return a revision, the newest unless one is named; None if there is none, or none was recorded by `known_at`."""
    query = select(statements).where(_table.contract == contract, _table.period == quarter)
    if revision is not None:
        query = query.where(_table.revision == revision)
    if known_at is not None:
        query = query.where(_table.recorded_at <= known_at)
    row = connection.execute(query.order_by(_table.revision.desc()).limit(1)).one_or_none()
    return None if row is None else _stored(row)


def require(connection: Connection, contract: str, quarter: str, revision: int | None = None) -> Stored:
    """Return a revision as `find` does. InputError if there is none."""
    found = find(connection, contract, quarter, revision)
    if found is None:
        which = "" if revision is None else f" r{revision}"
        raise refuse(
            f"没有这份结算单 there is no statement {contract} {quarter}{which}",
            f"camsla statement draft {contract} {quarter}",
            column="statement",
        )
    return found


def by_id(connection: Connection, number: int) -> Stored:
    """Return a statement by its row. KeyError if there is none."""
    row = connection.execute(select(statements).where(_table.id == number)).one_or_none()
    if row is None:
        raise KeyError(number)
    return _stored(row)


def newest(connection: Connection, contract: str | None = None) -> list[Stored]:
    """Return each quarter's newest revision, by contract and quarter."""
    last = (
        select(_table.contract, _table.period, func.max(_table.revision).label("revision"))
        .group_by(_table.contract, _table.period)
        .subquery()
    )
    query = select(statements).join(
        last,
        (last.c.contract == _table.contract) & (last.c.period == _table.period) & (last.c.revision == _table.revision),
    )
    if contract is not None:
        query = query.where(_table.contract == contract)
    return [_stored(row) for row in connection.execute(query.order_by(_table.contract, _table.period))]


class Brief(NamedTuple):
    """A quarter's newest revision without its inputs and document; `total_fen` is what changes hands by it."""

    id: int
    contract: str
    quarter: str
    revision: int
    version: int
    inputs_sha: str
    total_fen: int


def listed(connection: Connection, contract: str | None = None) -> list[Brief]:
    """Return each quarter's newest revision in brief, by contract and quarter."""
    moving = select(func.coalesce(func.sum(statement_lines.c.gross), 0)).where(
        statement_lines.c.statement_id == _table.id, statement_lines.c.kind.in_([kind.value for kind in MOVING])
    )
    query = select(
        _table.id,
        _table.contract,
        _table.period,
        _table.revision,
        _table.contract_version,
        _table.inputs_sha,
        moving.scalar_subquery(),
    ).order_by(_table.contract, _table.period, _table.revision)
    if contract is not None:
        query = query.where(_table.contract == contract)
    newest_of = {(row[1], row[2]): Brief(*row[:6], total_fen=int(row[6])) for row in connection.execute(query)}
    return list(newest_of.values())


def quarters(connection: Connection, contract: str) -> list[str]:
    """Return the labels of the quarters that have a statement, oldest first."""
    query = select(_table.period).where(_table.contract == contract).distinct().order_by(_table.period)
    return list(connection.scalars(query))


def issued(connection: Connection, contract: str, known_at: Instant | None = None) -> list[Stored]:
    """Return the issued statements of a contract (by an instant), oldest quarter first."""
    step = select(statement_steps.c.statement_id).where(statement_steps.c.step == Step.ISSUE.value)
    if known_at is not None:
        step = step.where(statement_steps.c.at <= known_at)
    query = select(statements).where(_table.contract == contract, _table.id.in_(step)).order_by(_table.period)
    return [_stored(row) for row in connection.execute(query)]


def issued_quarters(connection: Connection, contract: str) -> list[str]:
    """Return the labels of a contract's issued quarters, oldest first."""
    query = (
        select(_table.period)
        .join(statement_steps, statement_steps.c.statement_id == _table.id)
        .where(_table.contract == contract, statement_steps.c.step == Step.ISSUE.value)
        .order_by(_table.period)
    )
    return list(connection.scalars(query))


def steps(connection: Connection, number: int) -> list[Taken]:
    """Return the steps of a statement's life, in order."""
    query = select(statement_steps).where(statement_steps.c.statement_id == number).order_by(statement_steps.c.n)
    return [
        Taken(row.step, row.actor, Instant(row.at), row.reason, row.document_sha or "")
        for row in connection.execute(query)
    ]


def _steps_of_earlier(connection: Connection, stored: Stored) -> list[Taken]:
    """The steps of a quarter's earlier revisions."""
    query = select(_table.id).where(
        _table.contract == stored.contract, _table.period == stored.quarter, _table.revision < stored.revision
    )
    return [
        taken for number in connection.scalars(query.order_by(_table.revision)) for taken in steps(connection, number)
    ]


def save(
    connection: Connection,
    audit: AuditSink,
    *,
    contract: str,
    quarter: str,
    revision: int,
    version: int,
    inputs: str,
    inputs_sha: str,
    body: str,
    body_sha: str,
    document: Mapping[str, Any],
    reason: str,
    at: Instant,
    actor: str,
) -> int:
    """Store a draft in the caller's transaction: statement, lines, components, first step, audit row; return its row."""
    number = int(
        connection.execute(
            insert(statements)
            .values(
                contract=contract,
                period=quarter,
                revision=revision,
                contract_version=version,
                reading=document["reading"],
                inputs=inputs,
                inputs_sha=inputs_sha,
                body=body,
                body_sha=body_sha,
                software=document["software"],
                recorded_at=at,
                actor=actor,
            )
            .returning(_table.id)
        ).scalar_one()
    )
    rows, parts = rows_of(number, document)
    if rows:
        connection.execute(insert(statement_lines), rows)
    if parts:
        connection.execute(insert(line_components), parts)
    _add_step(connection, number, 0, Taken(Step.DRAFT.value, actor, at, reason))
    audit(
        connection,
        at=at,
        actor=actor,
        action="statement.draft",
        object=f"{contract} {quarter} r{revision}",
        before=None if revision == 0 else {"revision": revision - 1},
        after={"revision": revision, "inputs_sha": inputs_sha, "body_sha": body_sha, "reason": reason},
    )
    for what, sha in (("inputs", inputs_sha), ("statement", body_sha)):
        _attest(connection, audit, what, (contract, quarter, revision), sha, at=at, actor=actor)
    return number


def _attest(
    connection: Connection,
    audit: AuditSink,
    what: str,
    key: tuple[str, str, int],
    sha: str,
    *,
    at: Instant,
    actor: str,
) -> None:
    """Tell the evidence log of a statement's document by contract, quarter and revision."""
    contract, quarter, revision = key
    audit.attest(
        connection,
        at=at,
        what=what,
        id=f"{contract}/{quarter}",
        version=revision,
        sha256=sha,
        media="application/json",
        actor=actor,
        of={},
    )


def take(
    connection: Connection,
    audit: AuditSink,
    stored: Stored,
    word: str,
    clause: ApprovalClause,
    zone: str,
    *,
    at: Instant,
    actor: str,
    reason: str = "",
    document_sha: str = "",
) -> Life:
    """Take a step with its audit row, and return the life after it. InputError with everything that speaks against it."""
    before = steps(connection, stored.id)
    earlier = _steps_of_earlier(connection, stored)
    findings = objections(before, word, actor, clause, at=at, zone=zone, place=stored.name, before=earlier)
    if findings:
        raise InputError(findings)
    was = life_of(before, clause)
    taken = Taken(word, actor, at, reason, document_sha)
    _add_step(connection, stored.id, len(before), taken)
    now = life_of([*before, taken], clause)
    audit(
        connection,
        at=at,
        actor=actor,
        action=f"statement.{word}",
        object=stored.name,
        before={"state": was.state.value},
        after={
            "state": now.state.value,
            "step": len(before),
            "reason": reason,
            "document_sha": document_sha or None,
            "body_sha": stored.body_sha,
        },
    )
    if word == Step.ISSUE.value:
        key = stored.contract, stored.quarter, stored.revision
        _attest(connection, audit, "issued", key, stored.body_sha, at=at, actor=actor)
    return now


def _add_step(connection: Connection, number: int, n: int, taken: Taken) -> None:
    connection.execute(
        insert(statement_steps).values(
            statement_id=number,
            n=n,
            step=taken.step,
            at=taken.at,
            actor=taken.actor,
            reason=taken.reason,
            document_sha=taken.document_sha or None,
        )
    )


def _stored(row: Row[tuple[object, ...]]) -> Stored:
    return Stored(
        row.id,
        row.contract,
        row.period,
        row.revision,
        row.contract_version,
        row.reading,
        row.inputs,
        row.inputs_sha,
        row.body,
        row.body_sha,
        row.software,
        Instant(row.recorded_at),
        row.actor,
    )
