"""Past months as their close froze them: what a phase's rate was, without reading a run, while nothing has changed it since.

A quarter is the sum of its months' seconds. Whatever was recorded after a close and could change its months makes them be
measured again: facts of the ledger, devices' stays, exclusions and reclassifications, gaps, files of runs, versions of contracts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from console.board.card import Tally, added
from monitor.model import MICROSECONDS
from monitor.period import Period, months_of
from monitor.scope import EVERYTHING, Scope
from monitor.store.tables import exclusions, gaps, imports, occupancies, point_facts, vantages
from settlement.contract import Terms
from settlement.store.tables import contract_versions, period_rates

LATE = ("agent", "gb28181")
"""Kinds of observers whose results may come in after a close, without a time at which they did."""


def frozen(connection: Connection, terms: Terms, period: Period, scope: Scope) -> dict[str, Tally]:
    """Return the phases' seconds in a period of whole months; empty where these cannot be taken from what was frozen.

    A close counts all points, so whoever does not see them all gets nothing from it.
    """
    months = months_of(period)
    if scope != EVERYTHING or any(".." in month.label for month in months):
        return {}
    rows = _newest(connection, terms.contract, [month.label for month in months])
    held = {month for _, month in rows}
    if held != {month.label for month in months}:
        return {}
    since = min(row.recorded_at for row in rows.values())
    if _changed(connection, terms, period, since):
        return {}
    phases = {phase for phase, _ in rows}
    return {
        phase: added(_tally(row, terms) for (its, _), row in rows.items() if its == phase) for phase in sorted(phases)
    }


def _newest(connection: Connection, contract: str, labels: Sequence[str]) -> dict[tuple[str, str], Any]:
    t = period_rates.c
    query = select(period_rates).where(t.contract == contract, t.period.in_(labels)).order_by(t.revision)
    return {(row.phase, row.period): row for row in connection.execute(query)}


def _tally(row: Any, terms: Terms) -> Tally:
    """Return a frozen row as seconds; `least` is what is good if all that is unknown had been offline."""
    least = row.good_s - (row.unknown_s if terms.policy.unknown == "online" else 0)
    whole = row.counted_s + (row.unknown_s if terms.policy.unknown == "excluded" else 0)
    return Tally(row.good_s, row.counted_s, row.unknown_s, row.excluded_s, least, whole)


def _changed(connection: Connection, terms: Terms, period: Period, since: int) -> bool:
    """Tell whether anything recorded from an instant on could change a period, or could have without a trace."""
    start, end = (second * MICROSECONDS for second in period.span(terms.zone))
    return any(connection.scalar(query) for query in _questions(terms.contract, start, end, since))


def _questions(contract: str, start: int, end: int, since: int) -> Iterator[Any]:
    for table in (point_facts, occupancies):
        t = table.c
        yield select(func.count()).where(t.valid_from < end, or_(t.recorded_at >= since, t.superseded_at >= since))
    e = exclusions.c
    yield select(func.count()).where(e.approved_at >= since, e.start_at < end, e.end_at > start)
    g = gaps.c
    ended = or_(g.recorded_at >= since, g.end_at.is_(None), g.end_at >= since)
    yield select(func.count()).where(and_(g.start_at < end, or_(g.end_at.is_(None), g.end_at > start)), ended)
    yield select(func.count()).where(imports.c.at >= since)
    v = contract_versions.c
    yield select(func.count()).where(v.contract == contract, v.approved_at >= since)
    yield select(func.count()).where(vantages.c.kind.in_(LATE))
