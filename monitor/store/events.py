"""Events that rules count, as somebody reported them. An event is known by source, kind, point and instant.

Rows are only added; the one thing that may be told later of an event is when it ended.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, true, update

from monitor.finding import Finding, InputError
from monitor.model import Event, Instant
from monitor.origin import Origin
from monitor.scope import Scope
from monitor.store.audit import AuditSink
from monitor.store.happenings import CLOCK_STEP, UPSTREAM_DOWN
from monitor.store.identities import point_ids
from monitor.store.outbox import canonical
from monitor.store.queries import Window, visible
from monitor.store.tables import events, imports, points

OWN_KINDS = frozenset({CLOCK_STEP, UPSTREAM_DOWN})
"""What the watcher itself notices; nobody may import these."""
_table = events.c


class Imported(NamedTuple):
    """What an import did: events added, events that ended now, events that stood already."""

    added: int
    ended: int
    known: int


def add(
    connection: Connection,
    audit: AuditSink,
    rows: Sequence[Event],
    *,
    actor: str,
    at: Instant,
    origin: Origin,
) -> Imported:
    """Add a file's events in the caller's transaction, all or nothing; what stands already changes nothing.

    Raises InputError for points not in the ledger, for kinds of the watcher's own, and for an event that stands with
    another end, phase, incident or count.
    """
    codes = point_ids(connection)
    findings: list[Finding] = []
    fresh: list[dict[str, object]] = []
    endings: list[tuple[int, Instant]] = []
    known = _standing(connection, rows)
    for n, row in enumerate(rows):
        details, line = _details(row), origin.line(n)
        if row.point and row.point not in codes:
            message, remedy = f"台账没有此点位 not in the ledger: {row.point}", "先导入点位 import the point first"
            findings.append(Finding(origin.file, line, "point", message, remedy))
            continue
        if row.kind in OWN_KINDS:
            message, remedy = f"系统自有的事件 an event of the watcher's own: {row.kind}", "换一个种类 use another kind"
            findings.append(Finding(origin.file, line, "event", message, remedy))
            continue
        stands = known.get((row.source, row.kind, row.point, row.at))
        if stands is None:
            number = codes[row.point] if row.point else None
            fresh.append(
                {
                    "kind": row.kind,
                    "point_id": number,
                    "at": row.at,
                    "until": row.until,
                    "source": row.source,
                    "details": details,
                    "recorded_at": at,
                }
            )
        elif stands.details == details and stands.until is None and row.until is not None:
            endings.append((stands.id, row.until))
        elif (stands.details, stands.until) != (details, row.until) and not (
            stands.details == details and row.until is None
        ):
            message = "同一事件已有不同记录 the same event stands otherwise"
            findings.append(
                Finding(origin.file, line, "event", message, "改正，或另写来源 correct it, or name the source")
            )
    if findings:
        raise InputError(findings)
    if fresh:
        connection.execute(insert(events), fresh)
    for number, until in endings:
        connection.execute(update(events).where(_table.id == number).values(until=until))
    done = Imported(len(fresh), len(endings), len(rows) - len(fresh) - len(endings))
    if fresh or endings:
        if connection.scalar(select(imports.c.sha256).where(imports.c.sha256 == origin.sha256)) is None:
            connection.execute(insert(imports).values(sha256=origin.sha256, kind="events", at=at, rows=len(rows)))
        after = {"file": origin.file, "sha256": origin.sha256, "added": done.added, "ended": done.ended}
        audit(connection, at=at, actor=actor, action="events.import", object="events", before=None, after=after)
    return done


class _Standing(NamedTuple):
    id: int
    until: int | None
    details: str | None


def _standing(connection: Connection, rows: Sequence[Event]) -> dict[tuple[str, str, str, int], _Standing]:
    if not rows:
        return {}
    first, last = min(row.at for row in rows), max(row.at for row in rows)
    query = (
        select(_table.source, _table.kind, points.c.code, _table.at, _table.id, _table.until, _table.details)
        .outerjoin(points, points.c.id == _table.point_id)
        .where(_table.at >= first, _table.at <= last, _table.kind.not_in(OWN_KINDS))
    )
    return {
        (source, kind, code or "", at): _Standing(*its) for source, kind, code, at, *its in connection.execute(query)
    }


def _details(row: Event) -> str | None:
    body: dict[str, object] = {}
    if row.phase:
        body["phase"] = row.phase
    if row.incident:
        body["incident"] = row.incident
    if row.counts:
        body["counts"] = dict(row.counts)
    return canonical(body) if body else None


def touching(
    connection: Connection,
    scope: Scope,
    window: Window,
    kinds: Collection[str] | None = None,
    known_at: Instant | None = None,
) -> list[Event]:
    """Return reported events that touch the window, by time, point, kind and source; those without an end last on.

    `kinds` None: all that were reported. With `known_at`, those that had been recorded by then, with their end as it is
    known now. Events of whole phases are visible to everybody.
    """
    query = (
        select(_table.kind, points.c.code, _table.at, _table.until, _table.source, _table.details)
        .outerjoin(points, points.c.id == _table.point_id)
        .where(
            _table.kind.not_in(OWN_KINDS) if kinds is None else _table.kind.in_(sorted(set(kinds) - OWN_KINDS)),
            _table.at < window[1],
            or_(_table.until.is_(None), _table.until > window[0], _table.at >= window[0]),
            true() if known_at is None else _table.recorded_at <= known_at,
            or_(_table.point_id.is_(None), visible(scope, window)),
        )
    )
    found = [_event(*row) for row in connection.execute(query)]
    return sorted(found, key=lambda event: (event.at, event.point, event.kind, event.source))


def _event(kind: str, code: str | None, at: int, until: int | None, source: str, details: str | None) -> Event:
    body = json.loads(details) if details else {}
    return Event(
        kind,
        code or "",
        Instant(at),
        None if until is None else Instant(until),
        source,
        body.get("phase", ""),
        body.get("incident", ""),
        tuple(sorted(body.get("counts", {}).items())),
    )
