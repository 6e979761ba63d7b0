"""`camsla serve`: one process that watches, closes months and publishes metrics; ends in order on SIGTERM."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from datetime import date
from pathlib import Path

from prometheus_client import generate_latest

from config.contracts import load_contract
from console.quarters.closing import quarter_so_far
from monitor.metrics import WatchMetrics
from monitor.store.database import open_database
from tests.camsla_command import ROOT, Camsla


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        assert response.status == 200
        return str(response.read().decode())


def wait_for(said: str, text: str, process: subprocess.Popen[str]) -> str:
    """Read the server's lines until one holds the text."""
    assert process.stderr is not None
    for line in process.stderr:
        said += line
        if text in line:
            return said
    raise AssertionError(said)


def test_serve_closes_ended_months_and_publishes_metrics(tmp_path: Path) -> None:
    history = tmp_path / "history"
    command = [sys.executable, "-m", "simulators", "history", "--seed", "1", "--points", "25", "--out", str(history)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=60)
    camsla = Camsla(tmp_path, {"CAMSLA_CONTRACTS": '["xinjian"]'})
    camsla.ok("points", "import", str(history / "points.csv"), "--actor", "test")
    camsla.ok("runs", "import", str(history / "runs.csv"), "--actor", "test")
    server = camsla.start("serve", "--port", "0", stderr=subprocess.PIPE)
    try:
        said = wait_for("", "已就绪", server)
        match = re.search(r"http://\S+:\d+", said)
        assert match is not None
        base = match[0]
        metrics = get(base + "/metrics")
        for family in (
            "camsla_points",
            "camsla_probe_due_lag_seconds",
            "camsla_batches_total",
            "camsla_results_waiting",
        ):
            assert f"\n{family}" in metrics
        assert get(base + "/healthz") == "ok\n"
        for _ in range(100):
            try:
                assert get(base + "/readyz") == "ready\n"
                break
            except urllib.error.HTTPError as error:
                error.close()
                time.sleep(0.05)
        wait_for(said, "2020-09", server)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.stderr is not None
        rest = server.stderr.read()
        server.stderr.close()
        assert server.wait(20) == 0, rest
    assert "Traceback" not in rest
    query = "SELECT good_s, counted_s, revision FROM period_rates WHERE phase = ? AND period = ?"
    with closing(sqlite3.connect(tmp_path / "data" / "camsla.db")) as connection:
        months = [connection.execute(query, ("phase-2", f"2020-{month:02d}")).fetchone() for month in (7, 8, 9)]
        assert {revision for _, _, revision in months} == {0}
        assert sum(counted for _, counted, _ in months) == 25 * 92 * 86_400
        closes = connection.execute("SELECT count(*) FROM audit WHERE action = 'month.close'").fetchone()[0]
        frozen = connection.execute("SELECT count(DISTINCT period) FROM period_rates").fetchone()[0]
        assert closes >= frozen >= 12


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = Camsla(tmp_path).refused("serve", "--port", str(taken.getsockname()[1]))
    assert "无法监听" in text


def test_a_bad_contract_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("contract: c1\ncolour: red\n")
    text = Camsla(tmp_path, {"CAMSLA_CONTRACTS": '["bad.yaml"]'}).refused("serve", "--port", "0")
    assert "bad.yaml:2" in text


def test_the_running_quarters_rate_goes_to_the_metrics(tmp_path: Path) -> None:
    history = tmp_path / "history"
    command = [sys.executable, "-m", "simulators", "history", "--seed", "1", "--points", "25", "--out", str(history)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=60)
    camsla = Camsla(tmp_path)
    camsla.ok("points", "import", str(history / "points.csv"), "--actor", "test")
    camsla.ok("runs", "import", str(history / "runs.csv"), "--actor", "test")
    engine = open_database(f"sqlite:///{tmp_path / 'data' / 'camsla.db'}")
    metrics = WatchMetrics()
    terms = [load_contract(Path("xinjian"))]
    quarter_so_far(engine, terms, date(2020, 7, 1), metrics.phase)
    assert b"camsla_phase_online_rate{" not in generate_latest(metrics.registry)
    quarter_so_far(engine, terms, date(2020, 10, 1), metrics.phase)  # the new quarter has no day behind it yet
    assert b"camsla_phase_online_rate{" not in generate_latest(metrics.registry)
    quarter_so_far(engine, terms, date(2020, 9, 1), metrics.phase)
    engine.dispose()
    published = generate_latest(metrics.registry).decode()
    row = camsla.json("rates", "--period", "2020-07-01..2020-08-31", "--by", "phase", "--contract", "xinjian")["rows"][
        1
    ]
    line = next(text for text in published.splitlines() if 'bound="rate"' in text and 'phase="phase-2"' in text)
    assert abs(float(line.split()[-1]) - float(row["rate"])) < 1e-6
