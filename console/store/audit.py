"""The audit log: one row for everything that changed something, written in the transaction that changed it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from console.store.tables import audit
from monitor.model import Instant
from monitor.store.attested import attest


def canonical(value: object) -> str:
    """Return canonical JSON: sorted keys, no spaces, text as it is."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


_acting: ContextVar[str] = ContextVar("acting", default="")


@contextmanager
def acting(origin: str) -> Iterator[None]:
    """Say where the changes made within come from, whatever sink they go through; threads must be given the context."""
    token = _acting.set(origin)
    try:
        yield
    finally:
        _acting.reset(token)


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit sink for one origin ("cli", "watch", "schedule"), unless `acting` names another ("console", "api")."""

    origin: str

    def __call__(
        self,
        connection: Connection,
        *,
        at: Instant,
        actor: str,
        action: str,
        object: str,
        before: object,
        after: object,
    ) -> None:
        """Add a row to the caller's transaction."""
        connection.execute(
            audit.insert().values(
                at=at,
                actor=actor,
                origin=_acting.get() or self.origin,
                action=action,
                object=object,
                before=canonical(before),
                after=canonical(after),
            )
        )

    def attest(
        self,
        connection: Connection,
        *,
        at: Instant,
        what: str,
        id: str,
        version: int,
        sha256: str,
        media: str,
        actor: str,
        of: Mapping[str, int | str],
    ) -> None:
        """Add the evidence record of a document to the caller's transaction."""
        attest(
            connection,
            at=at,
            what=what,
            id=id,
            version=version,
            sha256=sha256,
            media=media,
            actor=actor,
            of=of,
        )


def entries(connection: Connection, *, limit: int = 100) -> list[Mapping[str, Any]]:
    """Return the newest rows first, at most `limit`."""
    rows = connection.execute(select(audit).order_by(audit.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]
