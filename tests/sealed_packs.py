"""A store's log sealed, and packs of it, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from console.log.keys import KeyFiles
from console.log.sealing import Sealer
from console.log.steps import Log
from console.packs.build import Packing
from console.packs.gather import Order
from monitor.evidence.folder import LogFolder
from monitor.evidence.keys import WITNESS, PrivateKey, write_key
from monitor.evidence.note import cosign
from monitor.model import Instant
from monitor.store.writer import Writer

ORIGIN = "camsla.local/test"
COLLECTOR = PrivateKey(ORIGIN, bytes(range(32)))
WITNESSES = {
    "supplier": PrivateKey("supplier.example/w", bytes([1]) * 32),
    "evaluator": PrivateKey("evaluator.example/w", bytes([2]) * 32),
}
SIGNED_AT = 1_700_000_000


def log_in(folder: Path, url: str) -> Log:
    """A log of its own below a folder, with a key."""
    key = folder / "evidence.key"
    if not key.exists():
        write_key(key, COLLECTOR, None)
    return Log(url, folder / "evidence", ORIGIN, "Asia/Shanghai", KeyFiles(key), "camsla test")


def seal(writer: Writer, where: Log, now: Instant, *, witnessed: bool = True) -> list[str]:
    """Seal what is due and have the newest day co-signed; return the sealed days."""
    where.root.mkdir(parents=True, exist_ok=True)
    Sealer(where, writer, delay_minutes=1, apart=False).round(now, checkpoint=False)
    if witnessed:
        cosigned(where.folder)
    return where.folder.days()


def cosigned(folder: LogFolder) -> None:
    """Put both witnesses' signatures on the newest day's checkpoint."""
    day = folder.days()[-1]
    note = folder.read_day(day).note
    for key in WITNESSES.values():
        note = note.with_signature(cosign(note.text, key, SIGNED_AT))
    folder.set_note(day, note)


def trust_file(path: Path, **changes: Any) -> Path:
    """Write trust.json."""
    value = {
        "format": "camsla-trust/1",
        "origin": ORIGIN,
        "collector": COLLECTOR.public().text(),
        "witnesses": [{"role": role, "key": key.public(WITNESS).text()} for role, key in WITNESSES.items()],
        "require": list(WITNESSES),
    }
    path.write_text(json.dumps(value | changes), encoding="utf-8")
    return path


def pack(where: Log, out: Path, contract: str, period: str, **more: Any) -> dict[str, Any]:
    """Export a pack and return what is said of it."""
    answer = out.with_suffix(".json")
    witnesses = tuple((role, key.public(WITNESS).text()) for role, key in WITNESSES.items())
    Packing(Order(where, contract, period, **more), out, answer, witnesses)(lambda *_: None)
    said: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return said
