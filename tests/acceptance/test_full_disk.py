"""The disk fills up: nothing more is acknowledged, the watcher says so, and goes on by itself when there is room again."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.camsla_command import Camsla
from tests.servers import fleet as fleets
from tests.watcher_process import Watcher

FILLS = int(os.environ.get("CAMSLA_FILLS", "1"))
CAMERAS = 6
BASE = f"127.9.{64 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])}.0"
"""A fleet for each test process."""
TMPFS = "size=16m"
FULL_S = 1.5
"""How long it stays full: several commits fail meanwhile."""
SETTINGS = {"CAMSLA_WATCH__RETRY_S": "0.2", "CAMSLA_WATCH__TIMEOUT_S": "5"}

Fill = Callable[[int], Callable[[], object]]
"""Given the watcher's process id, leave it no room; returns what makes room again."""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Path]:
    """A few cameras that never fail."""
    with fleets.running(tmp_path / "fleet", cameras=CAMERAS, host_base=BASE, port=18673) as running:
        yield running.points


@contextmanager
def small_disk(folder: Path) -> Iterator[Fill]:
    """A file system in memory that other files fill to the last byte."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", TMPFS, "camsla", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        # The other way to run out of room needs no privilege, so the promise is tried in any case.
        pytest.skip(f"cannot mount here: {mounted.stderr.decode(errors='replace').strip()}")

    def fill(_pid: int) -> Callable[[], object]:
        ballast = folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        return ballast.unlink

    try:
        yield fill
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def small_files(folder: Path) -> Iterator[Fill]:
    """A limit on the size of the process's files, at what the database's log has grown to."""
    folder.mkdir()

    def fill(pid: int) -> Callable[[], object]:
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        size = (folder / "camsla.db-wal").stat().st_size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))
        return lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))

    yield fill


@pytest.mark.timeout(120 + FILLS * 10)
@pytest.mark.parametrize("running_out", [small_disk, small_files])
def test_a_full_disk_stops_acknowledgements_and_loses_nothing(
    running_out: Callable[[Path], AbstractContextManager[Fill]], fleet: Path, tmp_path: Path
) -> None:
    with running_out(tmp_path / "data") as fill:
        camsla = Camsla(tmp_path, SETTINGS)
        camsla.ok("points", "import", str(fleet), "--actor", "test")
        watcher = Watcher(camsla, "--interval", "0.4")
        try:
            for _ in range(FILLS):
                watcher.wait_for(2)
                said = len(watcher.said)
                make_room = fill(watcher.process.pid)
                watcher.wait_for_remark("cannot store", since=said)
                acknowledged = len(watcher.acks)
                time.sleep(FULL_S)
                assert len(watcher.acks) == acknowledged, "acknowledged without room to store"
                make_room()
            watcher.wait_for(2)
        finally:
            code = watcher.end(signal.SIGTERM)
        assert code == 0, "".join(watcher.said)
        with closing(sqlite3.connect(tmp_path / "data" / "camsla.db")) as connection:
            _check(connection, watcher)


def _check(connection: sqlite3.Connection, watcher: Watcher) -> None:
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    stored = {seq: (sha, n) for seq, sha, n in connection.execute("SELECT seq, sha256, n FROM batches")}
    assert [a for a in watcher.acks if stored[a["seq"]] != (a["sha256"], a["n"])] == []
    assert sorted(stored) == list(range(1, len(stored) + 1))
    # What was seen while nothing could be stored was kept and stored later: one unbroken run per camera.
    ((in_runs, runs),) = connection.execute("SELECT sum(n), count(*) FROM runs")
    assert in_runs == sum(n for _, n in stored.values())
    assert runs == CAMERAS
    assert connection.execute("SELECT cause, start_at, end_at FROM gaps").fetchall() == []
