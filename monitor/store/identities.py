"""Row numbers of names: points, vantages and outcomes. Names are never reused, so what was read once stays true.

Several writers may add the same name at once: whoever comes second waits for the first and takes its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import Any

from sqlalchemy import Connection, Table, select

from monitor.finding import refuse
from monitor.model import Outcome, Reason, Rung, State
from monitor.store.tables import outcomes, points, vantages

MAX_VANTAGES = 1_000
ROWS_AT_ONCE = 500
"""Rows held at once where a whole city is read into something smaller."""


def point_ids(connection: Connection) -> dict[str, int]:
    """Return every point's row number by code."""
    found = connection.execute(select(points.c.code, points.c.id).execution_options(yield_per=ROWS_AT_ONCE))
    return {intern(code): number for code, number in found}


def vantage_ids(connection: Connection) -> dict[str, tuple[int, str]]:
    """Return every vantage's row number and kind by name."""
    found = connection.execute(select(vantages.c.name, vantages.c.id, vantages.c.kind))
    return {name: (number, kind) for name, number, kind in found}


def register_vantage(connection: Connection, name: str, kind: str) -> int:
    """Return a vantage's row number, adding it if it is new.

    Raises InputError if it exists with another kind: our own measurements and others' are never mixed.
    """
    known = vantage_ids(connection)
    if name not in known:
        if len(known) >= MAX_VANTAGES:
            raise refuse(
                f"观测源超过 {MAX_VANTAGES} 个 too many vantages", "检查名称 check the names", column="vantage"
            )
        _add_missing(connection, vantages, [{"name": name, "kind": kind}])
        known = vantage_ids(connection)
    number, found = known[name]
    if found != kind:
        raise refuse(
            f"观测源 {name!r} 已登记为 {found}，不能作 {kind} vantage is registered as {found}, not {kind}",
            "换一个名称 use another name",
            column="vantage",
        )
    return number


def outcomes_by_id(connection: Connection) -> dict[int, Outcome]:
    """Return every outcome seen so far by row number."""
    found = connection.execute(select(outcomes.c.id, outcomes.c.state, outcomes.c.reason, outcomes.c.rung))
    return {number: Outcome(State(state), Reason(reason), Rung(rung)) for number, state, reason, rung in found}


def outcome_ids(connection: Connection, wanted: Iterable[Outcome]) -> dict[Outcome, int]:
    """Return the row numbers of at least the wanted outcomes, adding those that are new."""
    known = {outcome: number for number, outcome in outcomes_by_id(connection).items()}
    new = sorted({(o.state, o.reason, o.rung) for o in wanted if o not in known})
    if not new:
        return known
    # Sorted: two writers that add the same ones in the same order cannot wait for each other.
    _add_missing(connection, outcomes, [{"state": s.value, "reason": r.value, "rung": g.value} for s, r, g in new])
    return {outcome: number for number, outcome in outcomes_by_id(connection).items()}


def _add_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert the rows whose unique key is new; one that another transaction is adding is waited for."""
    insert: Any
    if connection.dialect.name == "postgresql":  # each dialect is megabytes, and one of them is needed
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415
    else:
        from sqlalchemy.dialects.sqlite import insert  # noqa: PLC0415
    connection.execute(insert(table).on_conflict_do_nothing(), list(rows))
