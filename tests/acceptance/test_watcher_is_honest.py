"""The watcher never takes its own blindness for a camera's fault: stops, clock steps, mass failures.

Reduced counts here; CAMSLA_STOPS and CAMSLA_STOP_S raise them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.camsla_command import Camsla
from tests.servers import fleet
from tests.servers.control import Control

STOPS = int(os.environ.get("CAMSLA_STOPS", "6"))
LONGEST_STOP_S = float(os.environ.get("CAMSLA_STOP_S", "3"))
WATCHERS = max(1, min(20, STOPS // 3))
SETTINGS = {"CAMSLA_WATCH__RETRY_S": "0.3", "CAMSLA_WATCH__TIMEOUT_S": "0.8"}
STEP = "2" if WATCHERS > 3 else "0.6"
"""Seconds between probes: many watchers share the machine in the long version."""

STEPS_S = [1, -1, 3600, -3600, 86_400, -86_400] if "CAMSLA_STOPS" in os.environ else [-1, 3600, -86_400]
FAKETIME = [Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"), Path("/usr/lib/faketime/libfaketimeMT.so.1")]
FAKETIME += [Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1")]


def query(camsla: Camsla, sql: str) -> list[tuple[int | str, ...]]:
    with closing(sqlite3.connect(camsla.folder / "data" / "camsla.db")) as connection:
        return connection.execute(sql).fetchall()


def states(camsla: Camsla) -> set[object]:
    return {row[0] for row in query(camsla, "SELECT DISTINCT state FROM runs r JOIN outcomes o ON o.id = r.outcome_id")}


def wait_for_first_batch(watch: subprocess.Popen[str]) -> threading.Thread:
    """Wait for the first acknowledgement; go on reading, lest the pipe fill."""
    assert watch.stdout is not None
    assert watch.stdout.readline()

    def drain(lines: Iterator[str]) -> None:
        for _ in lines:
            pass

    reader = threading.Thread(target=drain, args=(watch.stdout,))
    reader.start()
    return reader


def end(watch: subprocess.Popen[str], reader: threading.Thread) -> None:
    watch.send_signal(signal.SIGTERM)
    assert watch.wait(30) == 0
    reader.join()
    assert watch.stdout is not None
    watch.stdout.close()


@pytest.mark.timeout(300 + int(STOPS * LONGEST_STOP_S))
def test_a_stopped_watcher_makes_no_false_outage(tmp_path: Path) -> None:
    """SIGSTOP while probes are under way: no camera is offline, and each stop is a gap."""
    chance = random.Random(11)
    with fleet.running(tmp_path / "fleet", cameras=30, host_base="127.11.0.0", port=18754) as cameras:
        crew = []
        for number in range(WATCHERS):
            (tmp_path / f"w{number}").mkdir()
            camsla = Camsla(tmp_path / f"w{number}", SETTINGS)
            camsla.ok("points", "import", str(cameras.points), "--actor", "test")
            watch = camsla.start("watch", "--interval", STEP, "--acks", "--quiet", stdout=subprocess.PIPE)
            crew.append((camsla, watch, wait_for_first_batch(watch)))
        stops = [0] * WATCHERS
        for first in range(0, STOPS, WATCHERS):
            stopped = []
            for number in range(min(WATCHERS, STOPS - first)):
                time.sleep(chance.uniform(0.0, 0.2))
                crew[number][1].send_signal(signal.SIGSTOP)
                stopped.append((time.monotonic() + chance.uniform(1.0, LONGEST_STOP_S), number))
                stops[number] += 1
            for until, number in sorted(stopped):
                time.sleep(max(0.0, until - time.monotonic()))
                crew[number][1].send_signal(signal.SIGCONT)
            time.sleep(1.5)
        for _, watch, reader in crew:
            end(watch, reader)
    for (camsla, _, _), stopped_n in zip(crew, stops, strict=True):
        assert states(camsla) == {"online"}
        gaps = query(
            camsla, "SELECT (end_at - start_at) / 1e6 FROM gaps WHERE cause = 'stalled' AND end_at - start_at > 900000"
        )
        assert len(gaps) >= stopped_n
        period = "2020-01-01..2099-12-31"
        assert camsla.json("outages", "--period", period) == []


@pytest.mark.parametrize("step_s", STEPS_S)
def test_clock_steps_move_no_measured_second(tmp_path: Path, step_s: int) -> None:
    """The wall clock is set while the watcher runs: it is recorded, and no second of any run moves."""
    library = next((path for path in FAKETIME if path.exists()), None)
    if library is None:
        if os.environ.get("CI") == "true":
            pytest.fail("libfaketime is not installed")
        pytest.skip("libfaketime is not installed")
    stamp = tmp_path / "offset"
    stamp.write_text("+0\n")
    fake = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    base = f"127.12.{(step_s % 7) * 8}.0"
    with fleet.running(tmp_path / "fleet", cameras=8, host_base=base, port=18854) as cameras:
        camsla = Camsla(tmp_path, SETTINGS)
        camsla.ok("points", "import", str(cameras.points), "--actor", "test")
        camsla.env |= fake
        begun, started_at = time.monotonic(), time.time()
        watch = camsla.start("watch", "--interval", "0.5", "--acks", "--quiet", stdout=subprocess.PIPE)
        reader = wait_for_first_batch(watch)
        time.sleep(1.0)
        stamp.write_text(f"{step_s:+d}\n")
        time.sleep(1.5)
        end(watch, reader)
    records = [json.loads(str(row[0])) for row in query(camsla, "SELECT body FROM outbox WHERE kind = 'clk'")]
    assert len(records) == 1
    assert abs(records[0]["step_us"] - step_s * 1_000_000) < 100_000
    took_s = time.monotonic() - begun
    ((first, last),) = query(camsla, "SELECT min(first_at), max(last_at) FROM runs")
    # Had the step moved engine time, the results after it would lie outside the time that the test really took.
    assert started_at * 1e6 <= int(first) <= int(last) <= (started_at + took_s) * 1e6
    assert states(camsla) == {"online"}


@pytest.fixture
def controls() -> Iterator[tuple[Control, Control]]:
    made = (Control("127.13.200.1"), Control("127.13.200.2"))
    yield made
    for control in made:
        control.close()


def with_controls(folder: Path, controls: tuple[Control, Control]) -> Camsla:
    listed = [{"address": c.address, "upstream": name} for c, name in zip(controls, ("core", "outside"), strict=True)]
    return Camsla(folder, SETTINGS | {"CAMSLA_WATCH__CONTROLS": json.dumps(listed)})


def test_a_mass_failure_with_live_controls_is_believed(tmp_path: Path, controls: tuple[Control, Control]) -> None:
    script = [{"cameras": "40%", "fault": "silent", "at_s": 6, "for_s": 60}]
    with fleet.running(tmp_path / "fleet", cameras=30, host_base="127.13.0.0", port=18954, faults=script) as cameras:
        camsla = with_controls(tmp_path, controls)
        camsla.ok("points", "import", str(cameras.points), "--actor", "test")
        done = camsla.run("watch", "--interval", "0.6", "--duration", "12", "--quiet")
        assert done.returncode == 0, done.stderr
    assert query(camsla, "SELECT count(*) FROM gaps") == [(0,)]
    rows = camsla.json("outages", "--period", "2020-01-01..2099-12-31")
    assert len({row["point"] for row in rows}) == 12
    assert all(row["open"] for row in rows)


def test_a_mass_failure_with_silent_controls_is_our_blindness(
    tmp_path: Path, controls: tuple[Control, Control]
) -> None:
    with fleet.running(tmp_path / "fleet", cameras=30, host_base="127.14.0.0", port=19054) as cameras:
        camsla = with_controls(tmp_path, controls)
        camsla.ok("points", "import", str(cameras.points), "--actor", "test")
        watch = camsla.start("watch", "--interval", "0.6", "--acks", "--quiet", stdout=subprocess.PIPE)
        reader = wait_for_first_batch(watch)
        time.sleep(1.5)
        for control in controls:
            control.silence()
        cameras.freeze()
        for _ in range(100):
            if query(camsla, "SELECT count(*) FROM gaps WHERE cause = 'mass-failure'") == [(1,)]:
                break
            time.sleep(0.1)
        time.sleep(1.0)
        cameras.thaw()
        for control in controls:
            control.speak()
        for _ in range(100):
            if query(camsla, "SELECT count(*) FROM gaps WHERE end_at IS NULL") == [(0,)]:
                break
            time.sleep(0.1)
        time.sleep(2.0)
        end(watch, reader)
    ((start, last),) = query(camsla, "SELECT start_at, end_at FROM gaps WHERE cause = 'mass-failure'")
    assert last is not None
    failed = query(
        camsla,
        "SELECT min(first_at), max(last_at) FROM runs r JOIN outcomes o ON o.id = r.outcome_id WHERE o.state = 'offline'",
    )
    assert failed[0][0] == start, "written back to the first failure; what was seen stays in the record"
    assert camsla.json("outages", "--period", "2020-01-01..2099-12-31") == []
