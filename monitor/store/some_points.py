"""The ledger's facts and devices of some points by their codes: a page of a table, or a filtered export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, or_, select

from monitor.model import Instant
from monitor.points import CameraSpec, RosterPoint
from monitor.store.one_point import stretch_of
from monitor.store.roster import known
from monitor.store.tables import cameras, occupancies, point_facts, points

CHUNK = 500


def facts_at(connection: Connection, codes: Sequence[str], at: Instant) -> dict[str, RosterPoint]:
    """Return the facts that hold at an instant, by code; points without any then are left out."""
    f = point_facts.c
    found: dict[str, RosterPoint] = {}
    for chunk in _chunks(codes):
        query = (
            select(point_facts, points.c.code)
            .join(points, points.c.id == f.point_id)
            .where(
                points.c.code.in_(chunk),
                known(point_facts, None),
                f.valid_from <= at,
                or_(f.valid_to.is_(None), f.valid_to > at),
            )
        )
        found |= {row["code"]: stretch_of(row) for row in connection.execute(query).mappings()}
    return found


def cameras_at(connection: Connection, codes: Sequence[str], at: Instant) -> dict[str, CameraSpec]:
    """Return the devices that serve points at an instant, by code."""
    o, c = occupancies.c, cameras.c
    found: dict[str, CameraSpec] = {}
    for chunk in _chunks(codes):
        query = (
            select(points.c.code, c.make, c.model, c.serial, c.macs, c.rtsp_url, c.onvif_addr)
            .join_from(points, occupancies, o.point_id == points.c.id)
            .join(cameras, c.id == o.camera_id)
            .where(
                points.c.code.in_(chunk),
                known(occupancies, None),
                o.valid_from <= at,
                or_(o.valid_to.is_(None), o.valid_to > at),
            )
        )
        found |= {code: CameraSpec(*spec) for code, *spec in connection.execute(query)}
    return found


def _chunks(codes: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(codes), CHUNK):
        yield list(codes[start : start + CHUNK])
