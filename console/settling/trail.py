"""The audit trail of a quarter's statement, and the differences between its revisions."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection, or_, select

from console.store.tables import audit
from monitor.model import Instant
from settlement.canonical import differences
from settlement.money import yuan
from settlement.store import statements

MOST_ROWS = 500
OWN = frozenset({"step", "body_sha", "inputs_sha", "revision"})
"""What a row says that its action and the statement's own page say already."""


class TrailRow(NamedTuple):
    """An audit row as it is shown; `after` is what it says of what was done."""

    at: Instant
    actor: str
    origin: str
    action: str
    object: str
    after: tuple[tuple[str, str], ...]


def trail(connection: Connection, contract: str, quarter: str) -> list[TrailRow]:
    """Return what was done to a quarter's revisions and their disputes, newest first, at most 500 rows."""
    name = f"{contract} {quarter} r"
    table = audit.c
    actions = or_(table.action.startswith("statement."), table.action.startswith("dispute."))
    query = (
        select(table.at, table.actor, table.origin, table.action, table.object, table.after)
        .where(actions, table.object.startswith(name, autoescape=True))
        .order_by(table.id.desc())
        .limit(MOST_ROWS)
    )
    return [
        TrailRow(Instant(row.at), row.actor, row.origin, row.action, row.object, _brief(row.after))
        for row in connection.execute(query)
    ]


def _brief(after: str) -> tuple[tuple[str, str], ...]:
    said: Any = json.loads(after)
    if not isinstance(said, dict):
        return ()
    kept = {key: value for key, value in said.items() if value not in (None, "") and key not in OWN}
    return tuple((key, yuan(value) if key.endswith("_fen") else str(value)[:64]) for key, value in kept.items())


class Difference(NamedTuple):
    """Where two revisions differ, place by place."""

    one: int
    other: int
    inputs: list[str]
    document: list[str]


def revision_difference(connection: Connection, contract: str, quarter: str, one: int, other: int) -> Difference:
    """Compare two revisions' inputs and documents. InputError if one of them does not exist."""
    left, right = (statements.require(connection, contract, quarter, revision) for revision in (one, other))
    return Difference(
        one,
        other,
        differences(json.loads(left.inputs), json.loads(right.inputs)),
        differences(left.document, right.document),
    )
