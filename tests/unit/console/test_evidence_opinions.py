"""The product's own check and verifier.py, which share no code, say the same of honest packs and of tampered ones."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.packs.checking import check_file
from console.packs.report import Report
from console.packs.trust import read_trust
from monitor.canonical import canonical
from monitor.evidence import verifier
from tests import evidence_logs as logs
from tests.forged_packs import signed, unzipped
from tests.settled_packs import settled_pack

MUTATIONS = int(os.environ.get("CAMSLA_OPINIONS", "4"))
"""How many of each kind per log; `make mutations` asks for more."""


def opinions(pack: bytes, log: logs.Log, folder: Path) -> tuple[Report, int, str]:
    path, trust = folder / "pack.zip", folder / "trust.json"
    path.write_bytes(pack)
    trust.write_text(json.dumps(log.trust()), encoding="utf-8")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = verifier.main([str(path), "--trust", str(trust)])
    return check_file(path, read_trust(trust)), code, said.getvalue()


@pytest.mark.parametrize("seed", range(4))
def test_both_accept_what_is_honest(seed: int, tmp_path: Path) -> None:
    pack, log, document = settled_pack(tmp_path, seed)
    report, code, said = opinions(pack, log, tmp_path)
    assert report.exit == code == 0, (report.failures, report.open, said)
    assert report.total_fen == int(document["totals"]["total"].replace(".", ""))


def _records(members: dict[str, bytes], rng: random.Random) -> tuple[str, list[bytes]]:
    name = rng.choice(sorted(name for name in members if name.endswith("records.ndjson")))
    return name, members[name].split(b"\n")[:-1]


def _bit(pack: bytes, rng: random.Random, log: logs.Log) -> bytes:
    changed = bytearray(pack)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _line(pack: bytes, rng: random.Random, log: logs.Log) -> bytes:
    members = unzipped(pack)
    name, lines = _records(members, rng)
    at = rng.randrange(len(lines))
    match rng.choice(("removed", "doubled", "cut")):
        case "removed":
            del lines[at]
        case "doubled":
            lines.insert(at, lines[at])
        case _:
            lines[at] = lines[at][:-2]
    return _again(members, log, **{name: b"".join(line + b"\n" for line in lines)})


def _field(pack: bytes, rng: random.Random, log: logs.Log) -> bytes:
    members = unzipped(pack)
    name, lines = _records(members, rng)
    at = rng.randrange(len(lines))
    record = json.loads(lines[at])
    field = rng.choice(sorted(name for name, value in record.items() if isinstance(value, int | str)))
    record[field] += 1 if isinstance(record[field], int) else "x"
    lines[at] = canonical(record).encode()
    return _again(members, log, **{name: b"".join(line + b"\n" for line in lines)})


def _days_swapped(pack: bytes, rng: random.Random, log: logs.Log) -> bytes:
    members = unzipped(pack)
    one, other = rng.sample(sorted(name for name in members if name.startswith("log/2020-0")), 2)
    return _again(members, log, **{one: members[other], other: members[one]})


def _statement(pack: bytes, rng: random.Random, log: logs.Log) -> bytes:
    members = unzipped(pack)
    manifest = json.loads(members["manifest.json"])
    told = manifest["statement"]
    document = json.loads(members[f"blobs/{told['sha256']}"])
    name = rng.choice(sorted(document["totals"]))
    document["totals"][name] = "0.01" if document["totals"][name] != "0.01" else "0.02"
    body = canonical(document).encode()
    told["sha256"] = hashlib.sha256(body).hexdigest()
    members[f"blobs/{told['sha256']}"] = body
    return signed(members, manifest, log.key)


def _manifest(pack: bytes, rng: random.Random, log: logs.Log) -> bytes:
    members = unzipped(pack)
    manifest = json.loads(members["manifest.json"])
    changes: dict[str, Any] = {
        "contract": "other",
        "period": "2020Q1",
        "first_size": manifest["first_size"] + 1,
        "origin": "camsla.local/other",
        "days": manifest["days"][1:],
        "points": ["P1"],
        "state": "0" * 64,
        "statement": None,
    }
    name = rng.choice(sorted(changes))
    return signed(members, {**manifest, name: changes[name]}, log.key)


def _again(members: dict[str, bytes], log: logs.Log, **changes: bytes) -> bytes:
    return signed({**members, **changes}, json.loads(members["manifest.json"]), log.key)


TAMPERED: dict[str, Callable[[bytes, random.Random, logs.Log], bytes]] = {
    "bit": _bit,
    "line": _line,
    "field": _field,
    "days": _days_swapped,
    "statement": _statement,
    "manifest": _manifest,
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_both_say_the_same_of_what_was_tampered_with(kind: str, tmp_path: Path) -> None:
    """All but the bits are signed again by one who holds the collector's key."""
    for seed in range(2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        pack, log, _ = settled_pack(folder, seed)
        rng = random.Random(f"{kind} {seed}")
        for n in range(MUTATIONS):
            changed = TAMPERED[kind](pack, rng, log)
            report, code, said = opinions(changed, log, folder)
            assert report.exit == code, (seed, n, report.failures, report.open, said)
            assert kind == "manifest" or code == 1 or changed == pack, (seed, n, said)
