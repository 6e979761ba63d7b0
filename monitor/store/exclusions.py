"""Exclusions: time taken out of the account, claimed by one person and approved by another (monitor/store/claims.py)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, insert, select

from monitor.finding import Finding, InputError, refuse
from monitor.model import Exclusion, Instant
from monitor.origin import Origin
from monitor.scope import Scope
from monitor.store.audit import AuditSink
from monitor.store.claims import Claim as Claim
from monitor.store.claims import approve as approve
from monitor.store.claims import listed as listed
from monitor.store.claims import revoke as revoke
from monitor.store.given import standing
from monitor.store.identities import point_ids
from monitor.store.queries import Window, among, visible
from monitor.store.tables import exclusions, imports, points

MAX_ROWS = 50_000
_table = exclusions.c


def claim(
    connection: Connection,
    audit: AuditSink,
    rows: Sequence[Exclusion],
    *,
    actor: str,
    at: Instant,
    origin: Origin,
) -> list[int]:
    """Add claims, pending until somebody else approves them, and return their numbers; all or nothing.

    A file given again returns the numbers of the first time. Raises InputError for points not in the ledger, for spans
    that do not end after their start, and for a row that says the same as another.
    """
    known = connection.scalar(select(imports.c.sha256).where(imports.c.sha256 == origin.sha256))
    if known is not None:
        same = select(_table.id).where(
            _table.document_sha == origin.sha256, _table.revokes.is_(None), _table.to_state.is_(None)
        )
        return list(connection.scalars(same.order_by(_table.id)))
    _check(connection, rows, origin)
    numbers = [
        int(
            connection.execute(
                insert(exclusions)
                .values(
                    scope_kind="point",
                    scope_id=row.point,
                    start_at=row.start,
                    end_at=row.end,
                    cause=row.cause,
                    document_sha=origin.sha256,
                    claimed_by=actor,
                    claimed_at=at,
                )
                .returning(_table.id)
            ).scalar_one()
        )
        for row in rows
    ]
    connection.execute(insert(imports).values(sha256=origin.sha256, kind="exclusions", at=at, rows=len(rows)))
    after = {"file": origin.file, "ids": numbers, "sha256": origin.sha256}
    audit(connection, at=at, actor=actor, action="exclusions.claim", object="exclusions", before=None, after=after)
    return numbers


def exclusions_for(
    connection: Connection,
    scope: Scope,
    window: Window,
    known_at: Instant | None = None,
    only: Collection[str] | None = None,
) -> list[Exclusion]:
    """Return what counts: approved spans, not withdrawn, of visible points, that meet the window; by point and time.

    With `only`, of the points with one of its codes. With `known_at`, what had been approved, and not withdrawn, by that instant.
    """
    query = (
        select(_table.scope_id, _table.start_at, _table.end_at, _table.cause)
        .join(points, points.c.code == _table.scope_id)
        .where(
            _table.to_state.is_(None),
            standing(known_at),
            _table.start_at < window[1],
            _table.end_at > window[0],
            visible(scope, window),
            among(only),
        )
        .order_by(_table.scope_id, _table.start_at, _table.end_at, _table.id)
    )
    return [
        Exclusion(point, start, end, cause)
        for point, start, end, cause in connection.execute(query)
        if only is None or point in only
    ]


def _check(connection: Connection, rows: Sequence[Exclusion], origin: Origin) -> None:
    if len(rows) > MAX_ROWS:
        raise refuse(f"超过 {MAX_ROWS} 行 more rows than allowed", "分成几个文件 split the file", file=origin.file)
    ids = point_ids(connection)
    findings = []
    seen: dict[Exclusion, int] = {}
    for number, row in enumerate(rows):
        line = origin.line(number)
        if (same := seen.setdefault(row, line)) != line:
            # Two claims that say the same could not be told apart where one of them is withdrawn.
            remedy = "删去一行 leave one of them out"
            findings.append(Finding(origin.file, line, "point", f"与第 {same} 行相同 the same as line {same}", remedy))
        if row.point not in ids:
            remedy = "改正编号或先导入该点位 correct the code or import the point first"
            findings.append(Finding(origin.file, line, "point", f"台账中没有点位 no such point {row.point!r}", remedy))
        if row.end <= row.start:
            remedy = "结束须晚于开始 make it end after its start"
            findings.append(Finding(origin.file, line, "end", "时段为空或倒置 empty or reversed span", remedy))
    if findings:
        raise InputError(findings)
