"""Where the evidence log holds what was decided about a claim: its `adj` record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from monitor.evidence.tree import leaf_hash
from monitor.period import day_of
from monitor.scope import EVERYTHING
from monitor.store import claims, log
from monitor.store.claims import Claim
from monitor.store.corrections import correction
from monitor.store.tables import outbox


class LogRecord(NamedTuple):
    """A claim's `adj` record: its id, and where it stands in the log; leaf None where it waits for its number."""

    id: str
    day: str
    leaf: int | None
    hash: str
    line: str


def record_id(claim: Claim, rows: Mapping[int, Claim]) -> str:
    """Return the id of a claim's `adj` record; "" for what was never approved, of which the log tells nothing."""
    if not claim.approved_by:
        return ""
    target = None if claim.revokes is None else rows[claim.revokes]
    withdrawn = "" if target is None else record_id(target, rows)
    if target is not None and not withdrawn:
        return ""
    body = correction(
        what="revoke" if target is not None else claim.what,
        point=claim.point,
        start=claim.start,
        end=claim.end,
        cause=claim.cause,
        claimed_by=claim.claimed_by,
        claimed_at=claim.claimed_at,
        document=claim.document_sha,
        approver=claim.approved_by,
        to="" if target is not None else claim.to,
        target=withdrawn,
    )
    return str(body["id"])


def record_of(connection: Connection, folder: Any, claim: Claim, zone: str) -> LogRecord | None:
    """Find a claim's record: in its sealed day's file, else among what waits. None for one that has none."""
    rows = {row.id: row for row in claims.listed(connection, EVERYTHING)}
    name = record_id(claim, rows)
    if not name or claim.approved_at is None:
        return None
    wanted = f'"id":"{name}"'.encode()
    day = day_of(claim.approved_at, zone).isoformat()
    sealed = log.find_day(connection, day)
    if sealed is not None:
        for n, line in enumerate(folder.read_day(day).lines):
            if wanted in line and b'"k":"adj"' in line:
                return LogRecord(name, day, sealed.first + n, leaf_hash(line).hex(), line.decode())
    body = connection.scalar(
        select(outbox.c.body).where(outbox.c.kind == "adj", outbox.c.body.contains(f'"id":"{name}"')).limit(1)
    )
    return LogRecord(name, "", None, "", body or "")
