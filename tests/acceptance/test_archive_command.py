"""`camsla archive` and `rates --from-archive` behind a real watcher: days later the archive tells what the runs told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.camsla_command import CAMSLA, Camsla
from tests.servers import fleet as fleets

FAKETIME = [
    Path(f"/usr/lib/{where}faketime/libfaketimeMT.so.1") for where in ("x86_64-linux-gnu/", "aarch64-linux-gnu/", "")
]
CAMERAS = 24
BASE = f"127.9.{96 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])}.0"
SETTINGS = {"CAMSLA_WATCH__RETRY_S": "0.2", "CAMSLA_WATCH__TIMEOUT_S": "0.5"}


@pytest.fixture(scope="module")
def library() -> Path:
    found = next((path for path in FAKETIME if path.exists()), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("libfaketime is not installed")
        pytest.skip("libfaketime is not installed")
    return found


@pytest.fixture(scope="module")
def fleet_watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of a fleet that fails and recovers at random, in two lives of the watcher."""
    folder = tmp_path_factory.mktemp("watched")
    faults = ["--random-faults-per-hour", "400", "--random-mean-s", "1.5", "--random-kinds", "refuse,404"]
    camsla = Camsla(folder, SETTINGS)
    with fleets.running(folder / "fleet", cameras=CAMERAS, host_base=BASE, port=18691, extra=faults) as running:
        camsla.ok("points", "import", str(running.points), "--actor", "test")
        for _ in range(2):
            camsla.ok("watch", "--interval", "0.5", "--duration", "4", "--quiet")
    return folder / "data"


@pytest.fixture
def watched(fleet_watched: Path, tmp_path: Path) -> Camsla:
    """A copy of what was watched."""
    shutil.copytree(fleet_watched, tmp_path / "data")
    return Camsla(tmp_path, SETTINGS)


def later(camsla: Camsla, library: Path, days: int) -> Camsla:
    """The same installation, so many days later by its clock."""
    other = Camsla(camsla.folder)
    other.env = {**camsla.env, "LD_PRELOAD": str(library), "FAKETIME": f"+{days}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return other


def period() -> str:
    """Yesterday and today: the watching may have gone over midnight."""
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    return f"{today - timedelta(days=1)}..{today}"


def test_what_was_watched_is_archived_sealed_and_told_again(watched: Camsla, library: Path) -> None:
    days, two, ten = period(), later(watched, library, 2), later(watched, library, 12)
    assert "没有待归档" in watched.ok("archive", "build"), "today is not over"
    rates = watched.json("rates", "--period", days, "--by", "point")
    assert any(row["good_s"] for row in rates["rows"])
    two.ok("evidence", "keygen")
    said = two.ok("archive", "build")
    assert "已归档" in said
    assert two.json("rates", "--period", days, "--by", "point", "--from-archive") == rates
    assert (
        two.json("rates", "--period", days, "--by", "point", "--from-archive", str(watched.folder / "data" / "archive"))
        == rates
    )
    assert "无误" in two.ok("archive", "verify")
    parts = two.json("archive", "list")["parts"]
    assert not any(part["sealed"] for part in parts)
    two.ok("evidence", "seal")
    parts = two.json("archive", "list")["parts"]
    assert parts
    assert all(part["sealed"] for part in parts)
    assert sum(part["rows"] for part in parts) == results(watched)
    assert "0 批" in two.ok("archive", "prune")
    ten.ok("archive", "prune", "--dry-run")
    assert results(watched) == sum(part["rows"] for part in parts), "a dry run drops nothing"
    ten.ok("archive", "prune")
    assert results(watched) < sum(part["rows"] for part in parts)
    assert ten.json("rates", "--period", days, "--by", "point", "--from-archive") == rates
    assert ten.json("rates", "--period", days, "--by", "point") == rates
    # and it can still be watched
    watched.ok("watch", "--interval", "0.5", "--duration", "1", "--quiet")


def results(camsla: Camsla) -> int:
    query = "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT coalesce(sum(n), 0) FROM batches').fetchone()[0])"
    database = camsla.folder / "data" / "camsla.db"
    done = subprocess.run(
        [CAMSLA.with_name("python"), "-c", query, database], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_from_the_archive_and_files_alone(watched: Camsla, library: Path, tmp_path: Path) -> None:
    """An evaluator with the Parquet files, a roster and the gaps, and no database."""
    days, two = period(), later(watched, library, 2)
    two.ok("archive", "build")
    query = (
        "import sqlite3,sys,csv; w = csv.writer(sys.stdout); w.writerow(['vantage','start','end','cause']);"
        "w.writerows(sqlite3.connect(sys.argv[1]).execute('SELECT v.name, start_at, end_at, cause FROM gaps g JOIN vantages v"
        " ON v.id = g.vantage_id WHERE end_at IS NOT NULL'))"
    )
    database = watched.folder / "data" / "camsla.db"
    done = subprocess.run(
        [CAMSLA.with_name("python"), "-c", query, database], capture_output=True, text=True, check=True
    )
    elsewhere = tmp_path / "evaluator"
    (elsewhere / "files").mkdir(parents=True)
    (elsewhere / "gaps.csv").write_text(done.stdout)
    for path in (watched.folder / "data" / "archive").glob("*.parquet"):
        (elsewhere / "files" / path.name).write_bytes(path.read_bytes())
    rates = watched.json("rates", "--period", days, "--by", "point")
    roster = "point,phase,accepted_on\n" + "".join(f"{row['key']},one,2020-01-01\n" for row in rates["rows"])
    (elsewhere / "points.csv").write_text(roster)
    alone = Camsla(elsewhere)
    words = ("rates", "--period", days, "--by", "point", "--points", "points.csv", "--gaps", "gaps.csv")
    done = alone.run(*words, "--from-archive", "files", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == rates
    assert "摘要未核对" in done.stderr
    assert not (elsewhere / "data").exists()


def test_what_cannot_be_used_is_named(watched: Camsla, library: Path) -> None:
    two = later(watched, library, 2)
    two.ok("archive", "build")
    folder = watched.folder / "data" / "archive"
    file = next(folder.glob("*.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    for words in (
        ("archive", "verify"),
        ("rates", "--period", period(), "--from-archive"),
        ("archive", "prune", "--unsealed"),
    ):
        assert file.name in later(watched, library, 12).refused(*words)
    (folder / f"{file.stem}.json").unlink()
    assert file.name in two.refused("rates", "--period", period(), "--from-archive"), "not checked, but not read either"
    assert file.name in two.refused("archive", "build")
    file.write_bytes(whole)
    two.ok("archive", "build")
    assert "elsewhere" in two.refused("rates", "--period", period(), "--from-archive", "elsewhere")
    assert "--day" in two.refused("archive", "build", "--day", "2020-13-01")
    assert "--gaps" in two.refused("rates", "--period", "2020-07", "--gaps", str(file))
    assert "--states" in two.refused("rates", "--period", "2020-07", "--states", str(file), "--from-archive")
    days = two.run("rates", "--period", "2019-07", "--from-archive")
    assert days.returncode == 0
    assert "计为缺失" in days.stderr


def test_a_full_disk_leaves_nothing_and_the_next_try_makes_it(watched: Camsla, library: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "camsla", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount here: {mounted.stderr.decode(errors='replace').strip()}")
    try:
        two = later(watched, library, 2)
        two.env["CAMSLA_ARCHIVE__FOLDER"] = str(disk / "archive")
        (disk / "ballast").write_bytes(bytes(52 * 1024))
        said = two.refused("archive", "build")
        assert "无法写入" in said
        assert [path.name for path in (disk / "archive").iterdir()] in ([], ["archive.lock"])
        (disk / "ballast").unlink()
        two.ok("archive", "build")
        two.ok("archive", "verify")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_serve_archives_before_it_seals(watched: Camsla, library: Path) -> None:
    two = later(watched, library, 2)
    two.ok("evidence", "keygen")
    server = two.start("serve", "--no-watch", "--port", "0", stderr=subprocess.PIPE)
    said = ""
    try:
        assert server.stderr is not None
        for line in server.stderr:
            said += line
            if "已封存" in line:
                break
    finally:
        server.terminate()
        said += server.stderr.read() if server.stderr else ""
        assert server.stderr is not None
        server.stderr.close()
        assert server.wait(30) == 0, said
    assert said.index("已归档") < said.index("已封存"), said
    assert "Traceback" not in said, said
    parts = two.json("archive", "list")["parts"]
    assert parts
    assert all(part["sealed"] for part in parts)
