"""Two watchers on one PostgreSQL: each sees what it can reach, one dies and comes back, and the contract's rule merges them."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.camsla_command import Camsla
from tests.oracle import seconds_oracle as oracle
from tests.servers import fleet as fleets
from tests.servers import postgres
from tests.watcher_process import Watcher

CAMERAS = 12
BASE = "127.9.48.0"
PORT = 18_672
DOWN = (1, 2, 9)
SLOW = (4,)
SOUTH_REACHES = range(1, 8)
"""What the second vantage's allow-list leaves it: BASE/29."""
COMMON = {"CAMSLA_WATCH__RETRY_S": "0.25"}
NORTH = {"CAMSLA_WATCH__TIMEOUT_S": "10"}
SOUTH = {"CAMSLA_WATCH__TIMEOUT_S": "0.6", "CAMSLA_WATCH__ALLOW": f'["{BASE}/29:{PORT}"]'}
WATCH = ("--interval", "0.5", "--quiet", "--vantage")


@pytest.fixture(scope="module")
def database() -> Iterator[tuple[postgres.Server, str]]:
    with postgres.running() as server:
        yield server, server.create()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Path]:
    """Cameras of which some are down and one answers slowly, all the time."""
    script: list[dict[str, object]] = [
        {"cameras": list(DOWN), "fault": "refuse", "at_s": 0},
        {"cameras": list(SLOW), "fault": "slow", "at_s": 0},
    ]
    with fleets.running(tmp_path / "fleet", cameras=CAMERAS, host_base=BASE, port=PORT, faults=script) as running:
        yield running.points


def test_two_vantages_merge_by_the_contracts_rule(
    database: tuple[postgres.Server, str], fleet: Path, tmp_path: Path
) -> None:
    server, name = database
    common = {**COMMON, "CAMSLA_DATABASE_URL": server.url(name)}
    north, south = Camsla(tmp_path, {**common, **NORTH}), Camsla(tmp_path, {**common, **SOUTH})
    north.ok("points", "import", str(fleet), "--actor", "alice")
    watchers = [Watcher(north, *WATCH, "north"), Watcher(south, *WATCH, "south")]
    try:
        for watcher in watchers:
            watcher.wait_for(5)
        with ThreadPoolExecutor(3) as beside:
            tasks = [beside.submit(_ledger_beside_watchers, north, fleet, tmp_path)]
            tasks += [
                beside.submit(_refused, north, "north", watchers[0]),
                beside.submit(_refused, south, "south", watchers[1]),
            ]
        for task in tasks:
            task.result()
        assert watchers[1].end(signal.SIGKILL) == -signal.SIGKILL
        dead = watchers.pop()
        watchers[0].wait_for(4)
        watchers.append(Watcher(south, *WATCH, "south"))
        watchers[1].wait_for(4)
        acks = dead.acks + watchers[1].acks + watchers[0].acks
    finally:
        codes = [watcher.end(signal.SIGTERM) for watcher in watchers]
    assert codes == [0, 0]
    _check_store(server, name, acks)
    _check_rates(server, name, north)


def _ledger_beside_watchers(camsla: Camsla, fleet: Path, folder: Path) -> None:
    """Points, runs and exclusions are imported while both watchers write."""
    camsla.ok("points", "import", str(fleet), "--actor", "alice")
    code = fleet.read_text(encoding="utf-8-sig").splitlines()[1].split(",")[0]
    runs, claims = folder / "runs.csv", folder / "claims.csv"
    runs.write_text(
        "point,vantage,first,last,count,state,reason,rung,valid_s\n"
        f"{code},elsewhere,2020-11-01T00:00:00+08:00,2020-11-01T01:00:00+08:00,61,online,ok,describe,125\n"
    )
    claims.write_text(f"point,start,end,reason\n{code},2020-11-01T00:00:00+08:00,2020-11-01T00:10:00+08:00,修路\n")
    camsla.ok("runs", "import", str(runs), "--actor", "alice")
    camsla.ok("exclusions", "import", str(claims), "--actor", "alice")
    runs.write_text(runs.read_text().replace("elsewhere", "north"))
    assert "north" in camsla.refused("runs", "import", str(runs), "--actor", "alice")


def _refused(camsla: Camsla, vantage: str, holder: Watcher) -> None:
    """A second watcher of one name is told who writes."""
    said = camsla.refused("watch", "--vantage", vantage)
    assert f"pid {holder.process.pid}" in said
    assert f"vantage:{vantage}" in said


def _check_store(server: postgres.Server, name: str, acks: list[dict[str, Any]]) -> None:
    """Every acknowledged batch is there; only the killed watcher's vantage has a gap, from its last result on."""
    with server.connect(name) as connection:
        found = connection.execute(
            "SELECT v.name, b.seq, b.sha256, b.n, b.last_at FROM batches b JOIN vantages v ON v.id = b.vantage_id"
            " ORDER BY 1, 2"
        ).fetchall()
        stored = {(its, seq): (sha256, n) for its, seq, sha256, n, _ in found}
        for ack in acks:
            assert stored[ack["vantage"], ack["seq"]] == (ack["sha256"], ack["n"])
        for vantage in ("north", "south"):
            numbers = [seq for its, seq in stored if its == vantage]
            assert numbers == list(range(1, len(numbers) + 1))
        gaps = connection.execute(
            "SELECT v.name, g.start_at FROM gaps g JOIN vantages v ON v.id = g.vantage_id WHERE g.cause = 'restart'"
        ).fetchall()
        ((vantage, start),) = gaps
        assert vantage == "south"
        assert start in {last for its, _, _, _, last in found if its == "south"}


def _check_rates(server: postgres.Server, name: str, camsla: Camsla) -> None:
    """Ask the program under both rules, and an independent second-by-second walk over the same runs."""
    today = datetime.now(UTC)
    period = f"{today - timedelta(days=1):%Y-%m-%d}..{today + timedelta(days=2):%Y-%m-%d}"
    rows: dict[str, dict[str, Any]] = {}
    for rule, policy in (("any_online", oracle.Rules()), ("quorum", oracle.Rules(vantages="quorum"))):
        camsla.env["CAMSLA_POLICY__VANTAGES"] = rule
        answer = camsla.json("rates", "--period", period, "--by", "point")
        rows[rule] = {row["key"]: row for row in answer["rows"]}
        for code, seconds in _walked(server, name, policy).items():
            row = rows[rule][code]
            assert (row["good_s"], row["counted_s"]) == (seconds.online, seconds.online + seconds.offline), (rule, code)
    for rule, by_code in rows.items():
        for code, row in by_code.items():
            number = int(re.sub(r"\D", "", code))
            down = row["counted_s"] - row["good_s"]
            if number not in DOWN:
                assert row["good_s"] > 0, (rule, code)
                assert down == 0, (rule, code)  # what one vantage sees online is online
            elif rule == "any_online" or number in SOUTH_REACHES:
                assert row["good_s"] == 0, (rule, code)
                assert down > 0, (rule, code)
            else:
                assert row["counted_s"] == 0, (rule, code)  # one vantage alone is no quorum
    both = [code for code in rows["quorum"] if int(re.sub(r"\D", "", code)) in (1, 2)]
    for code in both:  # while the second vantage was dead there was no quorum
        assert 0 < rows["quorum"][code]["counted_s"] < rows["any_online"][code]["counted_s"]


def _walked(server: postgres.Server, name: str, rules: oracle.Rules) -> dict[str, oracle.Seconds]:
    with server.connect(name) as connection:
        runs: dict[str, list[oracle.Run]] = {}
        for code, *run in connection.execute(
            "SELECT p.code, v.name, r.first_at, r.last_at, r.n, o.state, o.reason, r.valid_s FROM runs r"
            " JOIN points p ON p.id = r.point_id JOIN vantages v ON v.id = r.vantage_id"
            " JOIN outcomes o ON o.id = r.outcome_id WHERE v.kind = 'local'"
        ):
            runs.setdefault(str(code), []).append(oracle.Run(*run))  # type: ignore[arg-type]
        gaps = [
            oracle.Gap(*gap)  # type: ignore[arg-type]
            for gap in connection.execute(
                "SELECT v.name, g.start_at, g.end_at FROM gaps g JOIN vantages v ON v.id = g.vantage_id"
                " WHERE g.point_id IS NULL"
            )
        ]
    found = {}
    for code, its_runs in runs.items():
        past = oracle.history(its_runs, gaps, rules)
        start = min(run.first for run in its_runs) // oracle.MICROSECONDS - 10
        end = max(run.last for run in its_runs) // oracle.MICROSECONDS + 400
        found[code] = oracle.measure(past, (start, end), (None, None), [], rules)
    return found
