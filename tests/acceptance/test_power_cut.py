"""The power fails at any moment: what was acknowledged is there afterwards, and the watcher's blindness is written down.

A writer's system calls are recorded once; each cut then rebuilds the files from what had been synced and a random part
of what had not, and the store must open, be whole and go on; the evidence log beside it holds every checkpoint and day that
was told of, and goes on from there. The same must find losses where syncing is slack.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from console.store.audit import Audit
from monitor.evidence.keys import PrivateKey, write_key
from monitor.evidence.note import signed_by
from monitor.evidence.replay import empty
from monitor.evidence.sums import wrong_sums
from monitor.evidence.tree import EMPTY
from monitor.model import Instant
from monitor.store.batch import unpack
from monitor.store.writer import Writer
from tests.camsla_command import ROOT
from tests.power_cut import recorder
from tests.power_cut.disk import Disk
from tests.power_cut.life import DAY_US, ORIGIN, PER_DAY, POINTS, VANTAGE, instant, log_of, results, sealer
from tests.power_cut.recorder import Create, Event, Mkdir, Rename, Said, Sync, Write

CUTS = int(os.environ.get("CAMSLA_CUTS", "20"))
SLACK_CUTS = 20
BATCHES = 150
CHECKPOINT_PAGES = 120


def recording(tmp_path: Path, synchronous: str) -> list[Event]:
    tracer = recorder.strace()
    if tracer is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is missing or may not trace, and under CI=true nothing is skipped")
        pytest.skip("no strace that may trace")
    folder = tmp_path / "recorded"
    folder.mkdir()
    write_key(tmp_path / "evidence.key", PrivateKey.generate(ORIGIN), None)
    words = [str(folder / "store.db"), str(BATCHES), synchronous, str(CHECKPOINT_PAGES), str(tmp_path / "evidence.key")]
    command = [sys.executable, "-m", "tests.power_cut.life", *words]
    return recorder.record(tracer, command, folder, tmp_path / "trace", ROOT)


def cuts(events: list[Event], tmp_path: Path, count: int, seed: int) -> Iterator[tuple[Path, list[dict[str, object]]]]:
    """Yield a folder with what is found after each of `count` cuts, and what had been acknowledged before."""
    chance = random.Random(seed)
    disk, played = Disk(str((tmp_path / "recorded").resolve())), 0
    for number, moment in enumerate(sorted(chance.choices(range(len(events) + 1), k=count))):
        for event in events[played:moment]:
            disk.play(event)
        played = moment
        folder = tmp_path / f"cut{number}"
        folder.mkdir()
        disk.cut(folder, random.Random(seed * 1_000_003 + number))
        yield folder, [json.loads(line) for line in disk.said.splitlines(keepends=True) if line.endswith(b"\n")]
        shutil.rmtree(folder)


def lost(database: Path, promised: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the promises that a database does not keep; it must be whole in any case."""
    if not database.exists():
        return promised
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'batches'").fetchall():
            return promised
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        known = connection.execute("SELECT count(*) FROM points").fetchone()[0]
        stored = {}
        for seq, sha256, body in connection.execute("SELECT seq, sha256, body FROM batches"):
            assert unpack(body, sha256) == results(seq)
            stored[seq] = sha256
        told = [
            json.loads(body)["step_us"] for (body,) in connection.execute("SELECT body FROM outbox WHERE kind='clk'")
        ]
        assert sorted(told) == sorted(stored), "a batch and its notice are stored together or not at all"
        days = dict(connection.execute("SELECT day, root FROM log_days").fetchall())
        points = dict(connection.execute("SELECT size, root FROM log_checkpoints").fetchall())

        def broken(promise: dict[str, object]) -> bool:
            if "points" in promise:
                return known != promise["points"]
            if "seq" in promise:
                return stored.get(promise["seq"]) != promise["sha256"]
            kept = days.get(promise["day"]) if promise["day"] else points.get(promise["size"])
            return kept != promise["root"]

        return [promise for promise in promised if broken(promise)]


def goes_on(database: Path, key: Path) -> None:
    """Resume after the cut as a watcher would, and prove that the store is as if nothing but time had been lost."""
    promised = checkpoints_of(database)
    with Writer.open(f"sqlite:///{database}", Audit("test")) as writer:
        with writer.transaction() as connection:
            known = connection.scalar(text("SELECT count(*) FROM points"))
            last = connection.scalar(text("SELECT max(last_at) FROM batches"))
            newest = connection.scalar(text("SELECT coalesce(max(seq), 0) FROM batches"))
        assert known in (0, POINTS)
        later = instant(newest + 100)
        assert writer.resume(VANTAGE, later) == newest + 1
        with writer.transaction() as connection:
            _check_runs(connection)
            gaps = connection.execute(text("SELECT start_at, end_at, cause FROM gaps")).fetchall()
        assert gaps == ([] if last is None else [(last, None, "restart")])
        if not known:
            return
        writer.commit_batch(VANTAGE, newest + 1, [s for s in results(newest + 100) if s.at >= later], flush=True)
        with writer.transaction() as connection:
            _check_runs(connection)
            gaps = connection.execute(text("SELECT start_at, end_at, cause FROM gaps")).fetchall()
            assert gaps == ([] if last is None else [(last, later, "restart")])
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
        sealer(database, key, writer).round(Instant(later + DAY_US), checkpoint=True)
    log_goes_on(database, key, promised)


def checkpoints_of(database: Path) -> list[tuple[int, str]]:
    """Return size and root of every checkpoint and sealed day that a database holds."""
    with closing(sqlite3.connect(database)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'log_days'").fetchall():
            return []
        return connection.execute(
            "SELECT size, root FROM log_checkpoints UNION SELECT size, root FROM log_days"
        ).fetchall()


def log_goes_on(database: Path, key: Path, promised: list[tuple[int, str]]) -> None:
    """Read the whole log as a reader would; what stood after the cut is a first part of it."""
    where = log_of(database, key)
    folder, public = where.folder, where.keys.current().public()
    state, tree, lines = empty(ORIGIN, where.zone, public.text()), EMPTY, []
    for day in folder.days():
        found = folder.read_day(day)
        assert found.frontier == tree
        tree = tree.appended(found.lines)
        point = found.note.checkpoint
        assert (point.size, point.root, signed_by(found.note, public)) == (tree.size, tree.root(), 0)
        folder.replay(state, found.lines)
        assert wrong_sums(state) == []
        lines += found.lines
    with closing(sqlite3.connect(database)) as connection:
        numbered = connection.execute("SELECT leaf, body FROM outbox WHERE leaf IS NOT NULL ORDER BY leaf").fetchall()
        sealed = connection.execute("SELECT day, root FROM log_days ORDER BY day").fetchall()
        (waiting,) = connection.execute("SELECT count(*) FROM outbox WHERE leaf IS NULL").fetchone()
    assert [day for day, _ in sealed] == folder.days()
    assert sealed[-1][1] == tree.root().hex()
    assert waiting == 0
    assert all(lines[leaf].decode() == line for leaf, line in numbered if leaf < len(lines))
    assert [leaf for leaf, _ in numbered if leaf >= len(lines)] == list(range(len(lines), numbered[-1][0] + 1))
    lines += [line.encode() for leaf, line in numbered if leaf >= len(lines)]
    for size, root in promised:
        assert EMPTY.appended(lines[:size]).root().hex() == root, f"the checkpoint of {size} leaves is no first part"


def test_the_replay_of_names_is_as_harsh_as_a_disk_may_be() -> None:
    """A rename that was not synced is there, or not, or only what came before it; what was synced is there."""
    found = set()
    for seed in range(50):
        disk = Disk("/d")
        for event in (
            Mkdir("/d/.x"),
            Create("/d/.x/f", False),
            Write("/d/.x/f", 0, b"1"),
            Sync("/d/.x/f"),
            Sync("/d/.x"),
        ):
            disk.play(event)
        disk.play(Rename("/d/.x", "/d/x"))
        found.add(tuple(sorted(disk._root.after_cut(random.Random(seed)))))
        disk.play(Sync("/d"))
        assert set(disk._root.after_cut(random.Random(seed))) == {"x"}
    assert found == {(), (".x",), ("x",)}


def _check_runs(connection: Connection) -> None:
    """Every stored result lies in a run, once, and every run has its transition record."""
    counts = "SELECT (SELECT coalesce(sum(n), 0) FROM runs), (SELECT coalesce(sum(n), 0) FROM batches)"
    in_runs, in_batches = connection.execute(text(counts)).one()
    assert in_runs == in_batches
    counts = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM outbox WHERE kind = 'tr')"
    runs, records = connection.execute(text(counts)).one()
    assert runs == records


@pytest.mark.timeout(240 + 4 * CUTS)
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    events = recording(tmp_path, "FULL")
    said = [json.loads(event.data) for event in events if isinstance(event, Said)]
    assert sum("seq" in promise for promise in said) == BATCHES
    assert [bool(promise["day"]) for promise in said if "day" in promise].count(True) == BATCHES // PER_DAY
    checkpoints = sum(isinstance(event, Sync) and event.path.endswith("store.db") for event in events)
    assert checkpoints > 3, "cuts should meet checkpoints too"
    met = 0
    for folder, promised in cuts(events, tmp_path, CUTS, seed=1):
        assert lost(folder / "store.db", promised) == []
        goes_on(folder / "store.db", tmp_path / "evidence.key")
        met += bool(promised)
    assert met > CUTS // 2, "most cuts should come after something was acknowledged"


@pytest.mark.timeout(120)
def test_the_replay_finds_the_losses_of_slack_syncing(tmp_path: Path) -> None:
    events = recording(tmp_path, "NORMAL")
    losses = [len(lost(folder / "store.db", promised)) for folder, promised in cuts(events, tmp_path, SLACK_CUTS, 2)]
    assert sum(1 for n in losses if n) > SLACK_CUTS // 4
