"""Packs whose log was rewritten by one who holds all keys: the tree, the checkpoints and their signatures are made anew.

What such a pack still cannot hide is what its records say: chains, seconds, state, rates, amounts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.canonical import canonical
from monitor.evidence.note import Checkpoint, Note, cosign, sign
from monitor.evidence.tree import EMPTY, Frontier, leaf_hash, read_frontier
from tests.evidence_logs import Log
from tests.forged_packs import signed, unzipped

Record = dict[str, Any]
Edit = Callable[[str, list[Any]], list[Any]]
"""Takes a day and its records and returns those that shall stand instead, or lines as bytes; `man` is fitted afterwards."""


def resealed(pack: bytes, log: Log, edit: Edit, *, chained: bool = True, fitted: bool = True) -> bytes:
    """The pack with other records. `chained`: seq, prev and tip are made anew too; `fitted`: so is `man`."""
    members = unzipped(pack)
    manifest = json.loads(members["manifest.json"])
    first = members[f"log/{manifest['days'][0]}/frontier.json"]
    tree, before = (read_frontier(first[:-1]) if manifest["first_size"] else EMPTY), Note("")
    chains = _Chains()
    for day in manifest["days"]:
        name = f"log/{day}/records.ndjson"
        records = edit(day, [json.loads(line) for line in members[name].splitlines()])
        if fitted and records and records[-1]["k"] == "man":
            _fit(records, tree)
        lines = [_line(record, chains if chained else None) for record in records]
        members[name] = b"".join(line + b"\n" for line in lines)
        members[f"log/{day}/frontier.json"] = tree.line() + b"\n"
        members[f"log/{day}/prev.note"] = before.encode() if tree.size else b""
        tree = tree.appended(lines)
        before = _signed(Checkpoint.of(manifest["origin"], tree, f"day {day}").text(), log, day)
        members[f"log/{day}/checkpoint.note"] = before.encode()
    return signed(members, manifest, log.key)


def restated(pack: bytes, log: Log, what: str, change: Callable[[Record], None]) -> bytes:
    """The pack with another statement (`statement`) or other frozen inputs (`inputs`), in the log and in the manifest."""
    members = unzipped(pack)
    manifest = json.loads(members["manifest.json"])
    key = {"statement": "sha256", "inputs": "inputs_sha256"}
    names = dict(key)
    digests = {name: manifest["statement"][names[name]] for name in names}
    documents = {name: json.loads(members.pop(f"blobs/{digests[name]}")) for name in names}
    change(documents[what])
    made = {"inputs": hashlib.sha256(canonical(documents["inputs"]).encode()).hexdigest()}
    documents["statement"]["inputs_sha256"] = made["inputs"]
    made["statement"] = hashlib.sha256(canonical(documents["statement"]).encode()).hexdigest()
    for name, digest in made.items():
        members[f"blobs/{digest}"] = canonical(documents[name]).encode()
        manifest["statement"][key[name]] = digest

    def edit(_: str, records: list[Record]) -> list[Record]:
        for record in records:
            for name, digest in digests.items():
                if record["k"] == "att" and record["sha256"] == digest:
                    record["sha256"] = made[name]
        return records

    return resealed(signed(members, manifest, log.key), log, edit)


class _Chains:
    """The last `tr` of each point and the last `sum` of each of its days."""

    def __init__(self) -> None:
        self.tr: dict[str, tuple[int, str]] = {}
        self.sum: dict[tuple[str, str], str] = {}


def _line(record: Record | bytes, chains: _Chains | None) -> bytes:
    if isinstance(record, bytes):
        return record
    if chains is not None and record["k"] == "tr":
        seq, tip = chains.tr.get(record["point"], (0, ""))
        record |= {"seq": seq + 1, "prev": tip}
    if chains is not None and record["k"] == "sum":
        seq, tip = chains.tr.get(record["point"], (0, ""))
        record |= {"seq": seq, "tip": tip, "prev": chains.sum.get((record["point"], record["day"]), "")}
    line = canonical(record).encode()
    if chains is not None and record["k"] == "tr":
        chains.tr[record["point"]] = (record["seq"], leaf_hash(line).hex())
    if chains is not None and record["k"] == "sum":
        chains.sum[record["point"], record["day"]] = leaf_hash(line).hex()
    return line


def _fit(records: list[Any], before: Frontier) -> None:
    """Let the day's `man` say what its records are."""
    root = before.root().hex() if before.size else ""
    records[-1] |= {
        "first": before.size,
        "count": len(records),
        "prev": {"size": before.size, "root": root},
        "points": sum(record["k"] == "sum" and record["rev"] == 0 for record in records if isinstance(record, dict)),
    }


def _signed(text: str, log: Log, day: str) -> Note:
    """The checkpoint's text signed by the collector and both witnesses, at noon of the next day."""
    noon = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(12), ZoneInfo("Asia/Shanghai"))
    note = Note(text).with_signature(sign(text, log.key))
    for witness in (log.supplier, log.evaluator):
        note = note.with_signature(cosign(text, witness, int(noon.timestamp())))
    return note
