"""Statements without their documents: what lists and pages ask of every one of them, in few queries whatever there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, func, select

from console.settling.remembered import Remembered
from monitor.model import Instant
from settlement.contract import Terms
from settlement.life import Life, Taken, life_of
from settlement.lines import MOVING
from settlement.store import contracts
from settlement.store.tables import contract_versions, statement_lines, statement_steps, statements

_table = statements.c
MOST_TERMS = 200
_TERMS: Remembered[Terms] = Remembered(MOST_TERMS)


class Head(NamedTuple):
    """A statement's revision without its inputs and document; `actor` is its maker."""

    id: int
    contract: str
    quarter: str
    revision: int
    version: int
    reading: str
    inputs_sha: str
    body_sha: str
    software: str
    recorded_at: Instant
    actor: str

    @property
    def name(self) -> str:
        """As it is written: xinjian 2020Q3 r0."""
        return f"{self.contract} {self.quarter} r{self.revision}"

    @property
    def place(self) -> str:
        """As lines and dues name it: 2020Q3/0."""
        return f"{self.quarter}/{self.revision}"


def _query() -> Select[Any]:
    return select(
        _table.id,
        _table.contract,
        _table.period,
        _table.revision,
        _table.contract_version,
        _table.reading,
        _table.inputs_sha,
        _table.body_sha,
        _table.software,
        _table.recorded_at,
        _table.actor,
    )


def _head(row: Row[Any]) -> Head:
    values: tuple[Any, ...] = tuple(row)
    return Head._make((*values[:9], Instant(values[9]), values[10]))


def head_of(connection: Connection, contract: str, quarter: str, revision: int | None = None) -> Head | None:
    """Return a revision, the newest unless one is named; None if there is none."""
    query = _query().where(_table.contract == contract, _table.period == quarter)
    if revision is not None:
        query = query.where(_table.revision == revision)
    row = connection.execute(query.order_by(_table.revision.desc()).limit(1)).one_or_none()
    return None if row is None else _head(row)


def revisions_of(connection: Connection, contract: str, quarter: str) -> list[Head]:
    """Return a quarter's revisions, oldest first."""
    query = _query().where(_table.contract == contract, _table.period == quarter).order_by(_table.revision)
    return [_head(row) for row in connection.execute(query)]


def newest_heads(connection: Connection, names: Collection[str] | None = None) -> list[Head]:
    """Return each quarter's newest revision of these contracts (None: of all), by contract and quarter."""
    query = _query().order_by(_table.contract, _table.period, _table.revision)
    if names is not None:
        query = query.where(_table.contract.in_(sorted(names)))
    found = {(head.contract, head.quarter): head for head in map(_head, connection.execute(query))}
    return list(found.values())


def steps_of(connection: Connection, numbers: Iterable[int]) -> dict[int, list[Taken]]:
    """Return the steps of several statements, in order."""
    wanted = sorted(set(numbers))
    query = (
        select(statement_steps)
        .where(statement_steps.c.statement_id.in_(wanted))
        .order_by(statement_steps.c.statement_id, statement_steps.c.n)
    )
    found: dict[int, list[Taken]] = defaultdict(list)
    for row in connection.execute(query) if wanted else ():
        found[row.statement_id].append(Taken(row.step, row.actor, Instant(row.at), row.reason, row.document_sha or ""))
    return dict(found)


def sums_of(connection: Connection, numbers: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return what the lines of several statements come to by their kind, in fen; `total` is what changes hands."""
    wanted = sorted(set(numbers))
    line = statement_lines.c
    query = (
        select(line.statement_id, line.kind, func.sum(line.gross))
        .where(line.statement_id.in_(wanted))
        .group_by(line.statement_id, line.kind)
    )
    found: dict[int, dict[str, int]] = {number: {"total": 0} for number in wanted}
    moving = {kind.value for kind in MOVING}
    for number, kind, gross in connection.execute(query) if wanted else ():
        found[number][kind] = int(gross)
        found[number]["total"] += int(gross) if kind in moving else 0
    return found


def terms_of_version(connection: Connection, contract: str, version: int) -> Terms:
    """Return the terms of a contract's version, which never change. KeyError if there is no such version."""
    column = contract_versions.c
    query = select(column.sha256).where(column.contract == contract, column.version == version)
    sha = connection.scalar(query)
    if sha is None:
        raise KeyError(f"{contract} v{version}")
    found = _TERMS.get(f"{contract} {sha}")
    if found is None:
        known = contracts.one(connection, contract, version)
        if known is None:
            raise KeyError(f"{contract} v{version}")
        found = known.terms
        _TERMS.put(f"{contract} {sha}", found)
    return found


def life_and_steps(connection: Connection, head: Head) -> tuple[Life, list[Taken], Terms]:
    """Return how a statement's life stands, its steps, and the terms that it was made under."""
    terms = terms_of_version(connection, head.contract, head.version)
    steps = steps_of(connection, [head.id])[head.id]
    return life_of(steps, terms.approval), steps, terms


def earlier_steps(connection: Connection, head: Head) -> list[Taken]:
    """Return the steps of a quarter's earlier revisions, where a person's side may have been shown."""
    if not head.revision:
        return []
    query = select(_table.id).where(
        _table.contract == head.contract, _table.period == head.quarter, _table.revision < head.revision
    )
    found = steps_of(connection, connection.scalars(query))
    return [step for number in sorted(found) for step in found[number]]
