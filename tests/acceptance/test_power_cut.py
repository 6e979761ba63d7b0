"""The power fails at any moment: what was acknowledged is there afterwards, and the watcher's blindness is written down.

A writer's system calls are recorded once; each cut then rebuilds the files from what had been synced and a random part
of what had not, and the store must open, be whole and go on. The same must find losses where syncing is slack.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from console.store.audit import Audit
from monitor.model import Instant
from monitor.store.batch import unpack
from monitor.store.writer import Writer
from tests.camsla_command import ROOT
from tests.power_cut import recorder
from tests.power_cut.disk import Disk
from tests.power_cut.life import POINTS, STEP_US, T0, VANTAGE, results
from tests.power_cut.recorder import Event, Said, Sync

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
    words = [str(folder / "store.db"), str(BATCHES), synchronous, str(CHECKPOINT_PAGES)]
    command = [sys.executable, "-m", "tests.power_cut.life", *words]
    return recorder.record(tracer, command, folder, tmp_path / "trace", ROOT)


def cuts(events: list[Event], tmp_path: Path, count: int, seed: int) -> Iterator[tuple[Path, list[dict[str, object]]]]:
    """Yield a folder with what is found after each of `count` cuts, and what had been acknowledged before."""
    chance = random.Random(seed)
    disk, played = Disk(), 0
    for number, moment in enumerate(sorted(chance.choices(range(len(events) + 1), k=count))):
        for event in events[played:moment]:
            disk.play(event)
        played = moment
        folder = tmp_path / f"cut{number}"
        folder.mkdir()
        disk.cut(folder, random.Random(seed * 1_000_003 + number))
        yield folder, [json.loads(line) for line in disk.said.splitlines(keepends=True) if line.endswith(b"\n")]
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


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
        return [p for p in promised if (known != p["points"] if "points" in p else stored.get(p["seq"]) != p["sha256"])]


def goes_on(database: Path) -> None:
    """Resume after the cut as a watcher would, and prove that the store is as if nothing but time had been lost."""
    with Writer.open(f"sqlite:///{database}", Audit("test")) as writer:
        with writer.transaction() as connection:
            known = connection.scalar(text("SELECT count(*) FROM points"))
            last = connection.scalar(text("SELECT max(last_at) FROM batches"))
            newest = connection.scalar(text("SELECT coalesce(max(seq), 0) FROM batches"))
        assert known in (0, POINTS)
        later = T0 + (newest + 100) * STEP_US
        assert writer.resume(VANTAGE, Instant(later)) == newest + 1
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


def _check_runs(connection: Connection) -> None:
    """Every stored result lies in a run, once, and every run has its transition record."""
    counts = "SELECT (SELECT coalesce(sum(n), 0) FROM runs), (SELECT coalesce(sum(n), 0) FROM batches)"
    in_runs, in_batches = connection.execute(text(counts)).one()
    assert in_runs == in_batches
    counts = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM outbox WHERE kind = 'tr')"
    runs, records = connection.execute(text(counts)).one()
    assert runs == records


@pytest.mark.timeout(120 + CUTS)
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    events = recording(tmp_path, "FULL")
    assert sum(isinstance(event, Said) for event in events) == BATCHES + 1
    checkpoints = sum(isinstance(event, Sync) and event.path.endswith("store.db") for event in events)
    assert checkpoints > 3, "cuts should meet checkpoints too"
    met = 0
    for folder, promised in cuts(events, tmp_path, CUTS, seed=1):
        assert lost(folder / "store.db", promised) == []
        goes_on(folder / "store.db")
        met += bool(promised)
    assert met > CUTS // 2, "most cuts should come after something was acknowledged"


@pytest.mark.timeout(120)
def test_the_replay_finds_the_losses_of_slack_syncing(tmp_path: Path) -> None:
    events = recording(tmp_path, "NORMAL")
    losses = [len(lost(folder / "store.db", promised)) for folder, promised in cuts(events, tmp_path, SLACK_CUTS, 2)]
    assert sum(1 for n in losses if n) > SLACK_CUTS // 4
