"""The audit log read a page at a time: filtered, sorted and cut in the database, with before and after field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from console.store.tables import audit
from monitor.model import Instant

MOST_SHOWN = 4_000
"""So many characters of one value are shown; the export and the API give it whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: `before` and `after` are what the change said of its object, as JSON knows it."""

    id: int
    at: Instant
    actor: str
    origin: str
    action: str
    object: str
    before: str
    after: str


class Wanted(NamedTuple):
    """Which changes: texts match from their beginning, `q` anywhere; instants are half-open."""

    actor: str = ""
    action: str = ""
    object: str = ""
    q: str = ""
    since: Instant | None = None
    until: Instant | None = None


class Difference(NamedTuple):
    """A field that a change set, changed or took away; None where it was not there."""

    name: str
    before: str | None
    after: str | None


def _conditions(wanted: Wanted) -> ColumnElement[bool]:
    c = audit.c
    parts: list[ColumnElement[bool]] = [c.id > 0]
    for column, text in ((c.actor, wanted.actor), (c.action, wanted.action), (c.object, wanted.object)):
        if text:
            parts.append(column.startswith(text, autoescape=True))
    for word in wanted.q.split():
        columns = (c.actor, c.action, c.object, c.before, c.after)
        found: ColumnElement[bool] = columns[0].contains(word, autoescape=True)
        for column in columns[1:]:
            found = found | column.contains(word, autoescape=True)
        parts.append(found)
    if wanted.since is not None:
        parts.append(c.at >= wanted.since)
    if wanted.until is not None:
        parts.append(c.at < wanted.until)
    return and_(*parts)


def page(connection: Connection, wanted: Wanted, *, sort: str, offset: int, limit: int) -> tuple[list[Entry], int]:
    """Return a page of changes and how many there are in all; newest first unless `sort` names a column (`-` for descending)."""
    where = _conditions(wanted)
    total = connection.scalar(select(func.count()).select_from(audit).where(where)) or 0
    column = audit.c.get(sort.removeprefix("-"))
    order = audit.c.id.desc() if column is None else column.desc() if sort.startswith("-") else column.asc()
    rows = connection.execute(select(audit).where(where).order_by(order, audit.c.id.desc()).offset(offset).limit(limit))
    return [Entry(*row) for row in rows], total


def after(connection: Connection, wanted: Wanted, *, before_id: int | None, limit: int) -> list[Entry]:
    """Return changes older than a number, newest first."""
    query = select(audit).where(_conditions(wanted))
    if before_id is not None:
        query = query.where(audit.c.id < before_id)
    return [Entry(*row) for row in connection.execute(query.order_by(audit.c.id.desc()).limit(limit))]


def one(connection: Connection, number: int) -> Entry | None:
    """Return a change, None if there is none of that number."""
    row = connection.execute(select(audit).where(audit.c.id == number)).one_or_none()
    return None if row is None else Entry(*row)


def actions(connection: Connection) -> list[str]:
    """Return every action that was ever taken."""
    return list(connection.scalars(select(audit.c.action).distinct().order_by(audit.c.action)))


def difference(entry: Entry) -> list[Difference]:
    """Return what differs between before and after, field by field, in their order."""
    old, new = _fields(json.loads(entry.before)), _fields(json.loads(entry.after))
    names = list(dict.fromkeys([*old, *new]))
    return [Difference(n, old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)]


def _fields(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for name, its in value.items():
            found |= _fields(its, f"{prefix}.{name}" if prefix else str(name))
        return found
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(v, Mapping) for v in value):
        found = {}
        for n, its in enumerate(value):
            found |= _fields(its, f"{prefix}[{n}]")
        return found
    if value is None:
        return {}
    return {prefix: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}
