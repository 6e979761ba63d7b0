"""kill -9 while a fleet changes state: nothing acknowledged is lost, the blindness is written down, a restart resumes."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.camsla_command import Camsla
from tests.servers import fleet as fleets

KILLS = int(os.environ.get("CAMSLA_KILLS", "20"))
LANES = 2
"""Databases that watchers are killed on side by side: most of a round is the next watcher's start, on one core."""
CAMERAS = 40
SETTINGS = {"CAMSLA_WATCH__RETRY_S": "0.2", "CAMSLA_WATCH__TIMEOUT_S": "0.5"}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Path]:
    """Forty cameras that fail and recover at random, all the time."""
    faults = ["--random-faults-per-hour", "600", "--random-mean-s", "1.5", "--random-kinds", "refuse,404"]
    home = tmp_path / "fleet"
    with fleets.running(home, cameras=CAMERAS, host_base="127.9.0.0", port=18654, extra=faults) as running:
        yield running.points


def acknowledged(lines: list[str]) -> list[dict[str, object]]:
    """The acknowledgements that were printed whole before the kill."""
    return [json.loads(line) for line in lines if line.endswith("}\n")]


@pytest.mark.timeout(60 + KILLS * 6)
def test_kill_dash_nine_loses_nothing_that_was_acknowledged(fleet: Path, tmp_path: Path) -> None:
    rounds = [len(range(lane, KILLS, LANES)) for lane in range(LANES)]
    folders = [tmp_path / f"lane{lane}" for lane in range(LANES)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(LANES) as lanes:
        list(lanes.map(_rounds, folders, [fleet] * LANES, rounds, range(LANES)))


def _rounds(folder: Path, fleet: Path, rounds: int, seed: int) -> None:
    """Kill one database's watchers, one after the other, then look at what they left."""
    camsla = Camsla(folder, SETTINGS)
    camsla.ok("points", "import", str(fleet), "--actor", "test")
    chance = random.Random(seed)
    seen: list[dict[str, object]] = []
    for _ in range(rounds):
        # Soon after the first acknowledgement, or well into the watcher's life.
        seen += _watch_and_kill(camsla, chance.choice((chance.uniform(0, 0.2), chance.uniform(0.2, 1.2))))
    # a last watcher starts, resumes and ends in order
    camsla.ok("watch", "--interval", "0.5", "--duration", "1.5", "--quiet")
    with closing(sqlite3.connect(folder / "data" / "camsla.db")) as connection:
        _check(connection, seen, rounds)


def _check(connection: sqlite3.Connection, seen: list[dict[str, object]], rounds: int) -> None:
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stored = {seq: (sha, n) for seq, sha, n in connection.execute("SELECT seq, sha256, n FROM batches")}
    assert len(seen) >= rounds
    for ack in seen:
        assert stored[ack["seq"]] == (ack["sha256"], ack["n"])
    assert sorted(stored) == list(range(min(stored), max(stored) + 1))
    # every acknowledged result is in a run, once
    assert (
        connection.execute("SELECT sum(n) FROM runs").fetchone()
        == connection.execute("SELECT sum(n) FROM batches").fetchone()
    )
    gaps = connection.execute("SELECT start_at, end_at FROM gaps WHERE cause = 'restart' ORDER BY start_at").fetchall()
    assert len(gaps) == rounds
    assert all(end is not None and end > start for start, end in gaps)
    last = dict(connection.execute("SELECT seq, last_at FROM batches"))
    starts = {start for start, _ in gaps}
    assert starts <= set(last.values()), "a gap begins at a committed result"
    # nobody is held online or offline over the watcher's death: runs do not span a gap
    spanning = connection.execute(
        "SELECT count(*) FROM runs r JOIN gaps g ON r.first_at < g.start_at AND r.last_at > g.end_at"
    ).fetchone()
    assert spanning == (0,)


def _watch_and_kill(camsla: Camsla, seconds: float) -> list[dict[str, object]]:
    watch = camsla.start("watch", "--interval", "0.5", "--acks", "--quiet", stdout=subprocess.PIPE)
    assert watch.stdout is not None
    first = watch.stdout.readline()  # the watcher lives and has stored something
    time.sleep(seconds)
    watch.kill()
    rest = watch.stdout.readlines()
    watch.stdout.close()
    assert watch.wait() == -signal.SIGKILL
    return acknowledged([first, *rest])


def test_a_second_writer_is_refused_with_the_holders_pid(fleet: Path, tmp_path: Path) -> None:
    camsla = Camsla(tmp_path, SETTINGS)
    camsla.ok("points", "import", str(fleet), "--actor", "test")
    watch = camsla.start("watch", "--interval", "1", "--acks", "--quiet", stdout=subprocess.PIPE)
    try:
        assert watch.stdout is not None
        assert watch.stdout.readline()
        for words in (("watch",), ("points", "import", str(fleet)), ("serve", "--port", "0")):
            assert f"pid {watch.pid}" in camsla.refused(*words)
        assert camsla.json("rates", "--period", "2020-07")  # readers are not held up
    finally:
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(20) == 0
        watch.stdout.close()
    camsla.ok("points", "import", str(fleet))
