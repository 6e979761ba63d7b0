"""Gaps: spans in which a vantage was blind. Each opening and closing is also a `gap` record for the evidence log."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from monitor.model import Gap, Instant
from monitor.store.outbox import report
from monitor.store.tables import gaps, points, vantages

RESTART = "restart"
CLOCK = "clock"


class OpenGap(NamedTuple):
    """A gap without an end: `point` None is the whole vantage."""

    id: int
    point: str | None
    start: Instant
    cause: str


def add(
    connection: Connection,
    vantage: tuple[int, str],
    start: Instant,
    end: Instant | None,
    cause: str,
    *,
    point: tuple[int, str] | None = None,
    at: Instant,
) -> int:
    """Add a gap of a vantage (row number, name), open if `end` is None, and return its row number.

    The same gap given again is not added twice. Raises ValueError if it ends before it starts.
    """
    if end is not None and end <= start:
        raise ValueError(f"a gap must end after its start: {start}…{end}")
    point_id, code = point or (None, None)
    same = select(gaps.c.id).where(
        gaps.c.vantage_id == vantage[0],
        gaps.c.start_at == start,
        gaps.c.end_at.is_not_distinct_from(end),
        gaps.c.point_id.is_not_distinct_from(point_id),
        gaps.c.cause == cause,
    )
    found = connection.scalar(same)
    if found is not None:
        return int(found)
    values = {
        "vantage_id": vantage[0],
        "point_id": point_id,
        "start_at": start,
        "end_at": end,
        "cause": cause,
        "recorded_at": at,
    }
    number = int(connection.execute(insert(gaps).values(values).returning(gaps.c.id)).scalar_one())
    _report(connection, at, vantage[1], code, start, end, cause)
    return number


def close(connection: Connection, vantage: tuple[int, str], gap: OpenGap, end: Instant, *, at: Instant) -> None:
    """End an open gap. Raises ValueError if it would end before it starts or is not open."""
    if end <= gap.start:
        raise ValueError(f"a gap must end after its start: {gap.start}…{end}")
    closed = connection.execute(update(gaps).where(gaps.c.id == gap.id, gaps.c.end_at.is_(None)).values(end_at=end))
    if closed.rowcount != 1:
        raise ValueError(f"gap {gap.id} is not open")
    _report(connection, at, vantage[1], gap.point, gap.start, end, gap.cause)


def open_gaps(connection: Connection, vantage_id: int) -> list[OpenGap]:
    """Return a vantage's gaps without an end, oldest first."""
    query = (
        select(gaps.c.id, points.c.code, gaps.c.start_at, gaps.c.cause)
        .outerjoin_from(gaps, points)
        .where(gaps.c.vantage_id == vantage_id, gaps.c.end_at.is_(None))
        .order_by(gaps.c.start_at, gaps.c.id)
    )
    return [OpenGap(number, code, Instant(start), cause) for number, code, start, cause in connection.execute(query)]


def begun(connection: Connection, vantage_id: int, start: Instant, cause: str) -> tuple[OpenGap, bool] | None:
    """Return the whole vantage's gap of that start and cause, the open one if there is, and whether it is open."""
    query = select(gaps.c.id, gaps.c.end_at).where(
        gaps.c.vantage_id == vantage_id, gaps.c.point_id.is_(None), gaps.c.start_at == start, gaps.c.cause == cause
    )
    found = sorted(connection.execute(query).all(), key=lambda row: row.end_at is not None)
    return (OpenGap(found[0].id, None, start, cause), found[0].end_at is None) if found else None


def edges(connection: Connection, vantage_id: int, since: int) -> list[tuple[int, str | None]]:
    """Return the starts and ends of a vantage's gaps from `since` on, with the point they are limited to."""
    query = (
        select(gaps.c.start_at, gaps.c.end_at, points.c.code)
        .outerjoin_from(gaps, points)
        .where(gaps.c.vantage_id == vantage_id, (gaps.c.start_at >= since) | (gaps.c.end_at >= since))
    )
    found: list[tuple[int, str | None]] = []
    for start, end, code in connection.execute(query):
        found.append((start, code))
        if end is not None:
            found.append((end, code))
    return found


def touching(connection: Connection, start: int, end: int) -> list[Gap]:
    """Return every vantage's gaps that meet [start, end) microseconds, by vantage and start."""
    query = (
        select(vantages.c.name, gaps.c.start_at, gaps.c.end_at, gaps.c.cause, points.c.code)
        .join_from(gaps, vantages, vantages.c.id == gaps.c.vantage_id)
        .outerjoin(points, points.c.id == gaps.c.point_id)
        .where(gaps.c.start_at < end, (gaps.c.end_at.is_(None)) | (gaps.c.end_at > start))
        .order_by(vantages.c.name, gaps.c.start_at, gaps.c.id)
    )
    return [Gap(*row) for row in connection.execute(query)]


def _report(
    connection: Connection,
    at: Instant,
    vantage: str,
    point: str | None,
    start: Instant,
    end: Instant | None,
    cause: str,
) -> None:
    body = {"cause": cause, "end": end, "point": point, "start": start, "vantage": vantage}
    report(connection, at, "gap", [body])
