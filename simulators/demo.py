"""`make demo`: the main job on embedded defaults, through the same commands a person would type.

First the money: a year of history for a thousand points a phase is imported, its months' rates and the quarters' statements
are computed. Then the evidence: the log's key and a checkpoint of all that. Then the watching: a small fleet of fake cameras
with scripted faults is watched live, and what was measured is held against what really was. The product runs as a program
(`camsla`), never as a library.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from simulators.open_console import POINTS, UNATTENDED_S, open_console

HOME = Path("demo-data")
CAMSLA = Path(sys.executable).with_name("camsla")
CAMERAS = 24
FAULTS = [
    {"cameras": "3", "fault": "refuse", "at_s": 8, "for_s": 14},
    {"cameras": "7-9", "fault": "silent", "at_s": 12, "for_s": 12},
    {"cameras": "12", "fault": "404", "at_s": 6, "for_s": 20},
    {"cameras": "15", "fault": "401", "at_s": 10, "for_s": 15},
    {"cameras": "20", "fault": "reboot", "at_s": 16, "for_s": 9},
    {"cameras": "22", "fault": "oversized", "at_s": 9, "for_s": 12},
]
INTERVAL_S = 2.0
HISTORY_BUDGET_S = 45.0
SHORTEST_S, DEFAULT_S = 10.0, 60.0
CONSOLE_BUDGET_S = 25.0
"""Of a bounded demo, so much is kept for the console."""


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n\x1b[1m── {text}\x1b[0m" if sys.stdout.isatty() else f"\n── {text}", flush=True)


def camsla(where: str, *words: str) -> None:
    """Run one command of the product, showing it first as a person would type it."""
    print(f"$ camsla {' '.join(words)}", flush=True)
    environ = {**os.environ, "CAMSLA_DATA_DIR": str(HOME / where)}
    done = subprocess.run([str(CAMSLA), *words], env=environ, check=False)
    if done.returncode:
        raise SystemExit(f"演示中止 the demo stops: camsla {words[0]} ended with {done.returncode}")


def money() -> None:
    """The reference history, from points to statements."""
    say("一、台账与历史 a year of history: 2 × 1,000 points (invented, with the reported fault rates)")
    history = HOME / "history"
    subprocess.run(
        [sys.executable, "-m", "simulators", "history", "--seed", "1", "--points", "1000", "--out", str(history)],
        check=True,
    )
    camsla("city", "points", "import", str(history / "points.csv"), "--actor", "demo")
    camsla("city", "runs", "import", str(history / "runs.csv"), "--actor", "demo")
    say("二、在线率 rates, month by month and by quarter")
    for period in ("2020-07", "2020-08", "2020-09", "2019Q4", "2020Q3"):
        camsla("city", "rates", "--period", period, "--by", "phase", "--contract", "xinjian")
    say("三、季度结算 the quarters' statements (report A: 16.38 %, 18.64 % and 12.29 % fault)")
    for quarter in ("2019Q4", "2020Q3"):
        camsla("city", "settle", "--contract", "xinjian", "--quarter", quarter)
    say("四、口径差异 what the contract's wording leaves open, in yuan")
    camsla("city", "settle", "--contract", "xinjian", "--quarter", "2020Q3", "--readings", "all")
    say("五、一个季度的一生 a quarter from contract to paper: maker, checker and approver are three persons")
    camsla("city", "contract", "add", "xinjian", "--actor", "经办甲")
    camsla("city", "contract", "approve", "xinjian", "1", "--actor", "审批丙")
    which = ("xinjian", "2020Q3")
    camsla("city", "statement", "draft", *which, "--prepaid", "computed", "--actor", "经办甲")
    for step, actor in (("reconcile", "经办甲"), ("confirm", "供应商"), ("check", "复核乙"), ("approve", "审批丙")):
        camsla("city", "statement", step, *which, "--actor", actor)
    camsla("city", "statement", "issue", *which, "--actor", "经办甲")
    paper = ("--xlsx", str(HOME / "2020Q3.xlsx"), "--pdf", str(HOME / "2020Q3.pdf"))
    camsla("city", "statement", "export", *which, *paper)
    say("六、评分表 the evaluators' scorecard of the reference report, from its printed inputs")
    camsla("city", "score", "xinjian", "--inputs", "xinjian")


def evidence() -> None:
    """The log of what was done so far: its key, and a checkpoint that supplier and evaluator would co-sign."""
    say("七、证据 evidence: every import, contract and statement above is a record of an append-only log")
    camsla("city", "evidence", "keygen")
    camsla("city", "evidence", "seal", "--checkpoint")
    say("检查点 the checkpoint: these lines are what supplier and evaluator co-sign, each on a machine of their own")
    camsla("city", "evidence", "checkpoint", "--newest", "--out", str(HOME / "checkpoint.note"))
    print((HOME / "checkpoint.note").read_text(encoding="utf-8"))
    print(
        "一天结束后才能封存；封存之后即可导出证据包，包内自带核验程序\n"
        "A day is sealed once it is over (camsla serve does it by itself); then a pack can be made, its verifier inside:\n"
        "  camsla evidence seal\n"
        "  camsla evidence export --contract xinjian --period 2020Q3 --out pack.zip"
    )


def watching(seconds: float) -> None:
    """A fleet of fake cameras, watched live; then measured against true."""
    say(f"八、实时看护 {CAMERAS} fake cameras with scripted faults, watched every {INTERVAL_S:g} s for {seconds:.0f} s")
    fleet_home = HOME / "fleet"
    fleet_home.mkdir()
    faults, ready = fleet_home / "faults.json", fleet_home / "ready.json"
    faults.write_text(json.dumps(FAULTS))
    points, truth = fleet_home / "points.csv", fleet_home / "truth.csv"
    words = ["fleet", "--cameras", str(CAMERAS), "--seed", "1", "--faults", str(faults), "--port", "18554"]
    words += ["--points-out", str(points), "--truth-out", str(truth), "--ready-file", str(ready), "--status-s", "0"]
    fleet = subprocess.Popen([sys.executable, "-m", "simulators", *words], stdin=subprocess.DEVNULL)
    try:
        wait_for(ready, fleet)
        camsla("fleet", "points", "import", str(points), "--actor", "demo")
        os.environ["CAMSLA_WATCH__RETRY_S"] = "0.5"
        os.environ["CAMSLA_WATCH__TIMEOUT_S"] = "1.5"
        camsla("fleet", "watch", "--interval", f"{INTERVAL_S:g}", "--duration", f"{seconds:.0f}")
    finally:
        fleet.send_signal(signal.SIGTERM)
        fleet.wait(timeout=20)
    compare(truth, fleet_home)


def wait_for(ready: Path, fleet: subprocess.Popen[bytes]) -> None:
    """Wait until the fleet listens."""
    for _ in range(200):
        if ready.exists():
            return
        if fleet.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit("模拟摄像机未能启动 the fleet did not start: 端口 18554 是否被占用 is port 18554 taken?")


def compare(truth: Path, home: Path) -> None:
    """Hold the measured seconds against what really was, for the cameras that failed."""
    say("九、对账 measured against true: seconds offline (an outage's edges are known to one interval)")
    states = home / "camsla.db"
    measured = offline_seconds(states)
    true: dict[str, float] = {}
    what: dict[str, str] = {}
    with truth.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["state"] == "online":
                continue
            span = datetime.fromisoformat(row["end"]) - datetime.fromisoformat(row["start"])
            true[row["camera"]] = true.get(row["camera"], 0.0) + span.total_seconds()
            what[row["camera"]] = f"{row['fault']} ({row['state']})"
    # Chinese characters take two columns of a terminal, and count as one here.
    print(f"{'摄像机 camera':<15}{'故障 fault':<22}{'真实 true s':>12}{'实测 measured s':>18}")
    for camera in sorted(true):
        print(f"{camera:<18}{what[camera]:<24}{true[camera]:>14.1f}{measured.get(camera, 0.0):>20.1f}")
    print(
        "口令两次被拒后不再尝试，以免锁住账号，直到口令更改：故 401 一台此后一直为未知\n"
        "A password that was rejected twice is kept back until it changes, lest the camera lock: that one stays unknown."
    )


def offline_seconds(database: Path) -> dict[str, float]:
    """Read the runs as anybody can, with plain SQL: a run holds until the next one begins."""
    import sqlite3  # noqa: PLC0415  only this comparison needs it

    query = (
        "SELECT p.code, o.state, r.first_at, lead(r.first_at) OVER (PARTITION BY r.point_id ORDER BY r.first_at),"
        " r.last_at FROM runs r JOIN points p ON p.id = r.point_id JOIN outcomes o ON o.id = r.outcome_id"
    )
    seconds: dict[str, float] = {}
    with sqlite3.connect(database) as connection:
        for code, state, first, following, last in connection.execute(query):
            if state != "online":
                seconds[code] = seconds.get(code, 0.0) + ((following or last) - first) / 1e6
    connection.close()
    return seconds


def main() -> None:
    """Run the demo. DEMO_S bounds the whole of it, in seconds; without it the watching takes a minute, and the console stays open."""
    begun = time.monotonic()
    given = os.environ.get("DEMO_S")
    try:
        budget = float(given) if given else DEFAULT_S + HISTORY_BUDGET_S
    except ValueError:
        raise SystemExit(f"DEMO_S 须为秒数 must be seconds: {given!r}") from None
    if HOME.exists():
        if not (HOME / ".demo").exists():
            raise SystemExit(f"{HOME} 不是演示目录 is not a demo's folder; 请移走 move it away")
        shutil.rmtree(HOME)
    HOME.mkdir()
    (HOME / ".demo").touch()
    for name in [name for name in os.environ if name.startswith("CAMSLA_")]:
        del os.environ[name]  # embedded defaults, whatever the machine has set
    money()
    evidence()
    spare = CONSOLE_BUDGET_S if given else 0.0
    watching(max(SHORTEST_S, budget - (time.monotonic() - begun) - 4.0 - spare))
    say("接下来 what to try next")
    print(
        "  export CAMSLA_DATA_DIR=demo-data/city\n"
        "  .venv/bin/camsla rates --period 2020Q3 --by area --json\n"
        "  .venv/bin/camsla settle --contract xinjian --quarter 2020Q3 --reading H\n"
        "  .venv/bin/camsla payment due xinjian\n"
        "  .venv/bin/camsla contract lint xinjian\n"
        "  .venv/bin/camsla evidence log\n"
        "  .venv/bin/camsla points export ledger.xlsx\n"
    )
    say(
        f"十、控制台 the console: a live city of {POINTS} cameras with its past, its contract and somebody for every role"
    )
    left = max(SHORTEST_S, budget - (time.monotonic() - begun)) if given else None
    if left is None and not sys.stdin.isatty():
        left = UNATTENDED_S
    open_console(CAMSLA, HOME / "console", left, say)


if __name__ == "__main__":
    main()
