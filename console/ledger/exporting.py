"""The ledger as the file that imports read, made by a worker process with a connection of its own."""

from __future__ import annotations

from typing import Literal

from monitor.model import Instant
from monitor.roster.export import to_csv, to_xlsx
from monitor.scope import Scope
from monitor.store import roster
from monitor.store.database import snapshot


def ledger_file(url: str, scope: Scope, at: Instant, zone: str, kind: Literal["csv", "xlsx"]) -> bytes:
    """Return the visible points' ledger at an instant; never a login."""
    with snapshot(url) as connection:
        rows = roster.roster_at(connection, scope, at, zone=zone)
        cameras = roster.cameras_at(connection, scope, at)
    return to_xlsx(rows, cameras) if kind == "xlsx" else to_csv(rows, cameras)
