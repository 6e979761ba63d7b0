"""Rows for the evidence log, written in the transaction of what they report, numbered and sealed later by others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert

from monitor.model import Instant
from monitor.store.tables import outbox


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no floats; equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def report(connection: Connection, at: Instant, kind: str, bodies: Iterable[Mapping[str, object]]) -> None:
    """Add one row per body. `kind` is the record's kind in the log: tr, gap, adj, att …; `at` is when it was known."""
    rows = [{"at": at, "kind": kind, "body": canonical(body)} for body in bodies]
    if rows:
        connection.execute(insert(outbox), rows)
