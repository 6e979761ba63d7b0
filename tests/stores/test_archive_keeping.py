"""What becomes of archived results: named in the log, then dropped from the database, and files removed with age."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from config.archive import Archive
from console.archives.checking import verify
from console.archives.keeping import announce, prune, sealed_parts, unannounced
from console.log.sealing import Sealer
from monitor.archive.parts import parts_of
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.store.database import reading
from tests.sealed_packs import log_in
from tests.stores.archived import DAY, after, both, build, commit, place, watched
from tests.stores.made import at, sample

POINTS = tuple(f"P{n:02d}" for n in range(4))
DAY_S = 86_400
DAY_US = DAY_S * MICROSECONDS
WEEK = Archive(delete_batches_after_days=7)
ALL = Archive(delete_batches_after_days=1, keep_days=93)


@pytest.fixture
def kept(store):
    """Three days of results, two of them archived: (store, writer, place, log)."""
    store.add_points(*POINTS, accepted_on="2020-01-01")
    writer = commit(store, watched(sample, POINTS, 0, 3 * DAY_S, seed=1))
    build(store, DAY + timedelta(days=1))
    return store, writer, place(store), replace(log_in(store.folder, store.url), archive=place(store).folder)


def seal(writer, log, now):
    log.root.mkdir(parents=True, exist_ok=True)
    Sealer(log, writer, delay_minutes=1, apart=False).round(now, checkpoint=False)


def count(store):
    return int(store.rows("SELECT count(*) FROM batches")[0][0])


def third(store):
    """How many batches have results of the third day, which is not archived yet."""
    return int(store.rows(f"SELECT count(*) FROM batches WHERE last_at >= {at(2 * DAY_S)}")[0][0])


def manifest(log, day):
    return json.loads(log.folder.read_day(day).lines[-1])


def test_a_days_manifest_names_its_file(kept):
    _, writer, where, log = kept
    seal(writer, log, after(DAY + timedelta(days=2)))
    for part in parts_of(where.folder):
        assert manifest(log, str(part.day))["archive"] == {
            "bytes": part.bytes,
            "rows": part.rows,
            "sha256": part.sha256,
        }
    assert manifest(log, "2020-07-03")["archive"] is None


def test_batches_go_once_their_file_is_sealed_and_old(kept):
    store, writer, where, log = kept
    now = after(DAY + timedelta(days=1))
    whole, of_third = count(store), third(store)
    done = prune(writer, where, log.folder, ALL, Instant(now + DAY_US))
    assert (done.batches, [part.stem for part in done.unsealed]) == (0, ["2020-07-01", "2020-07-02"])
    seal(writer, log, now)
    assert prune(writer, where, log.folder, WEEK, now).batches == 0
    assert (
        prune(writer, where, log.folder, Archive(delete_batches_after_days=None), Instant(now + 900 * DAY_US)).batches
        == 0
    )
    runs, _ = both(store)
    first = prune(writer, where, log.folder, ALL, now).batches
    second = prune(writer, where, log.folder, ALL, Instant(now + DAY_US)).batches
    assert first > 0
    assert second > 0
    assert count(store) == whole - first - second
    assert third(store) == of_third
    assert prune(writer, where, log.folder, ALL, Instant(now + DAY_US)).batches == 0
    build(store, DAY + timedelta(days=2))
    assert [part.stem for part in parts_of(where.folder)] == ["2020-07-01", "2020-07-02", "2020-07-03"]
    assert both(store) == (runs, runs), "the archive stands in for what was dropped"
    audit = store.rows("SELECT action FROM audit WHERE action = 'archive.prune'")
    assert len(audit) == 2
    # the next number is still the next, after a restart too
    following = writer.next_seq("local")
    writer.close()
    writer = store.writer()
    assert writer.resume("local", Instant(now + 2 * DAY_US)) == following


def test_without_a_log_batches_go_only_when_told_so(kept):
    store, writer, where, log = kept
    now = Instant(after(DAY + timedelta(days=1)) + DAY_US)
    assert prune(writer, where, log.folder, ALL, now).batches == 0
    assert prune(writer, where, log.folder, ALL, now, unsealed=True).batches > 0
    assert count(store) > 0


def test_a_vantages_newest_batch_stays(kept):
    store, writer, where, log = kept
    build(store, DAY + timedelta(days=9))
    prune(writer, where, log.folder, ALL, Instant(after(DAY) + 50 * DAY_US), unsealed=True)
    assert count(store) == 1


def test_nothing_goes_while_its_file_is_missing_or_damaged(kept):
    store, writer, where, log = kept
    now = Instant(after(DAY + timedelta(days=1)) + DAY_US)
    seal(writer, log, now)
    path = parts_of(where.folder)[0].path(where.folder)
    content = path.read_bytes()
    whole = count(store)
    for damaged in (content[:-1], content[:100] + b"?" + content[101:], None):
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"2020-07-01\.parquet"):
            prune(writer, where, log.folder, ALL, now)
        assert count(store) == whole


def test_late_parts_are_named_by_a_document_record(kept):
    store, writer, where, log = kept
    now = after(DAY + timedelta(days=1))
    assert unannounced(store.engine, where, log.folder) == []
    seal(writer, log, now)
    late = [replace(s, vantage="agent") for s in watched(sample, POINTS, 0, DAY_S, seed=2)]
    commit(store, late, vantage="agent", writer=writer)
    build(store, DAY + timedelta(days=1))
    assert [part.stem for part in announce(writer, where, log.folder, now)] == ["2020-07-01.1"]
    assert announce(writer, where, log.folder, now) == []
    with reading(store.engine) as connection:
        assert sealed_parts(connection, log.folder, parts_of(where.folder)) == {"2020-07-01", "2020-07-02"}
    seal(writer, log, after(DAY + timedelta(days=2)))
    with reading(store.engine) as connection:
        assert "2020-07-01.1" in sealed_parts(connection, log.folder, parts_of(where.folder))
    part = parts_of(where.folder)[1]
    found = [json.loads(line) for line in log.folder.read_day("2020-07-03").lines]
    (record,) = [r for r in found if r["k"] == "att" and r["what"] == "archive"]
    assert (record["id"], record["sha256"]) == ("2020-07-01.1", part.sha256)
    assert record["of"] == {"bytes": part.bytes, "rows": part.rows}


def test_a_day_archived_after_its_seal_is_named_by_a_document_record(kept):
    store, writer, where, log = kept
    now = after(DAY + timedelta(days=2))
    seal(writer, log, now)
    build(store, DAY + timedelta(days=2))
    assert [part.stem for part in unannounced(store.engine, where, log.folder)] == ["2020-07-03"]
    announce(writer, where, log.folder, now)
    assert unannounced(store.engine, where, log.folder) == []


def test_files_out_of_retention_go_and_are_not_made_again(kept):
    store, writer, where, log = kept
    now = Instant(after(DAY) + 93 * DAY_US)
    done = prune(writer, where, log.folder, replace_rules(delete_batches_after_days=None), now)
    assert [part.stem for part in done.files] == ["2020-07-01"]
    first, second = parts_of(where.folder)
    assert first.pruned_at == now
    assert not first.path(where.folder).exists()
    assert second.path(where.folder).exists()
    build(store, DAY + timedelta(days=1))
    assert parts_of(where.folder) == [first, second]


def replace_rules(**changes):
    return Archive(**{"keep_days": 93, **changes})


def test_verify_reads_everything_and_names_what_is_wrong(kept):
    store, writer, where, log = kept
    now = after(DAY + timedelta(days=1))
    seal(writer, log, now)

    def checked():
        with reading(store.engine) as connection:
            return verify(connection, where, log.folder, parts_of(where.folder), lambda *_: None)

    assert checked() == []
    with writer.transaction() as connection:
        connection.exec_driver_sql("UPDATE batches SET n = n + 1 WHERE seq = 2")
    (finding,) = checked()
    assert "2020-07-01.parquet" in finding.file
    with writer.transaction() as connection:
        connection.exec_driver_sql("UPDATE batches SET n = n - 1 WHERE seq = 2")
    part = parts_of(where.folder)[1]
    part.path(where.folder).write_bytes(b"PAR1")
    (finding,) = checked()
    assert "2020-07-02.parquet" in finding.file
    (where.folder / "2020-07-02.json").unlink()
    part.path(where.folder).unlink()
    # made again of fewer batches it is another file than the sealed one
    with writer.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM batches WHERE seq = (SELECT max(seq) - 20 FROM batches)")
    build(store, DAY + timedelta(days=1))
    (finding,) = checked()
    assert "manifest" in finding.message
