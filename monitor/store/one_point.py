"""One point's part of the ledger, read by itself: its dated facts, its devices, its pauses, and a mark of all that is stored.

For a page that shows one point: nothing here reads the ledger as a whole. What a scope does not see of a point is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, null, or_, select

from monitor.model import Gap, Instant
from monitor.points import Pause, RosterPoint, host_of
from monitor.scope import Scope
from monitor.store.claims import Claim
from monitor.store.given import given_to
from monitor.store.identities import outcomes_by_id
from monitor.store.queries import PointHistory
from monitor.store.roster import DATE_FACTS, known
from monitor.store.tables import (
    billing_pauses,
    cameras,
    exclusions,
    gaps,
    occupancies,
    point_facts,
    points,
    runs,
    vantages,
)

_NAMES = frozenset(RosterPoint.__slots__) - {"id", "code", "start", "end", "category", "extra", "pauses"} - DATE_FACTS


class Device(NamedTuple):
    """A camera's time at a point, [start, end); `end` None is still there. `host` is its address without a login."""

    camera: int
    make: str
    model: str
    serial: str
    macs: str
    host: str
    start: Instant
    end: Instant | None


class BillingPause(NamedTuple):
    """Instants [start, end) for which a point is not billed, and the paper that says so."""

    start: Instant
    end: Instant | None
    document: str


def stretches(connection: Connection, scope: Scope, code: str) -> list[RosterPoint]:
    """Return a point's facts as known now, one per stretch, in order of time: those that the scope sees; none if none."""
    f = point_facts.c
    conditions = [points.c.code == code, known(point_facts, None)]
    if scope.contracts is not None:
        conditions.append(f.contract.in_(sorted(scope.contracts)))
    if scope.areas is not None:
        conditions.append(f.area.in_(sorted(scope.areas)))
    if scope.supplier is not None:
        conditions.append(f.supplier == scope.supplier)
    query = select(point_facts, points.c.code).join(points, points.c.id == f.point_id).where(*conditions)
    return [stretch_of(row) for row in connection.execute(query.order_by(f.valid_from)).mappings()]


def stretch_of(row: Mapping[Any, Any]) -> RosterPoint:
    """Return a row of point_facts, with its point's code, as a stretch of facts without pauses."""
    values: dict[str, Any] = {name: row[name] for name in _NAMES}
    values |= {name: date.fromisoformat(row[name]) if row[name] else None for name in DATE_FACTS}
    end = None if row["valid_to"] is None else Instant(row["valid_to"])
    return RosterPoint(
        row["point_id"],
        row["code"],
        Instant(row["valid_from"]),
        end,
        category=row["class"],
        extra=json.loads(row["extra"]),
        **values,
    )


def devices(connection: Connection, number: int) -> list[Device]:
    """Return the devices that served a point, by its row, in order of time."""
    o, c = occupancies.c, cameras.c
    query = (
        select(c.id, c.make, c.model, c.serial, c.macs, c.rtsp_url, o.valid_from, o.valid_to)
        .join_from(occupancies, cameras)
        .where(o.point_id == number, known(occupancies, None))
        .order_by(o.valid_from)
    )
    return [
        Device(camera, make, model, serial, macs, host_of(url), Instant(start), None if end is None else Instant(end))
        for camera, make, model, serial, macs, url, start, end in connection.execute(query)
    ]


def pauses(connection: Connection, number: int) -> list[BillingPause]:
    """Return a point's billing pauses, by its row, in order of time."""
    p = billing_pauses.c
    query = (
        select(p.valid_from, p.valid_to, p.document)
        .where(p.point_id == number, known(billing_pauses, None))
        .order_by(p.valid_from)
    )
    return [BillingPause(*row) for row in connection.execute(query)]


def as_days(found: Sequence[BillingPause], day_of: Any) -> tuple[Pause, ...]:
    """Return pauses as days; `day_of` gives an instant's day."""
    return tuple(Pause(day_of(row.start), None if row.end is None else day_of(row.end)) for row in found)


def claims(connection: Connection, code: str) -> list[Claim]:
    """Return every exclusion, reclassification and withdrawal of a point, oldest first, each as it stands."""
    x = exclusions.c
    query = select(exclusions).where(x.scope_id == code, x.scope_kind == "point").order_by(x.id)
    rows = list(connection.execute(query))
    taken_back = {row.revokes: row for row in rows if row.revokes is not None}
    return [
        Claim(
            row.id,
            row.scope_id,
            Instant(row.start_at),
            Instant(row.end_at),
            row.cause,
            row.document_sha or "",
            row.claimed_by,
            Instant(row.claimed_at),
            row.approved_by or "",
            row.revokes,
            _status(row, taken_back.get(row.id)),
            row.to_state or "",
            None if row.approved_at is None else Instant(row.approved_at),
        )
        for row in rows
    ]


def _status(row: Any, taken_back: Any) -> str:
    """A withdrawal of what was approved counts once it is approved itself; of what nobody approved, at once."""
    if row.revokes is not None:
        return "revocation"
    if taken_back is not None and (taken_back.approved_by is not None or row.approved_by is None):
        return "withdrawn"
    return "pending" if row.approved_by is None else "approved"


def history(connection: Connection, number: int, code: str) -> PointHistory:
    """Return all that was ever seen of a point: its runs, the gaps that hold for it, what was given to its unknown time.

    A point has a few hundred runs a year; for the seldom one with very many, read a window (monitor/store/queries.py).
    """
    names = {row.id: row.name for row in connection.execute(select(vantages.c.id, vantages.c.name))}
    r, g = runs.c, gaps.c
    query = (
        select(
            r.point_id, r.vantage_id, r.first_at, r.last_at, r.n, r.outcome_id, r.valid_s, r.camera_id, null(), null()
        )
        .where(r.point_id == number)
        .order_by(r.vantage_id, r.first_at)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    blind = (
        select(g.vantage_id, g.point_id, g.start_at, g.end_at, g.cause)
        .where(or_(g.point_id.is_(None), g.point_id == number))
        .order_by(g.start_at, g.id)
    )
    found = [
        Gap(names[vantage], start, end, cause, None if point is None else code)
        for vantage, point, start, end, cause in connection.execute(blind)
    ]
    given = given_to(connection, [code]).get(code, ())
    return PointHistory(code, rows, found if rows else (), names, outcomes_by_id(connection), given)


def mark(connection: Connection, number: int, code: str) -> tuple[Any, ...]:
    """Return what changes whenever anything stored that a point's timeline is made from changes: equal marks, equal history."""
    r, x, g = runs.c, exclusions.c, gaps.c
    seen = select(func.count(), func.max(r.last_at), func.sum(r.n)).where(r.point_id == number)
    claimed = select(func.count(), func.count(x.approved_at), func.max(x.approved_at)).where(x.scope_id == code)
    blind = select(func.count(), func.count(g.end_at), func.max(g.end_at)).where(
        or_(g.point_id.is_(None), g.point_id == number)
    )
    parts = [connection.execute(query).one() for query in (seen, claimed, blind)]
    for table in (point_facts, occupancies, billing_pauses):
        t = table.c
        query = select(func.count(), func.max(t.recorded_at), func.max(t.superseded_at)).where(t.point_id == number)
        parts.append(connection.execute(query).one())
    return tuple(int(value or 0) for part in parts for value in part)
