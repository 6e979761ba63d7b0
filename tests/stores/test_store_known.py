"""What was known at an instant: exclusions by their approval, gaps by their recording, runs by sight or by import."""

from __future__ import annotations

from sqlalchemy import insert, text

from monitor.model import Exclusion
from monitor.origin import Origin
from monitor.scope import EVERYTHING
from monitor.store import exclusions
from monitor.store.database import connect
from monitor.store.imports import import_runs
from monitor.store.queries import timeline_inputs
from monitor.store.tables import gaps
from tests.stores.made import at, run, sample

WINDOW = (at(0), at(10_000))


def spans(store, known=None):
    with connect(store.engine) as connection, connection.begin():
        return [row.cause for row in exclusions.exclusions_for(connection, EVERYTHING, WINDOW, known)]


def test_an_exclusion_counts_from_its_approval_until_its_withdrawal_is_approved(store):
    store.add_points("a")
    writer = store.writer()
    with writer.transaction() as connection:
        rows = [Exclusion("a", at(0), at(60), "power")]
        (number,) = exclusions.claim(
            connection, writer.audit, rows, actor="x", at=at(100), origin=Origin("f", "0" * 64)
        )
    with writer.transaction() as connection:
        exclusions.approve(connection, writer.audit, [number], actor="y", at=at(200))
    with writer.transaction() as connection:
        back = exclusions.revoke(connection, writer.audit, number, actor="x", at=at(300), reason="wrong")
    with writer.transaction() as connection:
        exclusions.approve(connection, writer.audit, [back], actor="y", at=at(400))
    assert spans(store) == []
    known = [(second, spans(store, at(second))) for second in (100, 199, 200, 300, 399, 400, 500)]
    assert [second for second, found in known if found] == [200, 300, 399]


def histories(store, known=None):
    with connect(store.engine) as connection, connection.begin():
        found = timeline_inputs(connection, EVERYTHING, WINDOW, known_at=known)
        return {
            history.code: (
                [(r.vantage, (r.first - at(0)) // 10**6, (r.last - at(0)) // 10**6, r.count) for r in history.runs],
                [(g.start - at(0)) // 10**6 for g in history.gaps],
            )
            for history in found
        }


def test_runs_are_cut_to_what_had_been_seen(store):
    store.add_points("a")
    writer = store.writer()
    writer.resume("local", at(0))
    for seq, second in enumerate(range(0, 601, 60), 1):
        why = "timeout" if second == 480 else "ok"
        writer.commit_batch("local", seq, [sample("a", second, why)], flush=True)
    assert histories(store)["a"][0] == [("local", 0, 420, 8), ("local", 480, 480, 1), ("local", 540, 600, 2)]
    assert histories(store, at(540))["a"][0] == [("local", 0, 420, 8), ("local", 480, 480, 1), ("local", 540, 540, 1)]
    assert histories(store, at(300))["a"][0] == [("local", 0, 300, 6)]
    assert histories(store, at(-1))["a"][0] == []


def test_an_import_is_known_when_it_was_imported_and_a_gap_when_it_was_recorded(store):
    store.add_points("a")
    writer = store.writer()
    for name, first, when in (("one", 0, 1_000), ("two", 600, 5_000)):
        with writer.transaction() as connection:
            origin = Origin(name, name.ljust(64, "0"))
            rows = [run("a", first, first + 300)]
            import_runs(connection, writer.audit, rows, actor="x", at=at(when), origin=origin)
    with writer.transaction() as connection:
        (vantage,) = connection.scalars(text("SELECT id FROM vantages")).all()
        values = {"start_at": at(100), "end_at": at(160), "cause": "clock", "recorded_at": at(3_000)}
        connection.execute(insert(gaps).values(vantage_id=vantage, **values))
    both, one = [("import", 0, 300, 6), ("import", 600, 900, 6)], [("import", 0, 300, 6)]
    assert histories(store)["a"] == (both, [100])
    assert histories(store, at(5_000))["a"] == (both, [100])
    assert histories(store, at(4_999))["a"] == (one, [100])
    assert histories(store, at(2_999))["a"] == (one, [])
    assert histories(store, at(999))["a"] == ([], [])
