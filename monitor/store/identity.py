"""What devices said of themselves, kept with the cameras; and which hosts the ledger knows already."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, and_, insert, or_, select, update

from monitor.finding import refuse
from monitor.model import Instant
from monitor.points import CameraSpec, host_of
from monitor.store.audit import AuditSink
from monitor.store.tables import cameras, events, occupancies

IDENTITY_CHANGED = "identity-changed"
FIELDS = ("make", "model", "serial", "macs")


def record_identity(
    connection: Connection,
    camera_id: int,
    told: CameraSpec,
    *,
    at: Instant,
    source: str,
    actor: str,
    audit: AuditSink,
) -> Mapping[str, tuple[str, str]]:
    """Store make, model, serial and MACs where they were empty or are others now; return those fields as (old, new).

    What was not told clears nothing. Every change is audited. If a field that was known is another now, an event
    `identity-changed` is added for each point that the camera serves at `at` (without point if it serves none): somebody may
    have changed the device. Filling in what was empty is no event. Raises InputError for a camera that does not exist.
    """
    row = connection.execute(select(cameras).where(cameras.c.id == camera_id)).mappings().one_or_none()
    if row is None:
        raise refuse(f"没有编号为 {camera_id} 的设备 no such camera", "核对编号 check the number", column="camera")
    changes = {name: (row[name], new) for name in FIELDS if (new := getattr(told, name)) and new != row[name]}
    if not changes:
        return {}
    connection.execute(
        update(cameras).where(cameras.c.id == camera_id).values({name: new for name, (_, new) in changes.items()})
    )
    audit(
        connection,
        at=at,
        actor=actor,
        action="camera.identity",
        object=f"camera:{camera_id}",
        before={name: old for name, (old, _) in changes.items()},
        after={name: new for name, (_, new) in changes.items()},
    )
    if any(old for old, _ in changes.values()):
        for point in _points(connection, camera_id, at) or [None]:
            _add_event(connection, point, at, source)
    return changes


def _points(connection: Connection, camera_id: int, at: Instant) -> list[int | None]:
    query = (
        select(occupancies.c.point_id)
        .where(
            occupancies.c.camera_id == camera_id,
            occupancies.c.superseded_at.is_(None),
            occupancies.c.valid_from <= at,
            or_(occupancies.c.valid_to.is_(None), occupancies.c.valid_to > at),
        )
        .distinct()
        .order_by(occupancies.c.point_id)
    )
    return list(connection.execute(query).scalars())


def _add_event(connection: Connection, point: int | None, at: Instant, source: str) -> None:
    same_point = events.c.point_id.is_(None) if point is None else events.c.point_id == point
    there = select(events.c.id).where(
        and_(events.c.source == source, events.c.kind == IDENTITY_CHANGED, events.c.at == at, same_point)
    )
    if connection.execute(there).first() is None:
        connection.execute(
            insert(events).values(kind=IDENTITY_CHANGED, point_id=point, at=at, source=source, recorded_at=at)
        )


def known_hosts(connection: Connection) -> frozenset[str]:
    """Return the hosts of every camera's stream and ONVIF addresses, in lower case, as they are written there."""
    hosts: set[str] = set()
    for stream, service in connection.execute(select(cameras.c.rtsp_url, cameras.c.onvif_addr)):
        for address in (stream, service):
            if address:
                hosts.add(host_of(address if "://" in address else f"http://{address}"))
    return frozenset(hosts - {""})
