"""Dues in the store: what is owed because of a statement's line or an instalment. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, insert, select

from monitor.finding import refuse
from monitor.model import Instant
from settlement.clauses import InstalmentClause
from settlement.dues import DayKind, Due, instalment_dues
from settlement.store.money_tables import dues
from settlement.store.tables import statements

_table = dues.c


def add(
    connection: Connection, owed: Sequence[Due], *, at: Instant, actor: str, statement_id: int | None = None
) -> None:
    """Add dues in the caller's transaction."""
    if not owed:
        return
    connection.execute(
        insert(dues),
        [
            {
                "contract": due.contract,
                "due": due.id,
                "statement_id": statement_id,
                "line": due.line or None,
                "phase": due.phase,
                "kind": due.kind,
                "fen": due.fen,
                "period": due.period,
                "service_from": due.service_from.isoformat(),
                "service_until": due.service_until.isoformat(),
                "entered_on": due.entered.isoformat(),
                "base": None if due.base is None else due.base.isoformat(),
                "days": due.days,
                "day_kind": due.day_kind,
                "payer": due.payer,
                "recorded_at": at,
                "actor": actor,
            }
            for due in owed
        ],
    )


def _query() -> Select[*tuple[Any, ...]]:
    return (
        select(dues, statements.c.period.label("quarter"), statements.c.revision)
        .outerjoin(statements, statements.c.id == _table.statement_id)
        .order_by(_table.recorded_at, statements.c.id, _table.line, _table.service_from, _table.due)
    )


def of_contract(connection: Connection, contract: str) -> list[Due]:
    """Return a contract's dues, oldest first."""
    return [_due(row) for row in connection.execute(_query().where(_table.contract == contract))]


def of_statement(connection: Connection, statement_id: int) -> list[Due]:
    """Return a statement's dues in the order of its lines; none before it is issued."""
    return [_due(row) for row in connection.execute(_query().where(_table.statement_id == statement_id))]


def statement_of(connection: Connection, due: Due) -> int | None:
    """Return the row of the statement that a due comes from."""
    query = select(_table.statement_id).where(_table.contract == due.contract, _table.due == due.id)
    found: int | None = connection.scalar(query)
    return found


def contracts_with_dues(connection: Connection) -> list[str]:
    """Return the contracts that have dues."""
    return list(connection.scalars(select(_table.contract).distinct().order_by(_table.contract)))


def ensure_instalments(
    connection: Connection, contract: str, clause: InstalmentClause, *, at: Instant, actor: str
) -> list[Due]:
    """Add a contract's instalments unless they stand, and return them. InputError if they stand otherwise."""
    owed = instalment_dues(contract, clause)
    known = {due.id: due for due in of_contract(connection, contract) if due.kind == "instalment"}
    if not known:
        add(connection, owed, at=at, actor=actor)
    elif known != {due.id: due for due in owed}:
        raise refuse(
            "分期付款已按另一条款登记 the instalments stand under another clause",
            "分期条款登记后不可更改 the clause cannot change once they stand",
            column="instalments",
        )
    return owed


def _due(row: Row[tuple[object, ...]]) -> Due:
    return Due(
        id=row.due,
        contract=row.contract,
        phase=row.phase,
        kind=row.kind,
        fen=row.fen,
        period=row.period,
        service_from=date.fromisoformat(row.service_from),
        service_until=date.fromisoformat(row.service_until),
        entered=date.fromisoformat(row.entered_on),
        base=None if row.base is None else date.fromisoformat(row.base),
        days=row.days,
        day_kind=cast(DayKind, row.day_kind),
        statement="" if row.quarter is None else f"{row.quarter}/{row.revision}",
        line=row.line or 0,
        payer=row.payer,
    )
