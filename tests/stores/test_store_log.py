"""The log's life on both databases: numbering, sealing once, catching up, late rows, crashes between any two steps."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from console.log.keys import KeyFiles
from console.log.sealing import Sealer
from console.log.steps import Log
from monitor.canonical import parse_line
from monitor.evidence.keys import PrivateKey, write_key
from monitor.evidence.note import signed_by
from monitor.evidence.replay import State, empty
from monitor.evidence.sums import wrong_sums
from monitor.evidence.tree import EMPTY, leaf_hash
from monitor.finding import InputError
from monitor.model import Gap
from monitor.origin import Origin
from monitor.store import attested, log
from monitor.store.database import reading
from monitor.store.imports import import_runs
from monitor.store.log import Leaf, MovedError, SealedDay
from monitor.store.outbox import report
from tests.stores.made import at, run, sample

ORIGIN = "camsla.local/test"
ZONE = "Asia/Shanghai"
DAY_S = 86_400
DELAY_S = 600


def where(store: Any) -> Log:
    folder: Path = store.folder
    if not (folder / "evidence.key").exists():
        write_key(folder / "evidence.key", PrivateKey.generate(ORIGIN), None)
    return Log(store.url, folder / "evidence", ORIGIN, ZONE, KeyFiles(folder / "evidence.key"), "camsla test")


def sealer(store: Any, writer: Any, **options: Any) -> Sealer:
    return Sealer(where(store), writer, delay_minutes=DELAY_S // 60, apart=False, **options)


def watched(store: Any, *codes: str) -> Any:
    store.add_points(*codes, accepted_on="2020-06-01", contract="xinjian", phase="phase-2")
    writer = store.writer()
    writer.resume("local", at(0))
    return writer


def days(store: Any) -> list[str]:
    with reading(store.engine) as connection:
        return [day.day for day in log.days(connection)]


def replayed(store: Any) -> State:
    """Read the whole folder as a reader would: roots, chains, seconds. Return the state after it."""
    folder = where(store).folder
    key = KeyFiles(store.folder / "evidence.key").current().public()
    state, tree, before = empty(ORIGIN, ZONE, key.text()), EMPTY, b""
    for day in folder.days():
        found = folder.read_day(day)
        assert found.frontier == tree
        assert found.prev_note == before
        tree = tree.appended(found.lines)
        point = found.note.checkpoint
        assert (point.origin, point.size, point.root, point.day) == (ORIGIN, tree.size, tree.root(), day)
        assert signed_by(found.note, key) == 0
        for line in found.lines:
            state.feed(parse_line(line), leaf_hash(line), folder.imported)
        assert wrong_sums(state) == []
        before = found.note.encode()
    return state


def records(store: Any, day: str) -> list[dict[str, Any]]:
    return [parse_line(line) for line in where(store).folder.read_day(day).lines]


def in_step(store: Any) -> None:
    """Folder and database say the same of every sealed day."""
    with reading(store.engine) as connection:
        sealed = log.days(connection)
    folder = where(store).folder
    assert [day.day for day in sealed] == folder.days()
    for before, after in pairwise(sealed):
        assert after.first == before.size
        assert date.fromisoformat(after.day) == date.fromisoformat(before.day) + timedelta(days=1)
    lines = [line for day in folder.days() for line in folder.read_day(day).lines]
    assert [day.size for day in sealed][-1:] == ([len(lines)] if sealed else [])
    for leaf, line in store.rows("SELECT leaf, body FROM outbox WHERE leaf IS NOT NULL"):
        assert leaf >= len(lines) or lines[leaf].decode() == line


def cycle(writer: Any, seq: int, second: float, *codes: str, down: str = "") -> None:
    """Commit one result per point, each to be held for 700 seconds."""
    results = [sample(code, second, "timeout" if code == down else "ok", valid_s=700) for code in codes]
    writer.commit_batch("local", seq, results, flush=True)


def test_a_day_is_sealed_once_it_is_over(store):
    writer = watched(store, "a", "b")
    for place in range(144):
        cycle(writer, place + 1, 600 * place, "a", "b", down="" if place < 60 else "b")
    seal = sealer(store, writer)
    assert seal.round(at(DAY_S + DELAY_S - 1), checkpoint=False) == []
    (step,) = seal.round(at(DAY_S + DELAY_S), checkpoint=False)
    assert (step.day, step.first, days(store)) == ("2020-07-01", 0, ["2020-07-01"])
    assert seal.round(at(DAY_S + DELAY_S), checkpoint=False) == []
    state = replayed(store)
    in_step(store)
    found = records(store, "2020-07-01")
    assert [r["k"] for r in found] == ["tr", "tr", "tr", "ros", "ros", "sum", "sum", "man"]
    sums = {r["point"]: (r["on"], r["off"], r["un"], r["ex"]) for r in found if r["k"] == "sum"}
    assert sums == {"a": (DAY_S, 0, 0, 0), "b": (36_000, DAY_S - 36_000, 0, 0)}
    assert state.size == step.size == len(found)


def test_checkpoints_number_what_has_come_and_the_seal_goes_on_from_there(store):
    writer = watched(store, "a")
    seal = sealer(store, writer)
    for place in range(144):
        cycle(writer, place + 1, 600 * place, "a", down="a" if place % 50 == 49 else "")
        if place % 24 == 23:
            (step,) = seal.round(at(600 * place + 60), checkpoint=True)
            assert step.day == ""
            assert "hour" in step.note
    assert seal.round(at(DAY_S - 1), checkpoint=True) == [], "nothing new, nothing to say"
    with reading(store.engine) as connection:
        point = log.newest_checkpoint(connection)
        assert log.size(connection) == point.size == len(log.numbered(connection, 0))
    seal.round(at(DAY_S + DELAY_S), checkpoint=False)
    state = replayed(store)
    in_step(store)
    kinds = [r["k"] for r in records(store, "2020-07-01")]
    assert (kinds.count("agt"), kinds.count("tr")) == (6, 5)
    covered = [r for r in records(store, "2020-07-01") if r["k"] == "agt"]
    assert (covered[0]["first"], covered[0]["last"], covered[0]["n"]) == (1, 24, 24)
    assert [r["first"] for r in covered[1:]] == [r["last"] + 1 for r in covered[:-1]]
    # The tree at the newest checkpoint is the day's tree cut there.
    lines = where(store).folder.read_day("2020-07-01").lines
    assert EMPTY.appended(lines[: point.size]).root().hex() == point.root
    assert state.size > point.size


def test_days_that_were_missed_are_sealed_one_after_the_other(store):
    writer = watched(store, "a")
    for day in range(5):
        cycle(writer, 2 * day + 1, day * DAY_S + 100, "a")
        cycle(writer, 2 * day + 2, day * DAY_S + 700, "a", down="a")
    steps = sealer(store, writer).round(at(40 * DAY_S + DELAY_S), checkpoint=True)
    assert [step.day for step in steps[:3]] == ["2020-07-01", "2020-07-02", "2020-07-03"]
    assert len(days(store)) == 40
    state = replayed(store)
    in_step(store)
    assert state.day == "2020-08-09"
    assert [r["day"] for r in records(store, "2020-07-03") if r["k"] == "sum"] == ["2020-07-03"]
    with reading(store.engine) as connection:
        assert log.queue(connection).rows == 0, "the batches of all days are covered by the checkpoint of today"


def test_a_named_day_is_the_last_that_is_sealed(store):
    writer = watched(store, "a")
    cycle(writer, 1, 100, "a")
    steps = sealer(store, writer).round(at(9 * DAY_S), checkpoint=False, until="2020-07-02")
    assert [step.day for step in steps] == ["2020-07-01", "2020-07-02"]


def test_a_row_that_commits_late_is_taken_by_the_next_day(store):
    writer = watched(store, "a", "b")
    cycle(writer, 1, 100, "a")
    with writer.transaction() as connection:  # a smaller number than the rows to come, and not there yet
        connection.execute(text("UPDATE outbox SET id = id + 1000"))
        report(connection, at(200), "clk", [{"step_us": 5, "t": at(200), "vantage": "other"}])
        late = connection.execute(text("SELECT id, at, kind, body FROM outbox WHERE kind = 'clk'")).one()
        connection.execute(text("DELETE FROM outbox WHERE kind = 'clk'"))
    seal = sealer(store, writer)
    seal.round(at(DAY_S + DELAY_S), checkpoint=False)
    with writer.transaction() as connection:
        values = {"i": 7, "a": late.at, "k": late.kind, "b": late.body}
        connection.execute(text("INSERT INTO outbox (id, at, kind, body) VALUES (:i, :a, :k, :b)"), values)
    seal.round(at(2 * DAY_S + DELAY_S), checkpoint=False)
    replayed(store)
    in_step(store)
    assert [r["at"] for r in records(store, "2020-07-02") if r["k"] == "clk"] == [at(200)]


def test_what_a_wrong_clock_put_into_the_future_waits_with_all_that_follows_it(store):
    writer = watched(store, "a", "b")
    with writer.transaction() as connection:
        for when, vantage in ((100, "x"), (9 * DAY_S, "x"), (200, "x"), (300, "y")):
            report(connection, at(when), "clk", [{"step_us": 1, "t": at(when), "vantage": vantage}])
    sealer(store, writer).round(at(DAY_S + DELAY_S), checkpoint=False)
    assert [r["at"] for r in records(store, "2020-07-01") if r["k"] == "clk"] == [at(100), at(300)]
    sealer(store, writer).round(at(10 * DAY_S + DELAY_S), checkpoint=False)
    assert [r["at"] for r in records(store, "2020-07-10") if r["k"] == "clk"] == [at(9 * DAY_S), at(200)]
    replayed(store)


def test_no_day_is_sealed_twice(store):
    writer = watched(store, "a")
    cycle(writer, 1, 100, "a")
    (step,) = sealer(store, writer).round(at(DAY_S + DELAY_S), checkpoint=False)
    sealed = SealedDay(step.day, step.first, step.size, step.root, step.note, step.at)
    for expected, why in ((0, "leaves, not"), (step.size, "is sealed")):
        with pytest.raises(MovedError, match=why), writer.transaction() as connection:
            log.seal_day(connection, sealed, (), expected)
    with writer.transaction() as connection:
        (number,) = connection.execute(text("SELECT min(id) FROM outbox WHERE leaf IS NOT NULL")).one()
    other = SealedDay("2020-07-02", step.size, step.size + 1, "", "", step.at)
    with pytest.raises(MovedError, match="still waiting"), writer.transaction() as connection:
        log.seal_day(connection, other, (Leaf(number, step.size, "{}"),), step.size)
    assert days(store) == ["2020-07-01"]


def test_without_a_key_nothing_is_sealed(store):
    writer = watched(store, "a")
    cycle(writer, 1, 100, "a")
    place = where(store)
    place.keys.path.unlink()
    for order in (at(200), at(DAY_S + DELAY_S)):
        with pytest.raises(InputError, match="no key to seal with"):
            Sealer(place, writer, delay_minutes=10, apart=False).round(order, checkpoint=True)
    assert days(store) == []
    assert store.rows("SELECT count(*) FROM outbox WHERE leaf IS NOT NULL") == [(0,)]


def test_another_key_cannot_go_on(store):
    writer = watched(store, "a")
    cycle(writer, 1, 100, "a")
    sealer(store, writer).round(at(DAY_S + DELAY_S), checkpoint=False)
    place = where(store)
    place.keys.path.unlink()
    write_key(place.keys.path, PrivateKey.generate(ORIGIN), None)
    cycle(writer, 2, DAY_S + 100, "a")
    with pytest.raises(InputError, match="not the one that the log names"):
        sealer(store, writer).round(at(2 * DAY_S + DELAY_S), checkpoint=False)
    place.keys.path.unlink()
    write_key(place.keys.path, PrivateKey.generate("camsla.local/other"), None)
    with pytest.raises(InputError, match="of another origin"):
        sealer(store, writer).round(at(2 * DAY_S + DELAY_S), checkpoint=False)
    assert days(store) == ["2020-07-01"]


def test_a_folder_that_is_not_the_databases_is_refused(store):
    writer = watched(store, "a")
    cycle(writer, 1, 100, "a")
    sealer(store, writer).round(at(DAY_S + DELAY_S), checkpoint=False)
    place = where(store).folder.path
    moved = place.rename(place.with_name("elsewhere"))
    with pytest.raises(InputError, match="lacks the sealed day 2020-07-01"):
        sealer(store, writer).round(at(2 * DAY_S + DELAY_S), checkpoint=False)
    shutil.rmtree(place, ignore_errors=True)
    moved.rename(place)
    with writer.transaction() as connection:  # a database restored from before the seal, with other rows since
        connection.execute(text("DELETE FROM log_days"))
        connection.execute(text('UPDATE outbox SET leaf = NULL, body = \'{"vantage":"local"}\''))
    with pytest.raises(InputError, match="not this database's"):
        sealer(store, writer).round(at(2 * DAY_S + DELAY_S), checkpoint=False)
    assert days(store) == []


def test_imports_are_in_the_log_and_their_bytes_in_its_folder(store):
    writer = watched(store, "a", "b")
    runs, gaps = [run("b", 0, 86_340), run("a", 0, 43_200, count=721)], [Gap("import", at(600), at(660), "maintenance")]
    digest = hashlib.sha256(b"runs").hexdigest()
    with writer.transaction() as connection:
        origins = {"origin": Origin("runs.csv", digest), "gap_origin": Origin("gaps.csv", digest[::-1])}
        import_runs(connection, writer.audit, runs, gaps, actor="ann", at=at(2 * DAY_S), **origins)
    sealer(store, writer).round(at(3 * DAY_S + DELAY_S), checkpoint=False)
    replayed(store)
    in_step(store)
    assert days(store) == ["2020-07-03"], "the log begins with its first record"
    sums = {(r["point"], r["day"]): (r["on"], r["un"]) for r in records(store, "2020-07-03") if r["k"] == "sum"}
    # The gap, and until a sample must have come after it.
    assert sums["b", "2020-07-01"] == (DAY_S - 60 - 130, 60 + 130)
    assert sums["a", "2020-07-01"][0] == 43_200 + 130 - 60 - 130
    names = [r["sha256"] for r in records(store, "2020-07-03") if r["k"] == "att"]
    assert len(names) == 2
    for name in names:
        assert where(store).folder.imported(name)


def test_bytes_that_no_table_keeps_go_into_the_folder(store):
    writer = watched(store, "a")
    with writer.transaction() as connection:
        sha256 = attested.keep(connection, ["样本 a\n", "sample b\n"])
        assert attested.keep(connection, ["样本 a\nsample b\n"]) == sha256
        named = {"what": "sample", "id": "s1", "version": 1, "media": "text/plain", "actor": "ann", "of": {}}
        attested.attest(connection, at=at(100), sha256=sha256, **named)
    seal = sealer(store, writer)
    assert seal.round(at(200), checkpoint=True)
    assert where(store).folder.blob(sha256).decode() == "样本 a\nsample b\n"
    assert store.rows("SELECT count(*) FROM log_blobs") == [(0,)]
    seal.round(at(DAY_S + DELAY_S), checkpoint=False)
    replayed(store)


def test_an_import_whose_rows_were_changed_is_not_sealed(store):
    writer = watched(store, "a")
    with writer.transaction() as connection:
        origin = Origin("runs.csv", hashlib.sha256(b"runs").hexdigest())
        import_runs(connection, writer.audit, [run("a", 0, 600)], actor="ann", at=at(100), origin=origin)
    with writer.transaction() as connection:
        connection.execute(text("UPDATE runs SET n = n - 1"))
    with pytest.raises(InputError, match="not those that were stored"):
        sealer(store, writer).round(at(DAY_S + DELAY_S), checkpoint=False)
    assert days(store) == []


def test_numbered_rows_leave_the_database_a_week_later(store):
    writer = watched(store, "a")
    cycle(writer, 1, 100, "a")
    seal = sealer(store, writer)
    seal.round(at(7 * DAY_S + DELAY_S), checkpoint=False)
    assert store.rows("SELECT count(*) FROM outbox WHERE kind = 'tr'") == [(1,)]
    seal.round(at(8 * DAY_S + DELAY_S), checkpoint=False)
    assert store.rows("SELECT count(*) FROM outbox WHERE kind = 'tr'") == [(0,)]
    replayed(store)


def test_a_full_disk_leaves_nothing_half_written(store, monkeypatch):
    writer = watched(store, "a")
    cycle(writer, 1, 100, "a")
    real, seal = os.fsync, sealer(store, writer)
    for calls in range(12):
        left = [calls]

        def full(file: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(file)

        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", full)
            try:
                done = seal.round(at(DAY_S + DELAY_S), checkpoint=False)
            except InputError as error:
                assert "free some space" in error.findings[0].remedy
                assert days(store) == []
                continue
        assert [step.day for step in done] == ["2020-07-01"]
        break
    assert calls > 4
    in_step(store)
    replayed(store)
