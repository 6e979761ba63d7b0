"""Row numbers of names: points, vantages and outcomes. Names are never reused, so what was read once stays true."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from monitor.finding import refuse
from monitor.model import Outcome, Reason, Rung, State
from monitor.store.tables import outcomes, points, vantages

MAX_VANTAGES = 1_000


def point_ids(connection: Connection) -> dict[str, int]:
    """Return every point's row number by code."""
    # .all(): dict() would take the result itself, which has keys(), for a mapping.
    return dict(iter(connection.execute(select(points.c.code, points.c.id)).all()))


def vantage_ids(connection: Connection) -> dict[str, tuple[int, str]]:
    """Return every vantage's row number and kind by name."""
    found = connection.execute(select(vantages.c.name, vantages.c.id, vantages.c.kind))
    return {name: (number, kind) for name, number, kind in found}


def register_vantage(connection: Connection, name: str, kind: str) -> int:
    """Return a vantage's row number, adding it if it is new.

    Raises InputError if it exists with another kind: our own measurements and others' are never mixed.
    """
    known = vantage_ids(connection)
    if name in known:
        number, found = known[name]
        if found != kind:
            raise refuse(
                f"观测源 {name!r} 已登记为 {found}，不能作 {kind} vantage is registered as {found}, not {kind}",
                "换一个名称 use another name",
                column="vantage",
            )
        return number
    if len(known) >= MAX_VANTAGES:
        raise refuse(f"观测源超过 {MAX_VANTAGES} 个 too many vantages", "检查名称 check the names", column="vantage")
    return int(connection.execute(insert(vantages).values(name=name, kind=kind).returning(vantages.c.id)).scalar_one())


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
    connection.execute(insert(outcomes), [{"state": s.value, "reason": r.value, "rung": g.value} for s, r, g in new])
    return {outcome: number for number, outcome in outcomes_by_id(connection).items()}
