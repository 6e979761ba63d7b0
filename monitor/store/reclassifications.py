"""Reclassifications (补判): unknown time of a point called online or offline on the strength of a document.

They share their life with exclusions (monitor/store/claims.py). Two that stand never overlap at a point: whoever wants another
decision about the same seconds withdraws the first one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS, Instant, Reclassification, State
from monitor.origin import Origin
from monitor.scope import EVERYTHING, Scope
from monitor.store.audit import AuditSink
from monitor.store.claims import listed
from monitor.store.given import standing
from monitor.store.identities import point_ids
from monitor.store.queries import Window, visible
from monitor.store.tables import exclusions, points

MAX_ROWS = 50_000
_table = exclusions.c


def claim(
    connection: Connection,
    audit: AuditSink,
    rows: Sequence[Reclassification],
    *,
    document: str,
    actor: str,
    at: Instant,
    origin: Origin,
) -> list[int]:
    """Add claims, pending until somebody else approves them, and return their numbers; all or nothing.

    `document` is the digest of the 故障报告 that says so. Raises InputError, with each row's line, for points not in the
    ledger, spans that do not end after their start or not before now, and those that overlap what stands or one another.
    """
    if not rows:
        raise refuse("没有可补判的点位 nothing to reclassify", "检查时段 check the span", file=origin.file)
    if len(rows) > MAX_ROWS:
        raise refuse(f"超过 {MAX_ROWS} 行 more rows than allowed", "分成几次 split them", file=origin.file)
    _check(connection, rows, at, origin)
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
                    document_sha=document,
                    claimed_by=actor,
                    claimed_at=at,
                    to_state=row.state.value,
                )
                .returning(_table.id)
            ).scalar_one()
        )
        for row in rows
    ]
    after = {"document": document, "file": origin.file, "ids": numbers, "sha256": origin.sha256}
    audit(connection, at=at, actor=actor, action="corrections.claim", object="corrections", before=None, after=after)
    return numbers


def reclassified(
    connection: Connection, scope: Scope, window: Window, known_at: Instant | None = None
) -> list[Reclassification]:
    """Return what counts: approved, not withdrawn, of visible points, meeting the window; by point and time.

    With `known_at`, what had been approved, and not withdrawn, by that instant.
    """
    query = (
        select(_table.scope_id, _table.start_at, _table.end_at, _table.to_state, _table.cause)
        .join(points, points.c.code == _table.scope_id)
        .where(
            _table.to_state.is_not(None),
            standing(known_at),
            _table.start_at < window[1],
            _table.end_at > window[0],
            visible(scope, window),
        )
        .order_by(_table.scope_id, _table.start_at, _table.id)
    )
    return [Reclassification(p, s, e, State(state), cause) for p, s, e, state, cause in connection.execute(query)]


def _check(connection: Connection, rows: Sequence[Reclassification], at: Instant, origin: Origin) -> None:
    ids = point_ids(connection)
    stood: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for claim in listed(connection, EVERYTHING, "reclassify"):
        if claim.stands:
            stood[claim.point].append((claim.start, claim.end, f"编号 {claim.id} number {claim.id}"))
    findings = []

    def complain(line: int, column: str, message: str, remedy: str) -> None:
        findings.append(Finding(origin.file, line, column, message, remedy))

    for number, row in enumerate(rows):
        line = origin.line(number) if origin.file else 0
        if row.point not in ids:
            complain(line, "point", f"台账中没有点位 no such point {row.point!r}", "改正编号 correct the code")
        if row.end // MICROSECONDS <= row.start // MICROSECONDS:
            complain(
                line, "end", "时段不足一秒或倒置 less than a second, or reversed", "结束须晚于开始 end after start"
            )
            continue
        if row.end > at:
            complain(line, "end", "时段尚未结束 the span is not over yet", "只补判已过的时间 past time only")
        meeting = next((name for start, end, name in stood[row.point] if start < row.end and row.start < end), None)
        if meeting is not None:
            remedy = "改正时段，或先撤回那一条 correct the span, or withdraw that one first"
            complain(line, "start", f"{row.point} 与{meeting} 重叠 overlaps with it", remedy)
        here = f"第 {line} 行 line {line}" if line else "本次另一条 another of these"
        stood[row.point].append((row.start, row.end, here))
    if findings:
        raise InputError(findings)
