"""What devices said of themselves in the store: filled in, changed, never cleared; on both databases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from console.store.audit import Audit
from monitor.finding import InputError
from monitor.model import Instant
from monitor.points import CameraSpec
from monitor.store.database import reading
from monitor.store.identity import known_hosts, record_identity
from monitor.store.tables import cameras, occupancies, points
from monitor.store.writer import Writer
from tests.stores.made import at

if TYPE_CHECKING:
    from tests.stores.conftest import Store

NOW = at(1_000)


def add_camera(writer: Writer, *codes: str, **values: str) -> int:
    """Add a camera that has served these points since T0, and the point before until then."""
    with writer.transaction() as connection:
        number = int(connection.execute(insert(cameras).values(values).returning(cameras.c.id)).scalar_one())
        for code in codes:
            point = connection.execute(points.select().where(points.c.code == code)).one().id
            connection.execute(
                insert(occupancies).values(
                    point_id=point, camera_id=number, valid_from=at(0), recorded_at=at(0), actor="t"
                )
            )
    return number


def told(writer: Writer, camera: int, when: Instant = NOW, **values: str) -> dict[str, tuple[str, str]]:
    with writer.transaction() as connection:
        return dict(
            record_identity(
                connection, camera, CameraSpec(**values), at=when, source="onvif", actor="watch", audit=Audit("test")
            )
        )


def stored(store: Store) -> list[tuple[object, ...]]:
    return store.rows("SELECT make, model, serial, macs FROM cameras ORDER BY id")


def events(store: Store) -> list[tuple[object, ...]]:
    return store.rows("SELECT e.kind, p.code, e.at FROM events e LEFT JOIN points p ON p.id = e.point_id ORDER BY 2")


def test_what_was_empty_is_filled_in_and_that_is_no_event(store: Store) -> None:
    store.add_points("P1")
    writer = store.writer()
    camera = add_camera(writer, "P1")
    assert told(writer, camera, make="海康", serial="S1", macs="AA:BB:CC:00:00:01") == {
        "make": ("", "海康"),
        "serial": ("", "S1"),
        "macs": ("", "AA:BB:CC:00:00:01"),
    }
    assert stored(store) == [("海康", "", "S1", "AA:BB:CC:00:00:01")]
    assert events(store) == []
    ((action, thing, before, after),) = store.rows("SELECT action, object, before, after FROM audit")
    assert (action, thing) == ("camera.identity", f"camera:{camera}")
    assert json.loads(str(before)) == {"make": "", "serial": "", "macs": ""}
    assert json.loads(str(after))["serial"] == "S1"


def test_another_device_is_an_event_for_every_point_it_serves(store: Store) -> None:
    store.add_points("P1", "P2", "P3")
    writer = store.writer()
    camera = add_camera(writer, "P1", "P2", serial="S1", make="海康")
    for _ in range(3):
        assert told(writer, camera, serial="S2", model="M") == {"serial": ("S1", "S2")}
    assert stored(store) == [("海康", "", "S1", "")], "the ledger stays the offices'"
    assert events(store) == [("identity-changed", code, NOW) for code in ("P1", "P2")]


def test_macs_that_share_one_are_the_same_device(store: Store) -> None:
    store.add_points("P1")
    writer = store.writer()
    camera = add_camera(writer, "P1", macs="AA:BB:CC:00:00:01,AA:BB:CC:00:00:02")
    assert told(writer, camera, macs="AA:BB:CC:00:00:02,AA:BB:CC:00:00:03", model="M") == {"model": ("", "M")}
    assert told(writer, camera, macs="AA:BB:CC:00:00:09") != {}
    assert len(events(store)) == 1


def test_the_same_again_and_what_was_not_told_change_nothing(store: Store) -> None:
    store.add_points("P1")
    writer = store.writer()
    camera = add_camera(writer, "P1", serial="S1", make="海康", macs="AA:BB:CC:00:00:01")
    assert told(writer, camera, serial="S1") == {}
    assert told(writer, camera) == {}
    assert stored(store) == [("海康", "", "S1", "AA:BB:CC:00:00:01")]
    assert (events(store), store.rows("SELECT count(*) FROM audit")) == ([], [(0,)])


def test_a_camera_that_serves_no_point_now_leaves_an_event_without_one(store: Store) -> None:
    store.add_points("P1")
    writer = store.writer()
    camera = add_camera(writer, "P1", serial="S1")
    told(writer, camera, at(-10), serial="S2")
    assert events(store) == [("identity-changed", None, at(-10))]


def test_each_further_device_is_an_event_of_its_own(store: Store) -> None:
    store.add_points("P1")
    writer = store.writer()
    camera = add_camera(writer, "P1", serial="S1")
    told(writer, camera, serial="S2")
    told(writer, camera, at(2_000), serial="S3")
    told(writer, camera, at(3_000), serial="S1")
    assert events(store) == [("identity-changed", "P1", NOW), ("identity-changed", "P1", at(2_000))]
    assert stored(store) == [("", "", "S1", "")]


def test_only_identity_is_written_never_the_address(store: Store) -> None:
    writer = store.writer()
    camera = add_camera(writer, rtsp_url="rtsp://10.0.0.1/a")
    assert told(writer, camera, rtsp_url="rtsp://192.0.2.1/b", onvif_addr="http://192.0.2.1/", make="X") == {
        "make": ("", "X")
    }
    assert store.rows("SELECT rtsp_url, onvif_addr FROM cameras") == [("rtsp://10.0.0.1/a", "")]


def test_a_camera_that_does_not_exist_is_refused(store: Store) -> None:
    with pytest.raises(InputError):
        told(store.writer(), 7, serial="S")


def test_the_ledgers_hosts(store: Store) -> None:
    writer = store.writer()
    add_camera(writer, rtsp_url="rtsp://10.0.0.1:554/a", onvif_addr="http://10.0.0.2:8000/onvif/device_service")
    add_camera(writer, rtsp_url="rtsp://Camera.LAN/a", onvif_addr="10.0.0.3:80")
    add_camera(writer, serial="S")
    with reading(store.engine) as connection:
        assert known_hosts(connection) == {"10.0.0.1", "10.0.0.2", "camera.lan", "10.0.0.3"}
