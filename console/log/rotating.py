"""Changing the log's key: the new one beside the old, and a record that both have signed."""

from __future__ import annotations

import base64

from console.log.keys import KeyFiles
from console.log.steps import Log
from monitor.evidence.keys import PrivateKey, PublicKey, read_key, write_key
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store import log
from monitor.store.outbox import report
from monitor.store.writer import Writer


def rotate(writer: Writer, where: Log, *, at: Instant, actor: str) -> PublicKey:
    """Make a new key and record the change; return the new public key.

    The new key's file is on the disk before the record is: a crash between leaves a key that the next call takes. InputError
    if there is no key yet, or a change is under way already.
    """
    old, passphrase = where.keys.current(), where.keys.passphrase()
    with writer.transaction() as connection:
        pending = log.keys_announced(connection)
        if pending:
            raise refuse(
                f"换钥尚未完成 a change of the key is under way: {pending[-1]}",
                "待当日封存之后 wait until its day is sealed",
                column="key",
            )
        new = _next(where.keys, old.name, passphrase)
        text = f"camsla-key/1\n{old.public().text()}\n{new.public().text()}\n".encode()
        body = {
            "new": new.public().text(),
            "new_sig": base64.b64encode(new.sign(text)).decode(),
            "old": old.public().text(),
            "old_sig": base64.b64encode(old.sign(text)).decode(),
        }
        report(connection, at, "key", [body])
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="evidence.rotate",
            object=where.origin,
            before={"key": body["old"]},
            after={"key": body["new"]},
        )
    return new.public()


def _next(keys: KeyFiles, name: str, passphrase: str | None) -> PrivateKey:
    if not keys.next_path.exists():
        write_key(keys.next_path, PrivateKey.generate(name), passphrase)
    return read_key(keys.next_path, passphrase)
