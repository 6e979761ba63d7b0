"""Rows for the evidence log, written in the transaction of what they report, numbered and sealed later by others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert

from monitor.canonical import canonical as canonical
from monitor.model import Instant
from monitor.store.tables import outbox


def report(connection: Connection, at: Instant, kind: str, bodies: Iterable[Mapping[str, object]]) -> None:
    """Add one row per body. `kind` is the record's kind in the log: tr, gap, adj, att …; `at` is when it was known."""
    rows = [{"at": at, "kind": kind, "body": canonical(body)} for body in bodies]
    if rows:
        connection.execute(insert(outbox), rows)
