"""Cameras that lock their account after a few bad logins: the watcher must never lock one, and must say what it knows."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.camsla_command import Camsla
from tests.servers import fleet

ALLOWED = 4
"""Bad logins after which these cameras lock. Two are spent on a wrong password, and a restart spends two more."""


def with_wrong_passwords(path: Path, wrong: set[str]) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["code"] in wrong:
            row["password"] = "not-the-one"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_a_wrong_password_never_locks_a_camera(tmp_path: Path) -> None:
    stats = tmp_path / "stats.json"
    wrong = {f"SIM-{n:05d}" for n in range(1, 9)}
    extra = ["--auth", "digest", "--lock-out", str(ALLOWED), "--stats-out", str(stats)]
    with fleet.running(tmp_path / "fleet", cameras=12, host_base="127.34.0.0", port=19454, extra=extra) as city:
        with_wrong_passwords(city.points, wrong)
        camsla = Camsla(tmp_path, {"CAMSLA_WATCH__RETRY_S": "0.2", "CAMSLA_WATCH__TIMEOUT_S": "2"})
        camsla.ok("points", "import", str(city.points), "--actor", "test")
        camsla.ok("watch", "--interval", "0.5", "--duration", "6", "--quiet")
    cameras = json.loads(stats.read_text())["cameras"]
    bad = {name: counts["bad_logins"] for name, counts in cameras.items() if counts.get("bad_logins")}
    assert set(bad) == wrong, cameras
    assert set(bad.values()) == {2}
    assert not any(counts.get("lock_outs") for counts in cameras.values())
    with closing(sqlite3.connect(tmp_path / "data" / "camsla.db")) as connection:
        rows = connection.execute(
            "SELECT p.code, o.state, o.reason, sum(r.n) FROM runs r JOIN points p ON p.id = r.point_id"
            " JOIN outcomes o ON o.id = r.outcome_id GROUP BY 1, 2, 3"
        ).fetchall()
    assert {(state, reason) for code, state, reason, _ in rows if code in wrong} == {
        ("unknown", "auth-rejected"),
        ("unknown", "auth-unknown"),
    }
    assert {state for code, state, _, _ in rows if code not in wrong} == {"online"}
    assert min(n for code, _, reason, n in rows if code in wrong and reason == "auth-unknown") > 4
