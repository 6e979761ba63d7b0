"""Packs written by a small writer of its own, for tests of readers: honest ones, and ones that somebody tampered with.

A pack is a mapping of members; `zipped` makes the canonical container, `signed` the manifest and its signature. Whoever holds
the collector's key may sign again what he changed; the witnesses' keys he does not hold.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from monitor.canonical import canonical
from monitor.evidence.folder import LogFolder
from monitor.evidence.keys import PrivateKey
from monitor.evidence.tree import inclusion, leaf_hash

FILES = ("records.ndjson", "frontier.json", "prev.note", "checkpoint.note")


def zipped(members: Mapping[str, bytes], *, stored: frozenset[str] = frozenset({"manifest.sig"})) -> bytes:
    """The canonical ZIP of members."""
    out, directory = bytearray(), bytearray()
    for name, body in sorted(members.items()):
        packed, method = _deflated(body), 8
        if name in stored or len(packed) >= len(body):
            packed, method = body, 0
        head = (20, 2048, method, 0, 33, zlib.crc32(body), len(packed), len(body), len(name), 0)
        directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, *head, 0, 0, 0, 0, len(out)) + name.encode()
        out += struct.pack("<4s5H3L2H", b"PK\3\4", *head) + name.encode() + packed
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(members), len(members), len(directory), len(out), 0)
    return bytes(out + directory + end)


def _deflated(body: bytes) -> bytes:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflate.compress(body) + deflate.flush()


def unzipped(pack: bytes) -> dict[str, bytes]:
    """The members of a canonical ZIP, without any check."""
    members, at = {}, 0
    while pack[at : at + 4] == b"PK\3\4":
        _, _, _, method, _, _, _, packed, _, length, _ = struct.unpack_from("<4s5H3L2H", pack, at)
        start = at + 30 + length
        data = pack[start : start + packed]
        members[pack[at + 30 : start].decode()] = zlib.decompress(data, -15) if method else data
        at = start + packed
    return members


def signed(members: Mapping[str, bytes], manifest: Mapping[str, Any], key: PrivateKey) -> bytes:
    """The pack of members under a manifest, its `files` and signature made anew by the collector's key."""
    inside = {name: body for name, body in members.items() if name not in {"manifest.json", "manifest.sig"}}
    files = {name: hashlib.sha256(body).hexdigest() for name, body in inside.items()}
    inside["manifest.json"] = (canonical({**manifest, "files": files}) + "\n").encode()
    packed = hashlib.sha256()
    for _, body in sorted(inside.items()):
        data = _deflated(body)
        packed.update(data if len(data) < len(body) else body)
    head = f"camsla-pack/1\n{manifest['origin']}\n{manifest['contract']} {manifest['period']}\n"
    text = f"{head}{hashlib.sha256(inside['manifest.json']).hexdigest()}\n{packed.hexdigest()}\n"
    inside["manifest.sig"] = note(text, [(key.name, key.public(1).hash + key.sign(text.encode()))])
    return zipped(inside)


def note(text: str, signatures: list[tuple[str, bytes]]) -> bytes:
    """A signed note."""
    lines = (f"— {name} {base64.b64encode(blob).decode()}\n" for name, blob in signatures)
    return (text + "\n" + "".join(lines)).encode()


def members_of(folder: LogFolder, first: str | None = None) -> tuple[dict[str, bytes], dict[str, Any]]:
    """A log's members from a day on (its first without one), and what the manifest says of them."""
    days = [day for day in folder.days() if first is None or day >= first]
    members = {f"log/{day}/{name}": (folder.path / day / name).read_bytes() for day in days for name in FILES} | {
        f"blobs/{path.name}": path.read_bytes() for path in (folder.path / "blobs").glob("*") if path.is_file()
    }
    size = json.loads(members[f"log/{days[0]}/frontier.json"])["size"]
    digest = ""
    if size:
        before = str(date.fromisoformat(days[0]) - timedelta(days=1))
        state = (folder.path / "states" / f"{before}.json").read_bytes()
        sealed = folder.read_day(before)
        index = sealed.frontier.size + len(sealed.lines) - 1
        path = inclusion(sealed.frontier, [leaf_hash(line) for line in sealed.lines], index)
        proof = {"line": sealed.lines[-1].decode(), "leaf": index, "path": [one.hex() for one in path]}
        members["log/state.json"] = state if state.endswith(b"\n") else state + b"\n"
        members["log/state.proof.json"] = (canonical(proof) + "\n").encode()
        digest = json.loads(sealed.lines[-1])["state"]
    return members, {"days": days, "first_size": size, "state": digest}


def manifest_of(origin: str, said: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A manifest but for its files."""
    return {
        "format": "camsla-pack/1",
        "origin": origin,
        "contract": "xinjian",
        "period": "2020-07",
        "zone": "Asia/Shanghai",
        "statement": None,
        "points": None,
        "software": "test",
        **said,
        **more,
    }
