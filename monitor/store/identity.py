"""What devices said of themselves, kept with the cameras; and which hosts the ledger knows already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import Connection, insert, or_, select, update

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
    """Fill in make, model, serial and MACs where the ledger has nothing; return the fields as (old, new).

    The ledger is the offices': what stands there is never overwritten, because the next import would take the difference
    for a replaced camera. A device that names another serial, or none of the known MACs, is an event
    `identity-changed` for each point that the camera serves at `at` (without point if it serves none), once for each
    identity told, and nothing of it is stored: a change order decides. `source` is said in the event. Raises InputError
    for a camera that does not exist.
    """
    row = connection.execute(select(cameras).where(cameras.c.id == camera_id)).mappings().one_or_none()
    if row is None:
        raise refuse(f"没有编号为 {camera_id} 的设备 no such camera", "核对编号 check the number", column="camera")
    if _is_other(row["serial"], row["macs"], told):
        text = "\0".join(getattr(told, name) for name in FIELDS)
        named = f"{source}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        for point in _points(connection, camera_id, at) or [None]:
            _add_event(connection, point, at, named)
        return {
            name: (row[name], new) for name in ("serial", "macs") if (new := getattr(told, name)) and new != row[name]
        }
    filled = {name: new for name in FIELDS if (new := getattr(told, name)) and not row[name]}
    if not filled:
        return {}
    connection.execute(update(cameras).where(cameras.c.id == camera_id).values(filled))
    audit(
        connection,
        at=at,
        actor=actor,
        action="camera.identity",
        object=f"camera:{camera_id}",
        before=dict.fromkeys(filled, ""),
        after=filled,
    )
    return {name: ("", new) for name, new in filled.items()}


def _is_other(serial: str, macs: str, told: CameraSpec) -> bool:
    if serial and told.serial and serial != told.serial:
        return True
    return bool(macs and told.macs and not set(macs.split(",")) & set(told.macs.split(",")))


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
    """Add the event unless the point's newest one says the same already."""
    same_point = events.c.point_id.is_(None) if point is None else events.c.point_id == point
    newest = (
        select(events.c.source)
        .where(events.c.kind == IDENTITY_CHANGED, same_point)
        .order_by(events.c.at.desc(), events.c.id.desc())
        .limit(1)
    )
    if connection.scalar(newest) != source:
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
