"""Audit trail and evidence log as settlement's store sees them: a sink that the console hands in.

Both are written in the transaction of the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import Connection

from monitor.model import Instant


class AuditSink(Protocol):
    """Records who changed what, inside the transaction of the change."""

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
        """Add the audit row."""

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
        """Add the evidence record of a document that somebody vouches for: what it is, and the digest of its bytes."""
