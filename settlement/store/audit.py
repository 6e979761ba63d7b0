"""The audit trail as settlement's store sees it: a sink that the console hands in, called in the change's transaction."""

from __future__ import annotations

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
