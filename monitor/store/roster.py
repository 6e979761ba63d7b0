"""The point ledger asked: who was where, under which contract, served by which camera, at any two instants.

Every question has a time that it is about (valid) and may have a time as of which it is asked (`known_at`); without
that, all that is known now counts. Answers are in the order of the points' codes by bytes, then of time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from sys import intern
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from monitor.model import Instant
from monitor.period import ZONE, day_of
from monitor.points import CameraSpec, Occupancy, Pause, RosterPoint, Target
from monitor.scope import Scope
from monitor.store.identities import ROWS_AT_ONCE
from monitor.store.queries import among
from monitor.store.tables import billing_pauses, cameras, credentials, occupancies, point_facts, points

DATE_FACTS = frozenset({"first_accepted_on", "accepted_on", "billed_from", "billed_until", "retired_on"})
_PLAIN = (
    "name",
    "gb_code",
    "former_gb_code",
    "area",
    "address",
    "lon_e7",
    "lat_e7",
    "contract",
    "phase",
    "supplier",
    "upstream",
    "acceptance_no",
    "document",
)


def roster(
    connection: Connection,
    scope: Scope,
    start: Instant,
    end: Instant,
    known_at: Instant | None = None,
    zone: str = ZONE,
    only: Collection[str] | None = None,
) -> list[RosterPoint]:
    """Return the points in scope with the facts that held within [start, end), each span cut to it.

    With `only`, those with one of its codes. Retired points are among them: `accepted_on` and `retired_on` say when a point was in service.
    """
    found = _facts(connection, scope, and_(_overlaps(point_facts, start, end), among(only)), known_at, zone)
    return [_cut(point, start, end) for point in found if only is None or point.code in only]


def roster_at(
    connection: Connection, scope: Scope, at: Instant, known_at: Instant | None = None, zone: str = ZONE
) -> list[RosterPoint]:
    """Return the points in scope with the facts that held at an instant; `start` and `end` say how long they hold."""
    return _facts(connection, scope, _overlaps(point_facts, at, Instant(at + 1)), known_at, zone)


def upstreams(connection: Connection, scope: Scope, at: Instant) -> dict[str, str]:
    """Return the upstream device of each point in scope that names one at an instant, by the point's code."""
    query = (
        select(points.c.code, point_facts.c.upstream)
        .join(points, points.c.id == point_facts.c.point_id)
        .where(
            known(point_facts, None),
            _overlaps(point_facts, at, Instant(at + 1)),
            point_facts.c.upstream != "",
            *_visible(scope),
        )
    )
    # Interned: one text for all the points behind a device.
    return {intern(row.code): intern(row.upstream) for row in connection.execute(query)}


def occupancy(
    connection: Connection,
    scope: Scope,
    start: Instant,
    end: Instant,
    known_at: Instant | None = None,
    only: Collection[str] | None = None,
) -> list[Occupancy]:
    """Return which camera served which point within [start, end), cut to it and to when the point was in scope.

    With `only`, of the points with one of its codes.
    """
    query = (
        select(
            points.c.id,
            points.c.code,
            occupancies.c.camera_id,
            occupancies.c.valid_from,
            occupancies.c.valid_to,
            point_facts.c.valid_from.label("seen_from"),
            point_facts.c.valid_to.label("seen_to"),
        )
        .join(occupancies, occupancies.c.point_id == points.c.id)
        .join(point_facts, point_facts.c.point_id == points.c.id)
        .where(
            known(occupancies, known_at),
            known(point_facts, known_at),
            _overlaps(occupancies, start, end),
            _overlaps(point_facts, start, end),
            among(only),
            *_visible(scope),
        )
        .order_by(points.c.code, occupancies.c.valid_from, point_facts.c.valid_from)
    )
    result: list[Occupancy] = []
    for number, code, camera, first, last, seen_from, seen_to in connection.execute(query):
        begin = max(first, seen_from, start)
        finish = min(last if last is not None else end, seen_to if seen_to is not None else end, end)
        if begin >= finish or (only is not None and code not in only):
            continue
        before = result[-1] if result else None
        if before and (before.point_id, before.camera_id, before.end) == (number, camera, begin):
            result[-1] = Occupancy(number, code, camera, before.start, Instant(finish))
        else:
            result.append(Occupancy(number, code, camera, Instant(begin), Instant(finish)))
    return result


def targets(connection: Connection, scope: Scope, at: Instant) -> list[Target]:
    """Return what to probe at an instant: every point in scope whose camera has a stream address then."""
    return list(each_target(connection, scope, at))


def each_target(connection: Connection, scope: Scope, at: Instant) -> Iterator[Target]:
    """Yield what `targets` returns, a few rows in memory at a time; the connection is busy until the last."""
    query = (
        _serving(scope, at)
        .add_columns(credentials.c.username, credentials.c.nonce, credentials.c.cipher)
        .outerjoin(credentials, credentials.c.id == cameras.c.credential_id)
        .where(cameras.c.rtsp_url != "")
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for row in connection.execute(query):
        yield Target(
            row.point_id,
            intern(row.code),
            row.camera_id,
            row.rtsp_url,
            row.onvif_addr,
            row.username or "",
            bytes(row.nonce or b""),
            bytes(row.cipher or b""),
        )


def cameras_at(connection: Connection, scope: Scope, at: Instant) -> dict[str, CameraSpec]:
    """Return what is known of the camera that serves each point in scope at an instant, by the point's code."""
    return {
        row.code: CameraSpec(row.make, row.model, row.serial, row.macs, row.rtsp_url, row.onvif_addr)
        for row in connection.execute(_serving(scope, at))
    }


def _serving(scope: Scope, at: Instant) -> Any:
    return (
        select(points.c.id.label("point_id"), points.c.code, cameras.c.id.label("camera_id"))
        .add_columns(*(cameras.c[name] for name in ("make", "model", "serial", "macs", "rtsp_url", "onvif_addr")))
        .join(occupancies, occupancies.c.point_id == points.c.id)
        .join(cameras, cameras.c.id == occupancies.c.camera_id)
        .join(point_facts, point_facts.c.point_id == points.c.id)
        .where(
            known(occupancies, None),
            known(point_facts, None),
            _overlaps(occupancies, at, Instant(at + 1)),
            _overlaps(point_facts, at, Instant(at + 1)),
            *_visible(scope),
        )
        .order_by(points.c.code)
    )


def _facts(
    connection: Connection, scope: Scope, when: ColumnElement[bool], known_at: Instant | None, zone: str
) -> list[RosterPoint]:
    query = (
        select(point_facts, points.c.code)
        .join(points, points.c.id == point_facts.c.point_id)
        .where(known(point_facts, known_at), when, *_visible(scope))
        .order_by(points.c.code, point_facts.c.valid_from)
    )
    pauses = pauses_by_point(connection, known_at, zone)
    return [_roster_point(row, pauses) for row in connection.execute(query).mappings()]


def pauses_by_point(connection: Connection, known_at: Instant | None, zone: str) -> dict[int, list[tuple[int, Pause]]]:
    """Return every point's billing pauses with their rows, by the point's row, in order of time."""
    query = select(billing_pauses).where(known(billing_pauses, known_at)).order_by(billing_pauses.c.valid_from)
    found: dict[int, list[tuple[int, Pause]]] = {}
    for row in connection.execute(query):
        until = None if row.valid_to is None else day_of(row.valid_to, zone)
        found.setdefault(row.point_id, []).append((row.id, Pause(day_of(row.valid_from, zone), until)))
    return found


def _roster_point(row: Mapping[Any, Any], pauses: Mapping[int, list[tuple[int, Pause]]]) -> RosterPoint:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {name: date.fromisoformat(row[name]) if row[name] else None for name in DATE_FACTS}
    return RosterPoint(
        row["point_id"],
        row["code"],
        Instant(row["valid_from"]),
        None if row["valid_to"] is None else Instant(row["valid_to"]),
        category=row["class"],
        extra=json.loads(row["extra"]),
        pauses=tuple(pause for _, pause in pauses.get(row["point_id"], ())),
        **values,
    )


def _cut(point: RosterPoint, start: Instant, end: Instant) -> RosterPoint:
    last = end if point.end is None else Instant(min(point.end, end))
    if point.start >= start and point.end == last:
        return point
    values = {name: getattr(point, name) for name in RosterPoint.__slots__}
    return RosterPoint(**{**values, "start": Instant(max(point.start, start)), "end": last})


def known(table: Table, known_at: Instant | None) -> ColumnElement[bool]:
    """Return the condition that a row of a bitemporal table was known at an instant, or is known now."""
    if known_at is None:
        return table.c.superseded_at.is_(None)
    later = or_(table.c.superseded_at.is_(None), table.c.superseded_at > known_at)
    return and_(table.c.recorded_at <= known_at, later)


def _overlaps(table: Table, start: Instant, end: Instant) -> ColumnElement[bool]:
    return and_(table.c.valid_from < end, or_(table.c.valid_to.is_(None), table.c.valid_to > start))


def _visible(scope: Scope) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if scope.contracts is not None:
        conditions.append(point_facts.c.contract.in_(sorted(scope.contracts)))
    if scope.areas is not None:
        conditions.append(point_facts.c.area.in_(sorted(scope.areas)))
    if scope.supplier is not None:
        conditions.append(point_facts.c.supplier == scope.supplier)
    return conditions
