"""What was known of an upstream device at an instant."""

from __future__ import annotations

from monitor.store.database import reading
from monitor.store.happenings import upstream_seen, upstreams_down
from tests.stores.made import at


def test_what_is_recorded_later_was_not_known(store):
    writer = store.writer()
    with writer.transaction() as connection:
        upstream_seen(connection, "v", "switch", at(100), alive=False, recorded_at=at(110))
        upstream_seen(connection, "v", "switch", at(200), alive=True, recorded_at=at(210))

    def down(known_at=None):
        with reading(store.engine) as connection:
            spans = upstreams_down(connection, at(0), at(1_000), None if known_at is None else at(known_at))
        return [(a - at(0) // 1_000_000, b - at(0) // 1_000_000) for a, b in spans.get("switch", [])]

    assert down() == [(100, 200)]
    assert down(109) == []
    assert down(110) == [(100, 1_000)]
    assert down(199) == [(100, 1_000)]
    assert down(200) == [(100, 200)]
