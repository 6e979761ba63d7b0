"""From observations to a pack that an evaluator checks offline, by commands alone: ledger, runs, contract, statement, issue,
seal, co-signatures, export; then the verifier that lies in the pack, from an empty folder, recomputes the payable to the fen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import console.app.database
import console.clock
from console.cli import main
from tests.acceptance.test_quarter_life import CLAIM, POINTS, runs
from tests.camsla_command import Camsla

pytestmark = pytest.mark.timeout(400)
WORKED = "2021-07-05T09:00:00+08:00"
SEALED = "2021-07-06T01:00:00+08:00"
CONTRACT: dict[str, Any] = {
    "contract": "small",
    "title": "四点位",
    "purchaser": "某局",
    "supplier": "某运营商",
    "tax_rate": "0.06",
    "target": "0.90",
    "prepay_share": "0.90",
    "approval": {"chain": ["check", "approve"], "objection_days": 10, "silence": "confirms"},
    "phases": [
        {
            "id": "p",
            "title": "一期",
            "unit_price": "100.00",
            "components": {"line": "60.00", "platform": "40.00"},
            "in_service_from": "2020-07-01",
            "months": 12,
        }
    ],
}
TIERS = {
    "kind": "substituted-tiers",
    "id": "main",
    "grain": "quarter",
    "over": "≥",
    "tiers": [{"from": "96%", "pays": "rate"}, {"from": "65%", "to": "96%", "pays": "65%"}, {"to": "65%", "pays": 0}],
}
QUARTER_S = 92 * 86_400
SECONDS = {
    "online": 4 * QUARTER_S - 2_203_200 - 172_800,
    "offline": 2_203_200 - 864_000 + 172_800,
    "unknown": 0,
    "excluded": 864_000,
}
"""A-1 is down for 2,203,200 s, 864,000 of them excluded; A-2 for 172,800 s."""
PAYABLE = {"A": "1141.34", "B": "1200.00", "H": "1130.68", "tiers": "780.00"}
"""Of 1,200.00 with o = 29,419,200 ÷ 30,931,200 = 0.951117: F·o; F, as o ≥ 90 %; F·(o − (96 % − o)); 65 % as o < 96 %."""
CONTRACTS: dict[str, dict[str, Any]] = {
    "A": {"reading": "A"},
    "B": {"reading": "B"},
    "H": {"reading": "H", "target": "0.96"},
    "tiers": {"reading": "none", "rules": [TIERS]},
}


class Office(Camsla):
    """Commands in this process, at a time of its own."""

    at = WORKED

    def run(self, *words: str, timeout_s: float = 100) -> subprocess.CompletedProcess[str]:
        now = int(datetime.fromisoformat(self.at).timestamp()) * 1_000_000
        with CliRunner().isolation(env=self.env) as (out, err, _), pytest.MonkeyPatch.context() as patched:
            patched.chdir(self.folder)
            patched.setattr(console.clock, "wall_now", lambda: now)
            patched.setattr(console.app.database, "wall_now", lambda: now)
            for name in [name for name in os.environ if name.startswith("CAMSLA_") and name not in self.env]:
                patched.delenv(name)
            try:
                code = main.main(list(words), prog_name="camsla", standalone_mode=False) or 0
            except SystemExit as done:
                code = int(done.code or 0)
            return subprocess.CompletedProcess(words, code, out.getvalue().decode(), err.getvalue().decode())


def office(folder: Path, kind: str) -> Office:
    """An installation with both witnesses' keys and the quarter issued."""
    made = Office(folder)
    keys = {
        role: made.ok("evidence", "keygen", "--witness", f"{role}.example/w", "--out", f"{role}.key").strip()
        for role in ("supplier", "evaluator")
    }
    settings = {
        "evidence": {"origin": "camsla.local/small", "witnesses": [{"role": r, "key": k} for r, k in keys.items()]}
    }
    for name, body in (
        ("camsla.yaml", yaml.safe_dump(settings)),
        ("contract.yaml", yaml.safe_dump(CONTRACT | CONTRACTS[kind], allow_unicode=True)),
        ("points.csv", POINTS),
        ("runs.csv", runs()),
        ("claims.csv", CLAIM),
        ("letter.txt", "停电证明\n"),
    ):
        (folder / name).write_text(body, "utf-8")
    made.ok("evidence", "keygen")
    made.ok("points", "import", "points.csv", "--actor", "张三")
    made.ok("runs", "import", "runs.csv", "--actor", "张三")
    made.ok("exclusions", "import", "claims.csv", "--actor", "供应商甲")
    made.ok("exclusions", "approve", "--all", "--actor", "李四")
    made.ok("contract", "add", "contract.yaml", "--actor", "张三")
    made.ok("contract", "approve", "small", "1", "--actor", "王五")
    for quarter in ("2020Q2", "2020Q3"):
        made.ok("statement", "draft", "small", quarter, "--actor", "张三")
        for verb, actor in (
            ("reconcile", "张三"),
            ("confirm", "供应商甲"),
            ("check", "李四"),
            ("approve", "王五"),
            ("issue", "张三"),
        ):
            made.ok("statement", verb, "small", quarter, "--actor", actor)
    return made


def witnessed(made: Office) -> None:
    """Seal the day and have it co-signed by both, each with the file that the other left."""
    made.at = SEALED
    made.ok("evidence", "seal")
    made.ok("evidence", "trust", "--out", "trust.json")
    made.ok("evidence", "checkpoint", "--out", "checkpoint.note")
    for role in ("supplier", "evaluator"):
        made.ok("evidence", "cosign", "checkpoint.note", "--key", f"{role}.key", "--out", f"{role}.note")
        made.ok("evidence", "add-signature", f"{role}.note", "--actor", "张三")


@pytest.mark.parametrize("kind", CONTRACTS)
def test_the_payable_is_recomputed_from_the_pack_alone(kind: str, tmp_path: Path) -> None:
    (tmp_path / "office").mkdir()
    made = office(tmp_path / "office", kind)
    witnessed(made)
    words = ("evidence", "export", "--contract", "small", "--period", "2020Q3", "--document", "letter.txt:立项批复")
    said = made.json(*words, "--out", "pack.zip")
    assert said["exit"] == 0, said
    made.refused(*words, "--out", "pack.zip")
    report = made.json("evidence", "verify", "pack.zip", "--trust", "trust.json")
    assert report["exit"] == 0, report
    assert [step["outcome"] for step in report["steps"]] == ["ok"] * 9
    (phase,) = report["phases"]
    assert phase["seconds"] == SECONDS
    assert phase["payable"] == PAYABLE[kind]

    empty = tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(made.folder / "pack.zip") as pack:
        (empty / "verifier.py").write_bytes(pack.read("verifier.py"))
    pinned = ["../office/pack.zip", "--trust", "../office/trust.json"]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verifier.py", *pinned], cwd=empty, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert PAYABLE[kind] in done.stdout
    assert [path.name for path in empty.iterdir()] == ["verifier.py"]
    again = made.folder / "again.zip"
    made.ok(*words, "--out", str(again))
    assert again.read_bytes() == (made.folder / "pack.zip").read_bytes()


def test_what_does_not_hold_is_named_and_exits_1(tmp_path: Path) -> None:
    made = office(tmp_path, "A")
    made.refused("evidence", "export", "--contract", "small", "--period", "2020Q3", "--out", "pack.zip")
    witnessed(made)
    made.ok("evidence", "export", "--contract", "small", "--period", "2020Q3", "--out", "pack.zip")
    path = made.folder / "pack.zip"
    body = bytearray(path.read_bytes())
    body[len(body) // 3] ^= 1
    path.write_bytes(bytes(body))
    done = made.run("evidence", "verify", "pack.zip", "--trust", "trust.json")
    assert done.returncode == 1, done.stdout
    assert "不符 FAILED" in done.stdout
    assert "Traceback" not in done.stderr
    made.refused("evidence", "verify", "pack.zip", "--trust", "contract.yaml")
    made.refused("evidence", "verify", "none.zip", "--trust", "trust.json")
    assert json.loads((made.folder / "trust.json").read_text("utf-8"))["require"]
    assert not list(made.folder.glob("*.part"))
