"""The demo's last part: a small live city behind the console, with a login for everybody, until somebody has seen enough.

The product runs as a program, as a person would start it; its cameras are a fleet that goes wrong by chance.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

POINTS = 400
PORT, USUAL_PORT = 28554, 8080
UNATTENDED_S = 120.0
"""So long the console stays open where no terminal could end it."""
START_S = 60.0
PERSONS: Sequence[tuple[str, str, str, Sequence[str]]] = (
    ("duty", "值班员", "运维值班 watches the city", ("--role", "operations")),
    ("handler", "经办甲", "财务经办 drafts, issues, pays", ("--role", "handler")),
    ("checker", "复核乙", "财务复核 checks", ("--role", "checker")),
    ("approver", "审批丙", "财务审批 approves", ("--role", "approver")),
    ("clerk", "数据员", "公安数据员 brings in the authority's figures", ("--role", "clerk")),
    (
        "supplier",
        "承建单位甲",
        "供应商 sees own points only",
        ("--role", "supplier", "--supplier", "承建单位甲", "--contract", "city"),
    ),
    ("evaluator", "评价机构", "第三方评价 takes evidence along", ("--role", "evaluator")),
    ("leader", "领导", "领导 reads everything", ("--role", "leader")),
    ("admin", "管理员", "系统管理员 accounts and system", ("--role", "administrator")),
)
Command = Callable[..., None]


class Product:
    """The product as a program on one data directory."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        self.environ = {**os.environ, "CAMSLA_DATA_DIR": str(home / "data")}

    def __call__(self, *words: str, said: str = "") -> None:
        done = subprocess.run(
            [str(self.program), *words], env=self.environ, check=False, capture_output=True, text=True, input=said
        )
        if done.returncode:
            raise SystemExit(f"演示中止 the demo stops: camsla {' '.join(words[:2])}: {done.stderr.strip()}")


def quarters() -> tuple[str, str]:
    """Return the last whole quarter, and the one before it, as labels."""
    today = date.fromtimestamp(time.time())
    start = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    last = start - timedelta(days=1)
    before = date(last.year, (last.month - 1) // 3 * 3 + 1, 1) - timedelta(days=1)
    return f"{last.year}Q{(last.month + 2) // 3}", f"{before.year}Q{(before.month + 2) // 3}"


def prepare(camsla: Product, home: Path) -> str:
    """Seed the city: ledger, months of history, contract, the first prepayment issued, the last quarter drafted; everybody's
    password."""
    files = home / "files"
    words = ["--points", str(POINTS), "--port", str(PORT), "--upstreams", "8", "--out", str(files)]
    subprocess.run([sys.executable, "-m", "simulators", "city", *words], check=True, stdout=subprocess.DEVNULL)
    camsla("points", "import", str(files / "points.csv"), "--actor", "duty")
    camsla("runs", "import", str(files / "runs.csv"), "--actor", "duty")
    camsla("contract", "add", str(files / "contract.yaml"), "--actor", "handler")
    camsla("contract", "approve", "city", "1", "--actor", "approver")
    last, before = quarters()
    camsla("statement", "draft", "city", before, "--actor", "handler")
    for step, actor in (
        ("reconcile", "handler"),
        ("confirm", "supplier"),
        ("check", "checker"),
        ("approve", "approver"),
    ):
        camsla("statement", step, "city", before, "--actor", actor)
    camsla("statement", "issue", "city", before, "--actor", "handler")
    camsla("statement", "draft", "city", last, "--actor", "handler")
    camsla("evidence", "keygen")
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    until = (date.fromtimestamp(time.time()) + timedelta(days=30)).isoformat()
    for name, display, _, words_ in PERSONS:
        ends = ("--until", until) if "evaluator" in words_ else ()
        camsla(
            "account",
            "add",
            name,
            "--display",
            display,
            *words_,
            *ends,
            "--password-stdin",
            "--actor",
            "demo",
            said=password + "\n",
        )
    return password


def open_console(program: Path, home: Path, seconds: float | None, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, or for so many seconds; the cameras go wrong meanwhile."""
    home.mkdir()
    camsla = Product(program, home)
    password = prepare(camsla, home)
    fleet = _fleet(home)
    server = None
    try:
        server = subprocess.Popen(
            [str(program), "serve", "--port", str(_port())],
            env={**camsla.environ, "CAMSLA_WATCH__INTERVAL_S": "10"},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        base = _ready(server)
        say(f"控制台已打开 the console is open: {base}/")
        print(f"  密码 password for all of them: {password}")
        for name, display, what, _ in PERSONS:
            print(f"  {name:<10} {display}  {what}")
        print(_how(seconds), flush=True)
        _wait(server, seconds)
    finally:
        for process in (server, fleet):
            if process is not None:
                process.send_signal(signal.SIGTERM)
        for process in (server, fleet):
            if process is not None:
                process.wait(timeout=30)


def _port() -> int:
    """The port that people expect, or any where it is taken."""
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT


def _how(seconds: float | None) -> str:
    if seconds is None:
        return "  Ctrl-C 结束 ends it"
    return f"  {seconds:.0f} 秒后自行关闭 closes by itself after {seconds:.0f} s"


def _fleet(home: Path) -> subprocess.Popen[bytes]:
    ready = home / "ready.json"
    words = ["fleet", "--cameras", str(POINTS), "--seed", "1", "--port", str(PORT), "--upstreams", "8"]
    words += ["--random-faults-per-hour", "2", "--random-mean-s", "90", "--status-s", "0"]
    words += ["--truth-out", str(home / "truth.csv"), "--ready-file", str(ready)]
    fleet = subprocess.Popen(
        [sys.executable, "-m", "simulators", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + START_S
    while not ready.exists():
        if fleet.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"模拟摄像机未能启动 the fleet did not start: 端口 port {PORT}？")
        time.sleep(0.1)
    json.loads(ready.read_text())
    return fleet


def _ready(server: subprocess.Popen[str]) -> str:
    """Wait for the server's address; afterwards what it says is read and dropped, so that it never waits for us."""
    said: list[str] = []
    for line in server.stderr or ():
        said.append(line)
        if "已就绪" in line:
            address = line.partition("http://")[2].split("/")[0]
            threading.Thread(target=lambda: list(server.stderr or ()), daemon=True).start()
            return f"http://{address}"
    raise SystemExit("控制台未能启动 the console did not start:\n" + "".join(said[-5:]))


def _wait(server: subprocess.Popen[str], seconds: float | None) -> None:
    try:
        server.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        print("已按时关闭 closed", flush=True)
    except KeyboardInterrupt:
        print("\n正在结束 ending ...", flush=True)
