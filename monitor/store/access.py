"""Which points were ever seen alive: what "connected" means in an access rate (接入率)."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from monitor.model import Instant, State
from monitor.scope import Scope
from monitor.store.queries import visible
from monitor.store.tables import outcomes, points, runs


def seen_online(connection: Connection, scope: Scope, before: Instant) -> set[str]:
    """Return the codes of visible points that any vantage saw online before an instant."""
    alive = (
        exists()
        .where(runs.c.point_id == points.c.id, runs.c.first_at < before)
        .where(runs.c.outcome_id.in_(select(outcomes.c.id).where(outcomes.c.state == State.ONLINE.value)))
    )
    return set(connection.scalars(select(points.c.code).where(alive, visible(scope))))
