"""The audit trail as the store sees it: a sink that the console hands in, called by every change somebody makes.

It takes evidence records of documents too, for the rooms that do not know this store's tables.
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
        """Add the evidence record of a document."""
