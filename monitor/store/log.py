"""The life of the evidence log in the database: what waits for a leaf, which day is sealed, who has signed it.

Records wait in the outbox until a checkpoint or a seal numbers them. Whoever numbers them read them in one snapshot and
wrote lines and notes to disk before; the change here is one short transaction that either finds the log as it was then, or
changes nothing. A row that commits late, with a smaller number than others that have a leaf by then, waits for the next.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update

from monitor.model import Instant
from monitor.store.identities import ROWS_AT_ONCE
from monitor.store.lock import one_at_a_time
from monitor.store.tables import log_checkpoints, log_days, log_signatures, outbox

MOST_CHECKPOINTS = 1_000
"""Six weeks of hours."""
WORK = "evidence log"
"""What only one transaction at a time may do."""


class Waiting(NamedTuple):
    """A record without a leaf: `body` has its fields but k, at, seq and prev."""

    id: int
    at: Instant
    kind: str
    body: dict[str, Any]


class Leaf(NamedTuple):
    """What a waiting row becomes: its leaf and the log's whole line."""

    id: int
    leaf: int
    line: str


class SealedDay(NamedTuple):
    """A sealed day: leaves [first, size), the root of the tree after it in hex, the collector's note."""

    day: str
    first: int
    size: int
    root: str
    note: str
    sealed_at: Instant


class Between(NamedTuple):
    """A checkpoint between two seals."""

    size: int
    at: Instant
    root: str
    note: str


class MovedError(Exception):
    """The log is not as it was when the lines were made: somebody else sealed meanwhile. Nothing was changed."""


def days(connection: Connection) -> list[SealedDay]:
    """Return the sealed days, oldest first."""
    return [_day(row) for row in connection.execute(select(log_days).order_by(log_days.c.size))]


def newest_day(connection: Connection) -> SealedDay | None:
    """Return the newest sealed day."""
    row = connection.execute(select(log_days).order_by(log_days.c.size.desc()).limit(1)).one_or_none()
    return None if row is None else _day(row)


def find_day(connection: Connection, day: str) -> SealedDay | None:
    """Return a sealed day, None if it is not sealed."""
    row = connection.execute(select(log_days).where(log_days.c.day == day)).one_or_none()
    return None if row is None else _day(row)


def newest_checkpoint(connection: Connection) -> Between | None:
    """Return the newest checkpoint between seals."""
    query = select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Between(row.size, Instant(row.at), row.root, row.note)


def checkpoints(connection: Connection, most: int = MOST_CHECKPOINTS) -> list[Between]:
    """Return the newest checkpoints between seals, newest first, at most `most`."""
    query = select(log_checkpoints).order_by(log_checkpoints.c.size.desc()).limit(most)
    return [Between(row.size, Instant(row.at), row.root, row.note) for row in connection.execute(query)]


def size(connection: Connection) -> int:
    """Return how many leaves are numbered."""
    sealed = connection.scalar(select(func.max(log_days.c.size))) or 0
    return max(sealed, connection.scalar(select(func.max(log_checkpoints.c.size))) or 0)


def first_instant(connection: Connection, not_before: Instant) -> Instant | None:
    """Return when the log's first record was recorded, before any day is sealed: of those with a leaf, else of those waiting.

    What a clock put before `not_before` does not count; None if there is nothing else.
    """
    for numbered_ones in (outbox.c.leaf.is_not(None), outbox.c.leaf.is_(None)):
        query = select(func.min(outbox.c.at)).where(numbered_ones, outbox.c.at >= not_before)
        found = connection.scalar(query)
        if found is not None:
            return Instant(found)
    return None


class Queue(NamedTuple):
    """How many records wait, and when the first and the last of them were recorded."""

    rows: int
    first: Instant | None
    last: Instant | None


def queue(connection: Connection) -> Queue:
    """Return what waits."""
    query = select(func.count(), func.min(outbox.c.at), func.max(outbox.c.at)).where(outbox.c.leaf.is_(None))
    return Queue(*connection.execute(query).one())


def waiting(connection: Connection) -> list[Waiting]:
    """Return what waits, in the order in which it was recorded."""
    query = select(outbox.c.id, outbox.c.at, outbox.c.kind, outbox.c.body).where(outbox.c.leaf.is_(None))
    found = connection.execute(query.order_by(outbox.c.id).execution_options(yield_per=ROWS_AT_ONCE))
    return [Waiting(number, Instant(at), kind, json.loads(body)) for number, at, kind, body in found]


def due(rows: Sequence[Waiting], end: Instant) -> tuple[list[Waiting], list[Waiting]]:
    """Divide waiting rows into those that a range ending at `end` takes, and those that are left for later.

    A row recorded at or after the end is left, and with it every later one of its stream (a vantage's runs and gaps, a
    point's corrections, versions of a document): after a clock that went wrong their order still holds.
    """
    taken, left = [], []
    held: set[tuple[str, ...]] = set()
    for row in rows:
        stream = _stream(row)
        if row.at >= end or stream in held:
            held.add(stream)
            left.append(row)
        else:
            taken.append(row)
    return taken, left


def _stream(row: Waiting) -> tuple[str, ...]:
    if row.kind == "adj":
        return "adj", row.body["point"]
    if row.kind == "att":
        return "att", row.body["id"]
    return "vantage", str(row.body.get("vantage", row.kind))


def numbered(connection: Connection, since: int) -> list[bytes]:
    """Return the lines of numbered rows from a leaf on, without LF, in leaf order: those of the day not sealed yet."""
    query = select(outbox.c.body).where(outbox.c.leaf >= since).order_by(outbox.c.leaf)
    return [body.encode() for body in connection.scalars(query)]


def seal_day(connection: Connection, sealed: SealedDay, leaves: Sequence[Leaf], expected: int) -> None:
    """Record a sealed day and number its rows, in the caller's transaction.

    MovedError if the log's size is no longer `expected`, a row has a leaf by now, or the day is sealed.
    """
    _require(connection, expected)
    if find_day(connection, sealed.day) is not None:
        raise MovedError(f"{sealed.day} is sealed")
    _number(connection, leaves, expected)
    connection.execute(insert(log_days).values(sealed._asdict()))


def add_checkpoint(connection: Connection, point: Between, leaves: Sequence[Leaf], expected: int) -> None:
    """Record a checkpoint and number its rows, in the caller's transaction. MovedError as in `seal_day`."""
    _require(connection, expected)
    _number(connection, leaves, expected)
    connection.execute(insert(log_checkpoints).values(point._asdict()))


def _require(connection: Connection, expected: int) -> None:
    one_at_a_time(connection, WORK)
    found = size(connection)
    if found != expected:
        raise MovedError(f"the log has {found} leaves, not {expected}")


def _number(connection: Connection, leaves: Sequence[Leaf], first: int) -> None:
    statement = (
        update(outbox)
        .where(outbox.c.id == bindparam("number"), outbox.c.leaf.is_(None))
        .values(leaf=bindparam("place"), body=bindparam("line"))
    )
    for start in range(0, len(leaves), ROWS_AT_ONCE):
        part = leaves[start : start + ROWS_AT_ONCE]
        connection.execute(statement, [{"number": row.id, "place": row.leaf, "line": row.line} for row in part])
    done = connection.scalar(select(func.count()).where(outbox.c.leaf >= first)) or 0
    if done != len(leaves):
        raise MovedError(f"of {len(leaves)} rows {done} were still waiting")


def prune(connection: Connection, kept_days: int) -> int:
    """Drop numbered rows of days before the newest `kept_days`, whose lines the log's folder holds; return how many."""
    oldest = select(log_days.c.first).order_by(log_days.c.size.desc()).offset(kept_days - 1).limit(1)
    first = connection.scalar(oldest)
    if first is None:
        return 0
    return int(connection.execute(delete(outbox).where(outbox.c.leaf < first)).rowcount)


def keys_announced(connection: Connection) -> list[str]:
    """Return the public keys that `key` records of no sealed day announce, in their order."""
    sealed = connection.scalar(select(func.max(log_days.c.size))) or 0
    query = select(outbox.c.body).where(outbox.c.kind == "key", or_(outbox.c.leaf.is_(None), outbox.c.leaf >= sealed))
    return [json.loads(body)["new"] for body in connection.scalars(query.order_by(outbox.c.id))]


class Witnessed(NamedTuple):
    """A witness's line under the note of a tree's size."""

    size: int
    name: str
    line: str
    added_at: Instant
    actor: str


def add_signature(connection: Connection, signature: Witnessed) -> bool:
    """Keep a witness's line and tell whether it is new; the first one of a witness stays."""
    one_at_a_time(connection, WORK)
    s = log_signatures.c
    known = connection.scalar(select(s.line).where(s.size == signature.size, s.name == signature.name))
    if known is None:
        connection.execute(insert(log_signatures).values(signature._asdict()))
    return known is None


def signatures(connection: Connection, size: int | None = None) -> list[Witnessed]:
    """Return the witnesses' lines, of one tree or of all, by size and name."""
    query = select(log_signatures).order_by(log_signatures.c.size, log_signatures.c.name)
    if size is not None:
        query = query.where(log_signatures.c.size == size)
    return [
        Witnessed(row.size, row.name, row.line, Instant(row.added_at), row.actor) for row in connection.execute(query)
    ]


def _day(row: Any) -> SealedDay:
    return SealedDay(row.day, row.first, row.size, row.root, row.note, Instant(row.sealed_at))
