"""What an evaluator had recorded: commitments to challenges, their reveals, samples drawn. Only added to, never changed.

Each is also an `att` record of the evidence log, in the same transaction, and its bytes go with the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from monitor.canonical import canonical
from monitor.model import Instant
from monitor.store.attested import attest, keep
from monitor.store.audit import AuditSink
from monitor.store.tables import evaluations

CHALLENGE, REVEAL, SAMPLE = "challenge", "reveal", "sample"
_table = evaluations.c


class Evaluation(NamedTuple):
    """One of them. `body` is canonical JSON, "" for a commitment, of which nothing but the digest (its `id`) is known."""

    what: str
    id: str
    version: int
    at: Instant
    actor: str
    sha256: str
    body: str

    @property
    def document(self) -> dict[str, Any]:
        """The body as JSON data."""
        found: dict[str, Any] = json.loads(self.body)
        return found


def add(
    connection: Connection,
    audit: AuditSink,
    what: str,
    id: str,
    document: Mapping[str, Any] | None,
    *,
    of: Mapping[str, int | str],
    at: Instant,
    actor: str,
) -> tuple[Evaluation, bool]:
    """Add one under the next version, unless the newest says the same, and tell whether it was added."""
    body = "" if document is None else canonical(document)
    standing = newest(connection, what, id)
    if standing is not None and standing.body == body:
        return standing, False
    sha256 = keep(connection, [body]) if body else ""
    added = Evaluation(what, id, 1 if standing is None else standing.version + 1, at, actor, sha256, body)
    connection.execute(insert(evaluations).values(added._asdict()))
    attest(
        connection,
        at=at,
        what=what,
        id=id,
        version=added.version,
        sha256=sha256,
        media="application/json" if body else "",
        actor=actor,
        of=of,
    )
    after = {"sha256": sha256, "version": added.version}
    audit(connection, at=at, actor=actor, action=f"{what}.add", object=id, before=None, after=after)
    return added, True


def newest(connection: Connection, what: str, id: str) -> Evaluation | None:
    """Return the newest version, None if there is none."""
    query = select(evaluations).where(_table.what == what, _table.id == id).order_by(_table.version.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Evaluation(*row)


def listed(connection: Connection, what: str) -> list[Evaluation]:
    """Return all of a kind, oldest first."""
    query = select(evaluations).where(_table.what == what).order_by(_table.at, _table.id, _table.version)
    return [Evaluation(*row) for row in connection.execute(query)]
