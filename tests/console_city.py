"""A seeded city with somebody for every role: what browser walks, screenshots and the console's bench work on.

Seeded by the commands a person would type, "yesterday" (libfaketime), so that the log's day can be sealed today.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from config.settings import load_settings
from console.app.database import open_writer
from console.auth.passwords import Passwords
from console.clock import wall_now
from console.store import accounts
from console.web.access import Role
from monitor.model import Instant
from monitor.scope import EVERYTHING, Scope
from tests.camsla_command import ROOT, Camsla

CITY = 11_045
DAY_US = 86_400_000_000
CONTRACT = "city"
SUPPLIER = "承建单位甲"
PASSWORD = "a-pass-phrase-of-the-tests"
PERSONS: Mapping[str, tuple[str, frozenset[Role], Scope]] = {
    "duty": ("值班员", frozenset({Role.OPERATIONS}), EVERYTHING),
    "handler": ("经办甲", frozenset({Role.HANDLER}), EVERYTHING),
    "checker": ("复核乙", frozenset({Role.CHECKER}), EVERYTHING),
    "approver": ("审批丙", frozenset({Role.APPROVER}), EVERYTHING),
    "clerk": ("数据员", frozenset({Role.CLERK}), EVERYTHING),
    "evaluator": ("评价机构", frozenset({Role.EVALUATOR}), EVERYTHING),
    "supplier": (SUPPLIER, frozenset({Role.SUPPLIER}), Scope(frozenset({CONTRACT}), None, SUPPLIER)),
    "leader": ("领导", frozenset({Role.LEADER}), EVERYTHING),
    "reporter": ("社区", frozenset({Role.REPORTER}), Scope(None, frozenset({"长堎镇"}), None)),
    "admin": ("管理员", frozenset({Role.ADMINISTRATOR}), EVERYTHING),
}


_YESTERDAY = {"FAKETIME": "-1d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def faketime() -> str:
    """Return the library that shifts clocks; without it skip, or fail where nothing may be skipped."""
    for found in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return str(found)
    if os.environ.get("CI") == "true":
        pytest.fail("libfaketime is not installed, and under CI=true nothing is skipped")
    pytest.skip("libfaketime is not installed")


def seed(
    folder: Path,
    points: int,
    *,
    port: int = 8554,
    holds_s: int = 172_800,
    sealed: bool = True,
    closed: bool = True,
    login: tuple[str, str] | None = None,
) -> Camsla:
    """Make a city in folder/data with its contract in force and everybody's account; with `sealed` its log to yesterday.

    Without `closed` yesterday is left open for more work (`yesterday`), and the caller closes it with `close`.
    `login` is one for all cameras instead of their own.
    """
    made = folder / "city"
    now = Camsla(folder)
    before = yesterday(folder) if sealed else now
    words = ["--points", str(points), "--holds-s", str(holds_s), "--upstreams", str(max(2, points // 100))]
    words += ["--port", str(port), "--out", str(made)]
    subprocess.run(
        [sys.executable, "-m", "simulators", "city", *words],
        check=True,
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, **(_YESTERDAY | {"LD_PRELOAD": faketime()} if sealed else {})},
        timeout=300,
    )
    if login is not None:
        _one_login(made / "points.csv", login)
    if sealed:
        _witnesses(before)
        before.ok("evidence", "keygen")
    before.ok("points", "import", str(made / "points.csv"), "--actor", "duty")
    before.ok("runs", "import", str(made / "runs.csv"), "--actor", "duty")
    before.ok("contract", "add", str(made / "contract.yaml"), "--actor", "handler")
    before.ok("contract", "approve", CONTRACT, "1", "--actor", "approver")
    add_persons(folder / "data")
    if sealed and closed:
        close(now)
    return now


def yesterday(folder: Path) -> Camsla:
    """Return commands on the folder's data for which it is a day earlier."""
    return Camsla(folder, _YESTERDAY | {"LD_PRELOAD": faketime()})


def close(camsla: Camsla) -> None:
    """Seal all days that are over."""
    done = camsla.run("evidence", "seal", timeout_s=1_200)
    assert done.returncode == 0, done.stderr


def _witnesses(camsla: Camsla) -> None:
    """Give supplier and evaluator a key each, in the folder as ROLE.key, and name both in its settings."""
    keys = {
        role: camsla.ok("evidence", "keygen", "--witness", f"{role}.example", "--out", f"{role}.key").strip()
        for role in ("supplier", "evaluator")
    }
    named = {"evidence": {"witnesses": [{"role": role, "key": key} for role, key in keys.items()]}}
    (camsla.folder / "camsla.yaml").write_text(json.dumps(named), "utf-8")


def at_work(camsla: Camsla, quarter: str, before: str) -> None:
    """Take the seeded city's money, yesterday, as far as an office stands in the middle of a quarter's settlement.

    The first prepayment (of the quarter `before`) is issued, requested and paid; the authority's file of `quarter` is
    imported and checked; its statement is drafted, reconciled and contested by the supplier at two points, of which one
    claim is decided. An invoice and a budget project are there.
    """
    paid_on = f"{date.today() - timedelta(days=1)}"
    letter = camsla.folder / "来函.pdf"
    letter.write_bytes(b"%PDF-1.4\n%%EOF\n")

    def step(verb: str, label: str, actor: str, *words: str) -> None:
        camsla.ok("statement", verb, CONTRACT, label, *words, "--actor", actor)

    camsla.ok("budget", "set", "P-1", quarter[:4], "--initial", "2500000.00", "--in-place", "1800000.00",
              "--name", "视频监控租赁服务费", "--contract", CONTRACT, "--actor", "handler")  # fmt: skip
    step("draft", before, "handler")
    for verb, actor in (
        ("reconcile", "handler"),
        ("confirm", "supplier"),
        ("check", "checker"),
        ("approve", "approver"),
    ):
        step(verb, before, actor)
    step("issue", before, "handler")
    step("request-payment", before, "handler")
    dues = camsla.json("payment", "due", CONTRACT)
    camsla.ok("invoice", "add", "24952000000012345678", "--contract", CONTRACT, "--due", f"{before}/0/1",
              "--date", paid_on, "--actor", "handler")  # fmt: skip
    owed = sum(Decimal(due["open"]) for due in dues)
    camsla.ok("payment", "record", CONTRACT, before, "--amount", str(owed), "--paid-on", paid_on,
              "--voucher", "0001", "--project", "P-1", "--actor", "handler")  # fmt: skip
    camsla.ok(
        "authority", "import", str(camsla.folder / "city" / "authority.csv"), "--contract", CONTRACT, "--actor", "clerk"
    )
    (file,) = camsla.json("authority", "list")
    camsla.ok("authority", "check", file["sha256"][:12], "--actor", "checker")
    step("draft", quarter, "handler")
    step("reconcile", quarter, "handler", "--reason", "按合同以系统监测为准，差异已函告")
    for point in ("SIM-00001", "SIM-00002"):
        step(
            "dispute", quarter, "supplier", "3", "--point", point, "--reason", "市政施工断电", "--document", str(letter)
        )
    step("decide", quarter, "checker", "1", "accepted", "--opinion", "核对来函与故障记录")


def _one_login(ledger: Path, login: tuple[str, str]) -> None:
    with ledger.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with ledger.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "username": login[0], "password": login[1]} for row in rows)


def add_persons(data: Path) -> None:
    """Open an account for everybody of PERSONS in a data folder."""
    settings = load_settings(None, {"CAMSLA_DATA_DIR": str(data)})
    passwords = Passwords()
    hashed = passwords.hash_now(PASSWORD)
    passwords.close()
    with open_writer(settings) as writer:
        for name, (display, roles, scope) in PERSONS.items():
            until = Instant(wall_now() + 90 * DAY_US) if Role.EVALUATOR in roles else None
            terms = accounts.Terms(display, roles, scope, until)
            accounts.add(writer, name, terms, password=hashed, must_change=False, at=wall_now(), actor="test")
