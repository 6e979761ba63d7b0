"""Step 2: whose signatures notes, rotations and agents' batches bear."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from console.packs.notebook import Notebook
from console.packs.report import Witness
from console.packs.trust import Trust
from monitor.evidence.keys import COLLECTOR, PublicKey
from monitor.evidence.note import Note, signed_by
from monitor.evidence.pack import PackError


def note_of(body: bytes, where: str) -> Note:
    """Read a note. PackError if it is none."""
    try:
        return Note.parse(body)
    except ValueError as error:
        raise PackError(where, f"不是签名文书 not a signed note: {error}") from None


def signed(note: Note, key: str) -> bool:
    """Tell whether a collector's key (as text) signed the note."""
    try:
        known = PublicKey.parse(key)
    except ValueError:
        return False
    return known.kind == COLLECTOR and signed_by(note, known) is not None


def require_signed(note: Note, key: str, where: str, book: Notebook) -> bool:
    """Note a failure unless the collector's key (as text) signed the note."""
    if signed(note, key):
        return True
    book.fail(2, where, "没有采集方的有效签名 no valid signature of the collector's key")
    return False


def check_rotation(record: Mapping[str, Any]) -> None:
    """Check that both keys signed a rotation. ValueError if not."""
    message = f"camsla-key/1\n{record['old']}\n{record['new']}\n".encode()
    for key, signature in ((record["old"], record["old_sig"]), (record["new"], record["new_sig"])):
        if not PublicKey.parse(key).verify(base64.b64decode(signature, validate=True), message):
            raise ValueError("key: 新旧密钥须都签名 old and new key must both have signed")


def check_agent(record: Mapping[str, Any]) -> None:
    """Check an agent's signature over its batches, where there is one. ValueError if it is not valid."""
    if not record["key"] and not record["sig"]:
        return
    told = "\n".join(str(record[name]) for name in ("vantage", "first", "last", "n", "sha256"))
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(record["key"], validate=True))
        key.verify(base64.b64decode(record["sig"], validate=True), f"camsla-agent/1\n{told}\n".encode())
    except (InvalidSignature, ValueError):
        raise ValueError("agt: 代理的签名无效 the agent's signature is not valid") from None


def check_witnesses(
    note: Note, keys: Collection[str], manifest: Mapping[str, Any], trust: Trust | None, book: Notebook
) -> None:
    """Ask whose signatures the last checkpoint and the manifest bear, and whether all that trust requires are there."""
    book.witnesses.append(Witness(str(manifest["origin"]), "", 0))
    if trust is None:
        names = [signature.name for signature in note.signatures if signature.name != manifest["origin"]]
        book.witnesses += [Witness(name, "?", 0) for name in names]
        book.say(2, f"采集方签名有效 collector's signatures valid；见证 witnesses {len(names)}（未给 no trust.json）")
        return
    if trust.origin != manifest["origin"]:
        book.fail(2, "trust.json", f"是另一日志的 for another log: {trust.origin}")
    if trust.collector.text() not in keys:
        book.fail(2, "trust.json", "所信任的采集方密钥不在本日志中 the trusted collector's key is none of this log's")
    seen: set[str] = set()
    for role, key in trust.witnesses:
        at = signed_by(note, key)
        if at is not None:
            seen.add(role)
            book.witnesses.append(Witness(key.name, role, at))
    for role in trust.require:
        if role not in seen:
            book.fail(2, f"log/{manifest['days'][-1]}/checkpoint.note", f"缺见证签名 not co-signed by: {role}")
    book.say(
        2,
        f"采集方与 {len(seen)} 方见证的签名有效 signatures of the collector and of {', '.join(sorted(seen)) or 'nobody else'}",
    )
