"""What stands of reclassifications, as the pieces that a timeline takes: approved by a second person, not withdrawn."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, select, true

from monitor.debounce import Piece
from monitor.model import MICROSECONDS, Instant, State
from monitor.store.tables import exclusions

_table = exclusions.c


def standing(known_at: Instant | None) -> ColumnElement[bool]:
    """Return the condition that a claim was approved, and no withdrawal of it was, now or by an instant."""
    back = exclusions.alias("back")
    by_then = true() if known_at is None else back.c.approved_at <= known_at
    # Not correlated: withdrawals are few, and looked up row by row they would be looked for in the whole table each time.
    withdrawn = select(back.c.revokes).where(back.c.revokes.is_not(None), back.c.approved_by.is_not(None), by_then)
    return and_(
        _table.scope_kind == "point",
        _table.approved_by.is_not(None),
        true() if known_at is None else _table.approved_at <= known_at,
        _table.revokes.is_(None),
        _table.id.not_in(withdrawn),
    )


def given_to(connection: Connection, points: Sequence[str], known_at: Instant | None = None) -> dict[str, list[Piece]]:
    """Return what was given to each of a chunk of points that has any, in order of time, whatever the window.

    What lies outside the history that a window loads does no harm: an online run that passes recovery separates them.
    """
    query = (
        select(_table.scope_id, _table.start_at, _table.end_at, _table.to_state)
        .where(_table.scope_id.in_(points), _table.to_state.is_not(None), standing(known_at))
        .order_by(_table.scope_id, _table.start_at, _table.id)
    )
    found: dict[str, list[Piece]] = {}
    for point, start, end, state in connection.execute(query):
        piece = Piece(start // MICROSECONDS, end // MICROSECONDS, State(state), None)
        found.setdefault(point, []).append(piece)
    return found
