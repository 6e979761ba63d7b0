"""Hand-made and random packs before the shipped verifier: what it accepts, what it refuses and how it says so."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from monitor.canonical import canonical
from monitor.evidence import verifier
from monitor.evidence.keys import PrivateKey, PublicKey
from monitor.evidence.note import Note, signed_by
from monitor.evidence.tree import leaf_hash
from settlement.lines import Adjustment, Before, Issued
from settlement.money import Amount, Columns
from tests import evidence_logs as logs
from tests import forged_packs as packs
from tests.settled_packs import settled_pack

SCRIPT = Path(verifier.__file__)


def small(root: Path, seed: int = 5, **more: Any) -> tuple[bytes, logs.Log, dict[str, Any]]:
    return settled_pack(root, seed, points=3, begun="2020-06-29", days=5, **more)


def trust_of(log: logs.Log, **more: Any) -> bytes:
    return json.dumps({**log.trust(), **more}).encode()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, logs.Log]:
    pack, log, _ = small(tmp_path_factory.mktemp("pack"))
    return pack, log


def again(made: tuple[bytes, logs.Log], change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> verifier.Report:
    """Check the pack after a change, signed again by the collector."""
    pack, log = made
    members = packs.unzipped(pack)
    manifest = json.loads(members["manifest.json"])
    change(members, manifest)
    return verifier.check(packs.signed(members, manifest, log.key), trust_of(log))


def told(report: verifier.Report) -> str:
    return "\n".join(report.lines())


def test_an_honest_pack_holds(made: tuple[bytes, logs.Log]) -> None:
    report = verifier.check(made[0], trust_of(made[1]))
    assert (report.exit, report.count) == (0, 0), told(report)
    lines = list(report.lines())
    assert [line[:3] for line in lines[:9]] == [f"✓ {n}" for n in range(1, 10)]
    assert lines[-1] == "✓ 全部成立 everything holds"


@pytest.mark.parametrize("seed", range(12))
def test_random_logs_and_statements_hold(seed: int, tmp_path: Path) -> None:
    pack, log, document = settled_pack(tmp_path, seed)
    report = verifier.check(pack, trust_of(log))
    assert report.exit == 0, told(report)
    assert document["totals"]["total"] in told(report)


@pytest.mark.parametrize("seed", range(20, 28))
def test_random_logs_hold_from_a_state_document_on(seed: int, tmp_path: Path) -> None:
    log = logs.write_log(tmp_path, seed)
    members, said = packs.members_of(log.folder, "2020-07-01")
    pack = packs.signed(members, packs.manifest_of(log.folder.origin, said), log.key)
    report = verifier.check(pack, trust_of(log))
    assert (report.exit, report.count) == (3, 0), told(report)  # there is no contract in these logs
    assert "no record of the contract" in told(report)


# -- bad input, each by name


def test_a_missing_day_is_named(made: tuple[bytes, logs.Log]) -> None:
    def dropped(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        for name in packs.FILES:
            del members[f"log/2020-07-01/{name}"]

    assert "log/2020-07-01/" in told(again(made, dropped))

    def renamed(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        dropped(members, manifest)
        manifest["days"].remove("2020-07-01")

    assert "a day is missing" in told(again(made, renamed))


LINES: list[tuple[str, Callable[[list[bytes]], None], str]] = [
    ("truncated", lambda lines: lines.__setitem__(-1, lines[-1][:-9]), "records.ndjson:"),
    (
        "float",
        lambda lines: lines.__setitem__(0, re.sub(rb'"at":([0-9]+)', rb'"at":\1.0', lines[0])),
        "records.ndjson:1 (leaf ",
    ),
    ("duplicate key", lambda lines: lines.__setitem__(0, b'{"at":1,' + lines[0][1:]), "records.ndjson:1 (leaf "),
    ("foreign kind", lambda lines: lines.insert(0, b'{"k":"zz"}'), "unknown kind of record"),
    ("no json", lambda lines: lines.insert(0, b"hello"), "records.ndjson:1 (leaf "),
    ("empty line", lambda lines: lines.insert(0, b""), "records.ndjson:1 (leaf "),
    ("deep", lambda lines: lines.insert(0, b"[" * 100_000), "records.ndjson:1 (leaf "),
    ("no man", lambda lines: lines.pop(), "no man record"),
    ("array", lambda lines: lines.insert(0, b"[]"), "unknown kind of record"),
]


@pytest.mark.parametrize(("name", "change", "words"), LINES, ids=[row[0] for row in LINES])
def test_bad_lines_are_named(
    made: tuple[bytes, logs.Log], name: str, change: Callable[[list[bytes]], None], words: str
) -> None:
    def changed(members: dict[str, bytes], _: dict[str, Any]) -> None:
        place = "log/2020-06-30/records.ndjson"
        lines = members[place].split(b"\n")[:-1]
        change(lines)
        members[place] = b"".join(line + b"\n" for line in lines)

    report = again(made, changed)
    assert report.exit == 1
    assert words in told(report), told(report)


def test_a_cut_last_line_is_named(made: tuple[bytes, logs.Log]) -> None:
    def changed(members: dict[str, bytes], _: dict[str, Any]) -> None:
        members["log/2020-06-30/records.ndjson"] = members["log/2020-06-30/records.ndjson"][:-1]

    assert "the last line is cut short" in told(again(made, changed))


def test_a_clock_far_off_is_named(made: tuple[bytes, logs.Log]) -> None:
    def ahead(members: dict[str, bytes], _: dict[str, Any]) -> None:
        place = "log/2020-06-29/records.ndjson"
        records = [json.loads(line) for line in members[place].split(b"\n")[:-1]]
        next(r for r in records if r["k"] == "tr")["t"] += 3 * 86_400 * 10**6
        members[place] = "".join(canonical(r) + "\n" for r in records).encode()

    assert "a clock far off" in told(again(made, ahead))


def test_a_flood_of_findings_is_read_no_further(made: tuple[bytes, logs.Log]) -> None:
    def flooded(members: dict[str, bytes], _: dict[str, Any]) -> None:
        members["log/2020-06-30/records.ndjson"] = b"\n" * 2_000_000
        members["log/2020-06-29/prev.note"] = b"x" * ((64 << 20) + 1)

    assert "too large" in told(again(made, flooded))

    def lines_only(members: dict[str, bytes], _: dict[str, Any]) -> None:
        members["log/2020-06-30/records.ndjson"] = b"\n" * 2_000_000

    report = again(made, lines_only)
    assert "read no further" in told(report) or report.count >= 1_000
    assert report.count < 1_010


# -- trust


def test_who_is_trusted(made: tuple[bytes, logs.Log]) -> None:
    pack, log = made
    other = PrivateKey("camsla.local/test", bytes(32)).public(1).text()
    stranger = [{"role": "supplier", "key": PrivateKey("supplier.example", bytes(32)).public(4).text()}]
    twice = [{"role": role, "key": log.supplier.public(4).text()} for role in ("supplier", "evaluator")]
    own = [{"role": "supplier", "key": PrivateKey("w", log.key.seed).public(4).text()}]
    for more, words in (
        ({"collector": other}, "not signed by the collector"),
        ({"witnesses": [*stranger, log.trust()["witnesses"][1]]}, "no co-signature of the required witness: supplier"),
        ({"witnesses": twice}, "one key serves in two places"),
        ({"witnesses": own, "require": ["supplier"]}, "one key serves in two places"),
        ({"require": []}, "no witness is required"),
        ({"require": ["mayor"]}, "no witness is required, or one that has no key"),
        ({"origin": "camsla.local/other"}, "格式或来源不对"),
        ({"extra": 1}, "字段缺少或多余"),
        ({"collector": "x"}, "cannot be read"),
    ):
        report = verifier.check(pack, trust_of(log, **more))
        assert report.exit == 1, more
        assert words in told(report), told(report)
    assert "duplicate key" in told(verifier.check(pack, trust_of(log)[:-1] + b',"format":"x"}'))
    assert verifier.check(pack, trust_of(log, require=["evaluator"])).exit == 0


def test_a_rotated_key_signs_from_the_next_day_on(tmp_path: Path) -> None:
    def rotate(log: logs.Log, new: PrivateKey, day: str) -> tuple[int, str, dict[str, Any]]:
        old, fresh = log.key.public(1).text(), new.public(1).text()
        text = f"camsla-key/1\n{old}\n{fresh}\n".encode()
        signatures = {
            f"{name}_sig": packs.base64.b64encode(key.sign(text)).decode()
            for name, key in (("old", log.key), ("new", new))
        }
        return log.world.start(1) + 5, "key", {"old": old, "new": fresh, **signatures}

    rng = random.Random(4)
    world = logs.invent(rng, 2, 4, date(2020, 6, 29), 1)
    log = logs.write_world(tmp_path / "a", world, random.Random(4), reload=False)
    new = PrivateKey(logs.ORIGIN, b"n" * 32)
    world.rows.append(rotate(log, new, "2020-06-30"))
    world.rows.sort(key=lambda row: row[0])
    log = logs.write_world(tmp_path / "b", world, random.Random(4), reload=False)
    members, said = packs.members_of(log.folder)
    manifest = packs.manifest_of(log.folder.origin, said)
    assert "not signed by the collector" in told(
        verifier.check(packs.signed(members, manifest, log.key), trust_of(log))
    )
    for day in log.days[2:]:
        note = Note.parse(members[f"log/{day}/checkpoint.note"])
        blob = new.public(1).hash + new.sign(note.text.encode())
        rest = [(one.name, one.blob) for one in note.signatures[1:]]
        members[f"log/{day}/checkpoint.note"] = packs.note(note.text, [(new.name, blob), *rest])
    for key in (log.key, new):  # whichever of the two the trust names, and whichever signs the manifest
        for trusted in (log.key, new):
            pack = packs.signed(members, manifest, key)
            report = verifier.check(pack, trust_of(log, collector=trusted.public(1).text()))
            assert (report.exit, report.count) == (3, 0), told(report)


# -- what cannot be recomputed is never passed


def test_some_points_only(made: tuple[bytes, logs.Log]) -> None:
    def hidden(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["points"] = ["P-00000"]
        for day in manifest["days"]:
            place = f"log/{day}/records.ndjson"
            lines = members[place].split(b"\n")[:-1]
            members[place] = b"".join(_withheld(line) + b"\n" for line in lines)

    report = again(made, hidden)
    assert (report.exit, report.count) == (3, 0), told(report)
    assert "a pack of some points" in told(report)

    def shown(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["points"] = ["P-00000"]

    assert "not one of the pack's points" in told(again(made, shown))

    def forged(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        hidden(members, manifest)
        place = f"log/{manifest['days'][1]}/records.ndjson"
        members[place] = b"~" + b"0" * 64 + b"\n" + members[place]

    assert again(made, forged).exit == 1


def _withheld(line: bytes) -> bytes:
    record = json.loads(line)
    if record["k"] in {"tr", "ros", "sum"} and record["point"] != "P-00000":
        return b"~" + leaf_hash(line).hex().encode()
    return line


def test_a_family_that_is_not_recomputed_is_named(tmp_path: Path) -> None:
    rule = {"kind": "daily-fee", "id": "day", "rounding": "ceil"}
    pack, log, _ = small(tmp_path, rules=[rule], reading="A")
    report = verifier.check(pack, trust_of(log))
    assert (report.exit, report.count) == (3, 0), told(report)
    assert "NOT RECOMPUTED: 规则 rule day (daily-fee)" in told(report)


def test_what_earlier_statements_left_is_named(tmp_path: Path) -> None:
    amount = Amount(Columns(10_600, 10_000, 600))
    before = Before(
        {"phase-1": Issued(amount, "2020Q1/0")},
        adjustments=(Adjustment("phase-1", "adjustment", amount, "why", "2020Q1/0/1"),),
    )
    pack, log, _ = small(tmp_path, before=before)
    report = verifier.check(pack, trust_of(log))
    assert (report.exit, report.count) == (3, 0), told(report)
    assert "what was prepaid is taken as frozen (2020Q1/0)" in told(report)
    assert "adjustments and interest" in told(report)


@pytest.mark.parametrize(("gross", "exit_code"), [("106.00", 0), ("106.01", 1)])
def test_a_prepayment_is_that_of_the_issued_statement(gross: str, exit_code: int, tmp_path: Path) -> None:
    line = {"kind": "next_prepayment", "gross": gross, "net": "100.00", "tax": "6.00", "components": {}}
    amount = Amount(Columns(10_600, 10_000, 600))
    before = Before({"phase-1": Issued(amount, "2020Q1/0")})
    earlier = {"phases": [{"phase": "phase-1", "lines": [line]}]}
    pack, log, _ = small(tmp_path, before=before, earlier=earlier)
    report = verifier.check(pack, trust_of(log))
    assert report.exit == exit_code, told(report)
    assert ("before.prepaid.phase-1.gross" in told(report)) == bool(exit_code)


def test_the_authoritys_figure_is_named(tmp_path: Path) -> None:
    pack, log, _ = small(tmp_path, authority={"pays": "authority", "if_missing": "provisional-own"})
    report = verifier.check(pack, trust_of(log))
    assert (report.exit, report.count) == (3, 0), told(report)
    assert "the authority's figure is taken from its sealed file" in told(report)


# -- proofs, witnesses, the command line


def run(*words: str, cwd: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-I", "-S", *words], cwd=cwd, capture_output=True, encoding="utf-8", check=False, timeout=100
    )


def _pythons() -> list[str]:
    found = sorted((Path.home() / ".pyenv" / "versions").glob("3.[89].*/bin/python"))
    old = [path for path in (shutil.which("python3.8"), shutil.which("python3.9"), *map(str, found)) if path]
    old = [path for path in old if subprocess.run([path, "-V"], capture_output=True, check=False).returncode == 0]
    return [sys.executable, *old]


@pytest.mark.parametrize("python", _pythons())
def test_it_travels_alone(made: tuple[bytes, logs.Log], tmp_path: Path, python: str) -> None:
    (tmp_path / "verifier.py").write_bytes(SCRIPT.read_bytes())
    (tmp_path / "pack.zip").write_bytes(made[0])
    (tmp_path / "trust.json").write_bytes(trust_of(made[1]))
    done = run("verifier.py", "pack.zip", "--trust", "trust.json", cwd=tmp_path, python=python)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1] == "✓ 全部成立 everything holds"
    done = run("verifier.py", "pack.zip", "--trust", "trust.json", "--json", cwd=tmp_path, python=python)
    assert json.loads(done.stdout)["exit"] == 0
    (tmp_path / "pack.zip").write_bytes(made[0][:-1])
    assert run("verifier.py", "pack.zip", "--trust", "trust.json", cwd=tmp_path, python=python).returncode == 1
    (tmp_path / "pack.zip").write_bytes(b"")
    assert run("verifier.py", "pack.zip", "--trust", "trust.json", cwd=tmp_path, python=python).returncode == 1
    assert run("verifier.py", "none.zip", "--trust", "trust.json", cwd=tmp_path, python=python).returncode == 2
    assert run("verifier.py", "pack.zip", cwd=tmp_path, python=python).returncode == 2


def test_a_proof_can_be_followed_by_hand(made: tuple[bytes, logs.Log], tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(made[0])
    (tmp_path / "trust.json").write_bytes(trust_of(made[1]))
    words = (str(SCRIPT), "pack.zip", "--trust", "trust.json", "--prove", "P-00000", "2020-06-30")
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 0
    steps = [line for line in done.stdout.splitlines() if "sha256sum" in line]
    assert len(steps) > 4
    digests = []
    for step in steps:
        command, _, comment = step.partition("   # ")
        said = subprocess.run(
            ["bash", "-c", command], capture_output=True, encoding="utf-8", check=True
        ).stdout.split()[0]
        assert said == comment
        digests.append(said)
    assert all(digests[n] in steps[n + 1] for n in range(len(digests) - 1))
    assert digests[-1] in done.stdout.splitlines()[-1]
    assert run(*words[:-1], "1999-01-01", cwd=tmp_path).returncode == 1


def test_a_witness_needs_nothing_but_the_file(made: tuple[bytes, logs.Log], tmp_path: Path) -> None:
    done = run(str(SCRIPT), "keygen", "evaluator.example", "--out", "key", cwd=tmp_path)
    public = PublicKey.parse(done.stdout.strip())
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert run(str(SCRIPT), "keygen", "x", "--out", "key", cwd=tmp_path).returncode == 2  # never overwritten
    assert run(str(SCRIPT), "keygen", "a b", "--out", "key2", cwd=tmp_path).returncode == 2
    note = packs.unzipped(made[0])["log/2020-06-30/checkpoint.note"]
    (tmp_path / "note").write_bytes(note)
    line = run(str(SCRIPT), "cosign", "note", "--key", "key", "--time", "1600000000", cwd=tmp_path).stdout
    assert signed_by(Note.parse(note + line.encode()), public) == 1_600_000_000
    (tmp_path / "note").write_bytes(b"hello\n\n" + line.encode())
    assert run(str(SCRIPT), "cosign", "note", "--key", "key", cwd=tmp_path).returncode == 2
    (tmp_path / "key").write_text("x")
    assert run(str(SCRIPT), "cosign", "note", "--key", "key", cwd=tmp_path).returncode == 2


def test_nothing_else_is_written(made: tuple[bytes, logs.Log], tmp_path: Path) -> None:
    (tmp_path / "pack.zip").write_bytes(made[0])
    (tmp_path / "trust.json").write_bytes(trust_of(made[1]))
    run(str(SCRIPT), "pack.zip", "--trust", "trust.json", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack.zip", "trust.json"]
    assert hashlib.sha256(canonical({}).encode()).hexdigest() == verifier.sha256(b"{}").hex()
    assert dataclasses.is_dataclass(made[1])
