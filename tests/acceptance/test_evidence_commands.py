"""`camsla evidence` as real processes on real files, on days that are long over: keys, seals, witnesses, a change of the key."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from monitor.canonical import parse_line
from monitor.evidence.note import Note, signed_by
from tests.camsla_command import ROOT, Camsla

LIBRARIES = [
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/faketime/libfaketimeMT.so.1"),
]
VERIFIER = ROOT / "monitor" / "evidence" / "verifier.py"
RUNS = """point,vantage,first,last,count,state,reason,rung,valid_s
XJ1-0001,import,2020-07-01T00:00:00+08:00,2020-07-03T23:59:00+08:00,4320,online,ok,describe,130
XJ1-0002,import,2020-07-01T00:00:00+08:00,2020-07-01T23:59:00+08:00,1440,offline,timeout,describe,130
"""
CLAIMS = "point,start,end,reason\nXJ1-0002,2020-07-01T08:00:00+08:00,2020-07-01T09:00:00+08:00,停电\n"


def faketime() -> str:
    """Return the library that lets a process live on another day; skip without it."""
    for path in LIBRARIES:
        if path.exists():
            return str(path)
    if os.environ.get("CI") == "true":
        pytest.fail("libfaketime is not installed")
    pytest.skip("libfaketime is not installed")


class Then(Camsla):
    """Runs commands as on the day of `at`, a wall time in UTC."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {"LD_PRELOAD": faketime(), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"})
        self.at("2020-07-04 02:00:00")

    def at(self, when: str) -> None:
        self.env["FAKETIME"] = f"@{when}"

    @property
    def log(self) -> Path:
        return self.folder / "data" / "evidence" / "camsla.local_collector"

    def note(self, day: str) -> Note:
        return Note.parse((self.log / day / "checkpoint.note").read_bytes())

    def records(self, day: str) -> list[dict[str, Any]]:
        return [parse_line(line) for line in (self.log / day / "records.ndjson").read_bytes().splitlines()]


@pytest.fixture
def then(tmp_path: Path) -> Then:
    """An installation of 2020 with eight points, two of which were recorded, and one approved exclusion."""
    camsla = Then(tmp_path)
    (tmp_path / "runs.csv").write_text(RUNS)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    points = ROOT / "config" / "samples" / "points.csv"
    camsla.ok("points", "import", str(points), "--actor", "张三", "--effective-from", "2020-06-01")
    camsla.ok("runs", "import", "runs.csv", "--actor", "张三")
    camsla.ok("exclusions", "import", "claims.csv", "--actor", "张三")
    camsla.ok("exclusions", "approve", "--all", "--actor", "李四")
    return camsla


def witnesses(then: Then) -> None:
    """Name two witnesses in the settings: one has this program, the other has the verifier alone."""
    evaluator = then.ok("evidence", "keygen", "--witness", "evaluator.example", "--out", "evaluator.key").strip()
    made = verifier("keygen", "supplier.example", "--out", str(then.folder / "supplier.key"))
    supplier = next(line for line in made.splitlines() if line.startswith("supplier.example+"))
    named = f"evidence:\n  witnesses:\n    - {{role: supplier, key: {json.dumps(supplier)}}}\n"
    named += f"    - {{role: evaluator, key: {json.dumps(evaluator)}}}\n"
    (then.folder / "camsla.yaml").write_text(named)


def verifier(*words: str) -> str:
    command = [sys.executable, "-I", "-S", str(VERIFIER), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_without_a_key_nothing_is_sealed_and_the_command_says_so(then: Then) -> None:
    then.at("2020-07-05 02:00:00")
    assert "evidence keygen" in then.refused("evidence", "seal")
    assert "no checkpoint yet" in then.refused("evidence", "checkpoint")
    shown = then.json("evidence", "log")
    assert (shown["days"], shown["leaves"], shown["waiting"]["records"]) == ([], 0, 2)


def test_a_key_is_made_once_and_kept_from_others(then: Then) -> None:
    made = then.ok("evidence", "keygen")
    public, _, template = made.partition("\n")
    assert json.loads(template)["collector"] == public
    path = then.folder / "data" / "evidence.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "exists and is not overwritten" in then.refused("evidence", "keygen")
    path.chmod(0o644)
    then.at("2020-07-05 02:00:00")
    assert "others may read" in then.refused("evidence", "seal")
    path.chmod(0o600)
    path.write_text("lost")
    assert "not a key file" in then.refused("evidence", "seal")
    assert then.json("evidence", "log")["days"] == []


def test_a_key_with_a_passphrase_opens_by_the_file_that_the_settings_name(then: Then) -> None:
    secret = then.folder / "secret.txt"
    secret.write_text("虎穴得子\n")
    then.ok("evidence", "keygen", "--passphrase-file", str(secret))
    assert "ENCRYPTED" in (then.folder / "data" / "evidence.key").read_text()
    then.at("2020-07-05 02:00:00")
    assert "has a passphrase" in then.refused("evidence", "seal")
    (then.folder / "camsla.yaml").write_text("evidence:\n  passphrase_path: secret.txt\n")
    assert "2020-07-04" in then.ok("evidence", "seal")
    secret.write_text("wrong\n")
    then.at("2020-07-06 02:00:00")
    assert "wrong passphrase" in then.refused("evidence", "seal")


def test_days_are_sealed_in_turn_and_witnessed(then: Then) -> None:
    then.ok("evidence", "keygen")
    then.at("2020-07-04 02:30:00")
    assert "nothing is due" in then.ok("evidence", "seal")
    assert "检查点" in then.ok("evidence", "seal", "--checkpoint")
    hourly = then.ok("evidence", "checkpoint")
    assert "\nhour " in hourly
    then.at("2020-07-07 16:05:00")  # five minutes after midnight in Shanghai
    said = then.ok("evidence", "seal")
    assert re.findall(r"sealed: (\S+)，", said) == ["2020-07-04", "2020-07-05", "2020-07-06"]
    kinds = [r["k"] for r in then.records("2020-07-04")]
    assert kinds[:2] == ["att", "adj"]
    sums = {(r["point"], r["day"]): r for r in then.records("2020-07-04") if r["k"] == "sum"}
    assert (sums["XJ1-0002", "2020-07-01"]["off"], sums["XJ1-0002", "2020-07-01"]["ex"]) == (82_800, 3_600)
    assert sums["XJ1-0001", "2020-07-02"]["on"] == 86_400
    witnesses(then)
    then.ok("evidence", "checkpoint", "--out", "day.note", "--qr", "day.svg")
    assert b"<svg" in (then.folder / "day.svg").read_bytes()
    assert (then.folder / "day.note").read_text() == then.ok("evidence", "checkpoint", "--day", "2020-07-06")
    collector = json.loads(then.ok("evidence", "trust"))["collector"]
    then.ok(
        "evidence", "cosign", "day.note", "--key", "evaluator.key", "--collector", collector, "--out", "signed.note"
    )
    assert "evaluator" in then.ok("evidence", "add-signature", "signed.note", "--actor", "王五")
    line = verifier(
        "cosign", str(then.folder / "day.note"), "--key", str(then.folder / "supplier.key"), "--time", "1594137000"
    )
    (then.folder / "line.txt").write_text(line)
    assert "supplier" in then.ok("evidence", "add-signature", "line.txt", "--actor", "王五")
    assert "known before" in then.ok("evidence", "add-signature", "line.txt", "--actor", "王五")
    assert {one.name for one in then.note("2020-07-06").signatures} == {
        "camsla.local/collector",
        "evaluator.example",
        "supplier.example",
    }
    newest = then.json("evidence", "log")["days"][-1]
    assert (newest["day"], newest["witnesses"]) == ("2020-07-06", ["evaluator.example", "supplier.example"])
    assert then.ok("evidence", "checkpoint").encode() == then.note("2020-07-06").encode()


def test_signatures_of_strangers_and_of_wrong_clocks_are_refused(then: Then) -> None:
    then.ok("evidence", "keygen")
    then.at("2020-07-05 02:00:00")
    then.ok("evidence", "seal")
    witnesses(then)
    then.ok("evidence", "checkpoint", "--out", "day.note")
    then.ok("evidence", "keygen", "--witness", "stranger", "--out", "stranger.key")
    then.ok("evidence", "cosign", "day.note", "--key", "stranger.key", "--out", "other.note")
    assert "not one of the witnesses" in then.refused("evidence", "add-signature", "other.note", "--actor", "王五")
    assert "no witness has signed" in then.refused("evidence", "add-signature", "day.note", "--actor", "王五")
    then.at("2020-07-06 02:00:00")
    then.ok("evidence", "cosign", "day.note", "--key", "evaluator.key", "--out", "ahead.note")
    then.at("2020-07-05 03:00:00")
    assert "clock is far ahead" in then.refused("evidence", "add-signature", "ahead.note", "--actor", "王五")
    changed = (then.folder / "ahead.note").read_text().replace("day 2020-07-04", "day 2020-07-03")
    (then.folder / "changed.note").write_text(changed)
    then.at("2020-07-06 02:00:00")
    assert "not valid over" in then.refused("evidence", "add-signature", "changed.note", "--actor", "王五")
    assert "neither a checkpoint" in then.refused("evidence", "add-signature", "claims.csv", "--actor", "王五")
    assert [one.name for one in then.note("2020-07-04").signatures] == ["camsla.local/collector"]
    bad = then.note("2020-07-04").encode().decode().replace("day 2020-07-04", "day 2020-07-03")
    (then.folder / "bad.note").write_text(bad)
    collector = json.loads(then.ok("evidence", "trust"))["collector"]
    words = ("evidence", "cosign", "bad.note", "--key", "evaluator.key", "--collector", collector)
    assert "do not witness this" in then.refused(*words)


def test_a_new_key_seals_from_the_day_after_its_record(then: Then) -> None:
    then.ok("evidence", "keygen")
    where = then.folder / "data"
    first = json.loads(then.ok("evidence", "trust"))["collector"]
    then.at("2020-07-05 02:00:00")
    then.ok("evidence", "seal", "--checkpoint")
    then.ok("evidence", "rotate", "--actor", "张三")
    assert "under way" in then.refused("evidence", "rotate", "--actor", "张三")
    then.at("2020-07-05 03:00:00")
    then.ok("evidence", "seal", "--checkpoint")
    then.at("2020-07-08 02:00:00")
    then.ok("evidence", "seal")
    (change,) = [r for r in then.records("2020-07-05") if r["k"] == "key"]
    second = json.loads(then.ok("evidence", "trust"))["collector"]
    assert (change["old"], change["new"]) == (first, second)
    assert first != second
    from monitor.evidence.keys import PublicKey

    keys = {name: PublicKey.parse(text) for name, text in (("first", first), ("second", second))}
    for day, name in (
        ("2020-07-04", "first"),
        ("2020-07-05", "first"),
        ("2020-07-06", "second"),
        ("2020-07-07", "second"),
    ):
        for other, key in keys.items():
            assert (signed_by(then.note(day), key) is not None) == (other == name), (day, other)
    assert sorted(path.name for path in where.glob("evidence.key*")) == [
        "evidence.key",
        f"evidence.key.{keys['first'].hash.hex()}.old",
    ]


def test_serve_seals_what_was_missed_and_says_how_the_log_stands(then: Then) -> None:
    then.ok("evidence", "keygen")
    then.at("2020-07-07 02:00:00")
    server = then.start("serve", "--port", "0", "--no-watch", stderr=subprocess.PIPE)
    try:
        assert server.stderr is not None
        said = ""
        for line in server.stderr:
            said += line
            if "sealed: 2020-07-06" in line:
                break
        base = re.search(r"http://[^/\s]+", said)
        assert base is not None, said
        wanted = ("camsla_log_key 1.0", "camsla_log_sealed_until_seconds 1.5940512e+09")
        for _ in range(100):
            with urllib.request.urlopen(f"{base[0]}/metrics", timeout=10) as response:
                metrics = response.read().decode()
            if all(line in metrics for line in wanted):
                break
            time.sleep(0.1)  # the figures are told after the last seal
        assert all(line in metrics for line in wanted), metrics
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.stderr is not None
        rest = server.stderr.read()
        server.stderr.close()
        assert server.wait(30) == 0, rest
    assert "Traceback" not in said + rest
    assert [day["day"] for day in then.json("evidence", "log")["days"]] == ["2020-07-04", "2020-07-05", "2020-07-06"]


def test_serve_without_a_key_says_so_once(then: Then) -> None:
    then.at("2020-07-07 02:00:00")
    done = then.run("serve", "--port", "0", "--no-watch", "--duration", "3")
    assert done.returncode == 0
    assert done.stderr.count("nothing is sealed and records wait") == 1
    assert not then.log.exists()
