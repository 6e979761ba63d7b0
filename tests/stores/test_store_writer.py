"""Batches, runs and gaps through the Writer."""

from __future__ import annotations

import json
import os

import pytest
from sqlalchemy import text

from monitor.finding import InputError
from monitor.store.batch import unpack
from monitor.store.live import Boot
from monitor.store.writer import ConflictError, Writer
from tests.stores.made import T0, at, sample

RUNS = (
    "SELECT p.code, r.first_at, r.last_at, r.n, o.reason FROM runs r JOIN points p ON p.id = r.point_id"
    " JOIN outcomes o ON o.id = r.outcome_id ORDER BY 1, 2"
)
GAPS = "SELECT g.start_at, g.end_at, g.cause, p.code FROM gaps g LEFT JOIN points p ON p.id = g.point_id ORDER BY 1, 3"


def runs(store):
    return [
        (code, (first - T0) // 1_000_000, (last - T0) // 1_000_000, n, why)
        for code, first, last, n, why in store.rows(RUNS)
    ]


def gaps(store):
    return [
        ((start - T0) // 1_000_000, None if end is None else (end - T0) // 1_000_000, cause, code)
        for start, end, cause, code in store.rows(GAPS)
    ]


def records(store, kind):
    return [json.loads(body) for (body,) in store.rows(f"SELECT body FROM outbox WHERE kind = '{kind}' ORDER BY id")]


def ready(store, *codes):
    store.add_points(*(codes or ("a", "b")))
    writer = store.writer()
    assert writer.resume("local", at(0)) == 1
    return writer


def test_a_batch_is_acknowledged_and_there(store):
    writer = ready(store)
    sent = [sample("b", 1), sample("a", 0)]
    ack = writer.commit_batch("local", 1, sent)
    assert (ack.vantage, ack.seq, ack.n) == ("local", 1, 2)
    ((body, sha256),) = store.rows("SELECT body, sha256 FROM batches")
    assert sha256 == ack.sha256
    assert unpack(bytes(body), sha256) == [sample("a", 0), sample("b", 1)]
    assert writer.next_seq("local") == 2


def test_the_same_batch_again_is_acknowledged_without_effect(store):
    writer = ready(store)
    first = writer.commit_batch("local", 1, [sample("a", 0), sample("b", 1)])
    writer.commit_batch("local", 2, [sample("a", 60)], flush=True)
    before = store.rows("SELECT * FROM batches"), runs(store), store.rows("SELECT * FROM outbox")
    again = writer.commit_batch("local", 1, [sample("b", 1), sample("a", 0), sample("a", 0)])
    assert again == first
    assert (store.rows("SELECT * FROM batches"), runs(store), store.rows("SELECT * FROM outbox")) == before
    assert writer.next_seq("local") == 3


def test_the_same_number_with_other_results_is_an_error(store):
    writer = ready(store)
    writer.commit_batch("local", 1, [sample("a", 0)])
    with pytest.raises(ConflictError, match="other results"):
        writer.commit_batch("local", 1, [sample("a", 0, "timeout")])
    with pytest.raises(ConflictError, match="2 comes next"):
        writer.commit_batch("local", 3, [sample("a", 60)])
    assert store.rows("SELECT count(*) FROM batches") == [(1,)]
    writer.commit_batch("local", 2, [sample("a", 60)])


def test_an_unknown_point_stops_the_whole_batch(store):
    writer = ready(store)
    with pytest.raises(InputError, match="stranger"):
        writer.commit_batch("local", 1, [sample("a", 0), sample("stranger", 0)])
    assert store.rows("SELECT count(*) FROM batches") == [(0,)]
    store.add_points("stranger")
    writer.commit_batch("local", 1, [sample("a", 0), sample("stranger", 0)])
    assert [row[0] for row in runs(store)] == ["a", "stranger"]


def test_runs_grow_in_memory_and_are_written_on_change_and_flush(store):
    writer = ready(store)
    writer.commit_batch("local", 1, [sample("a", 0), sample("b", 0)])
    writer.commit_batch("local", 2, [sample("a", 60), sample("b", 60)])
    assert runs(store) == [("a", 0, 0, 1, "ok"), ("b", 0, 0, 1, "ok")]
    writer.commit_batch("local", 3, [sample("a", 120), sample("b", 120, "timeout")])
    assert runs(store) == [("a", 0, 0, 1, "ok"), ("b", 0, 60, 2, "ok"), ("b", 120, 120, 1, "timeout")]
    assert store.rows("SELECT projected_seq FROM projections") == [(0,)]
    writer.commit_batch("local", 4, [sample("b", 180, "timeout")], flush=True)
    assert runs(store) == [("a", 0, 120, 3, "ok"), ("b", 0, 60, 2, "ok"), ("b", 120, 180, 2, "timeout")]
    assert store.rows("SELECT projected_seq FROM projections") == [(4,)]


def test_project_brings_everything_up_to_date(store):
    writer = ready(store)
    for seq in range(1, 6):
        writer.commit_batch("local", seq, [sample("a", 60 * seq)])
    assert writer.project("local", at(400)) == 5
    assert runs(store) == [("a", 60, 300, 5, "ok")]
    assert store.rows("SELECT projected_seq FROM projections") == [(5,)]


def test_opening_a_run_leaves_a_transition_record(store):
    writer = ready(store)
    writer.commit_batch("local", 1, [sample("a", 0), sample("a", 60, "refused"), sample("a", 500)])
    expected = [("unknown", "online", "ok", 0), ("online", "offline", "refused", 60), ("unknown", "online", "ok", 500)]
    written = records(store, "tr")
    assert [(r["from"], r["to"], r["reason"], (r["t"] - T0) // 1_000_000) for r in written] == expected
    assert {(r["point"], r["vantage"], r["rung"], r["valid"]) for r in written} == {("a", "local", "describe", 130)}
    assert [(r["last"], r["n"]) for r in written] == [(None, None), (at(0), 1), (at(60), 1)]
    assert {(r["camera"], r["boot"], r["mono"]) for r in written} == {("", None, None)}


def test_a_transition_tells_how_far_the_run_before_had_grown(store):
    writer = ready(store)
    with writer.transaction() as connection:
        connection.execute(text("INSERT INTO cameras (id) VALUES (7)"))
    for seq in (1, 2, 3):
        writer.commit_batch("local", seq, [sample("a", 60 * seq, camera="7")])
    writer.commit_batch("local", 4, [sample("a", 240, "timeout", camera="7")])
    newest = records(store, "tr")[-1]
    assert (newest["last"], newest["n"], newest["camera"]) == (at(180), 3, "7")
    assert store.rows("SELECT last_at, n FROM runs ORDER BY first_at")[0] == (at(180), 3)


def test_transitions_name_the_boot_by_which_results_are_timed(store):
    store.add_points("a")
    writer = store.writer()
    writer.resume("local", at(0), boot=Boot("b1", at(-1_000), at(0)))
    writer.commit_batch("local", 1, [sample("a", 2.5)])
    with pytest.raises(ZeroDivisionError), writer.transaction():
        raise ZeroDivisionError  # what is known in memory is read anew after a failure
    writer.commit_batch("local", 2, [sample("a", 60, "timeout")])
    assert [(r["boot"], r["mono"]) for r in records(store, "tr")] == [("b1", 1_002_500_000), ("b1", 1_060_000_000)]


def test_a_gap_divides_a_run(store):
    writer = ready(store)
    writer.commit_batch("local", 1, [sample("a", 0), sample("b", 0)])
    gap = writer.open_gap("local", at(10), "lag", at=at(12))
    writer.close_gap("local", gap, at(30), at=at(30))
    writer.add_gap("local", at(70), at(80), "lag", "b", at=at(80))
    writer.commit_batch("local", 2, [sample("a", 60), sample("b", 60)])
    writer.commit_batch("local", 3, [sample("a", 120), sample("b", 120)], flush=True)
    assert runs(store) == [
        ("a", 0, 0, 1, "ok"),
        ("a", 60, 120, 2, "ok"),
        ("b", 0, 0, 1, "ok"),
        ("b", 60, 60, 1, "ok"),
        ("b", 120, 120, 1, "ok"),
    ]
    assert gaps(store) == [(10, 30, "lag", None), (70, 80, "lag", "b")]
    assert [(r["start"], r["end"], r["point"]) for r in records(store, "gap")] == [
        (at(10), None, None),
        (at(10), at(30), None),
        (at(70), at(80), "b"),
    ]


def test_gaps_of_a_batch_are_stored_with_it_and_once(store):
    writer = ready(store)
    for _ in range(2):
        writer.commit_batch("local", 1, [sample("a", 0)], gaps_seen=[(at(1), at(5), "suspend")])
    writer.add_gap("local", at(1), at(5), "suspend", at=at(9))
    assert gaps(store) == [(1, 5, "suspend", None)]
    assert len(records(store, "gap")) == 1


@pytest.mark.parametrize("end", [10, 9])
def test_a_gap_must_end_after_its_start(store, end):
    writer = ready(store)
    with pytest.raises(ValueError, match="after its start"):
        writer.add_gap("local", at(10), at(end), "lag", at=at(10))
    gap = writer.open_gap("local", at(10), "lag", at=at(10))
    with pytest.raises(ValueError, match="after its start"):
        writer.close_gap("local", gap, at(end), at=at(10))
    writer.close_gap("local", gap, at(11), at=at(11))
    with pytest.raises(ValueError, match="not open"):
        writer.close_gap("local", gap, at(12), at=at(12))
    assert gaps(store) == [(10, 11, "lag", None)]


def test_results_come_after_resume(store):
    store.add_points("a")
    writer = store.writer()
    with pytest.raises(RuntimeError, match="resume"):
        writer.commit_batch("local", 1, [sample("a", 0)])


def test_a_second_writer_is_told_who_and_what_to_do(store):
    store.writer()
    with pytest.raises(InputError) as caught:
        store.writer()
    assert f"pid {os.getpid()}" in str(caught.value)
    assert "stop it" in str(caught.value)


def test_a_second_writer_on_another_machine_is_refused(store, tmp_path):
    if store.is_sqlite:
        return
    store.writer()
    with pytest.raises(InputError, match=f"camsla writer pid {os.getpid()} on "):
        Writer.open(store.url, lambda *a, **k: None, tmp_path / "elsewhere.lock")


def test_the_lock_is_free_after_close(store):
    store.writer().close()
    store.writer().close()
    store.writer()


def test_a_failing_commit_leaves_nothing_and_the_same_batch_works_afterwards(store):
    writer = ready(store)
    writer.commit_batch("local", 1, [sample("a", 0), sample("b", 0)])
    writer.commit_batch("local", 2, [sample("a", 60), sample("b", 60)])
    with writer.transaction() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    batch = [sample("a", 120, "timeout"), sample("b", 120)]
    with pytest.raises(Exception, match="outbox"):
        writer.commit_batch("local", 3, batch, flush=True)
    with writer.transaction() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO outbox"))
    assert runs(store) == [("a", 0, 0, 1, "ok"), ("b", 0, 0, 1, "ok")]
    writer.commit_batch("local", 3, batch, flush=True)
    assert runs(store) == [("a", 0, 60, 2, "ok"), ("a", 120, 120, 1, "timeout"), ("b", 0, 120, 3, "ok")]
    assert gaps(store) == []
    assert len(records(store, "tr")) == 3


def test_a_lost_session_is_opened_anew_with_its_lock(store, postgres_server):
    if store.is_sqlite:
        return
    writer = ready(store)
    writer.commit_batch("local", 1, [sample("a", 0)])
    with postgres_server.connect(store.engine.url.database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'camsla writer%'"
            " AND datname = current_database()"
        )
    with pytest.raises(Exception, match=r"terminating|closed"):
        writer.commit_batch("local", 2, [sample("a", 60)])
    writer.commit_batch("local", 2, [sample("a", 60)], flush=True)
    assert runs(store) == [("a", 0, 60, 2, "ok")]
    with pytest.raises(InputError, match="another process writes"):
        Writer.open(store.url, lambda *a, **k: None)


def test_cameras_divide_runs(store):
    writer = ready(store)
    with writer.transaction() as connection:
        connection.execute(text("INSERT INTO cameras (rtsp_url) VALUES ('rtsp://1'), ('rtsp://2')"))
        one, two = connection.scalars(text("SELECT id FROM cameras ORDER BY rtsp_url"))
    sent = [sample("a", 0, camera=str(one)), sample("a", 60, camera=str(one)), sample("a", 120, camera=str(two))]
    writer.commit_batch("local", 1, sent)
    assert store.rows("SELECT camera_id, n FROM runs ORDER BY first_at") == [(one, 2), (two, 1)]
