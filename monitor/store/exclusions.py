"""Exclusions: time taken out of the account, claimed by one person and approved by another.

Rows are only added and approved. A withdrawal is a row too: it names what it revokes and takes effect when a second
person approves it; that of a claim which nobody approved yet takes effect at once, since no money hung on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, and_, insert, select, true, update

from monitor.finding import Finding, InputError, refuse
from monitor.model import Exclusion, Instant
from monitor.origin import Origin
from monitor.persons import same_person
from monitor.scope import EVERYTHING, Scope
from monitor.store.audit import AuditSink
from monitor.store.corrections import correction
from monitor.store.identities import point_ids
from monitor.store.outbox import report
from monitor.store.queries import Window, visible
from monitor.store.tables import exclusions, imports, points

MAX_ROWS = 50_000
_table = exclusions.c


@dataclass(frozen=True, slots=True)
class Claim:
    """One row as it stands. `status`: pending, approved, withdrawn, or revocation (pending or approved)."""

    id: int
    point: str
    start: Instant
    end: Instant
    cause: str
    document_sha: str
    claimed_by: str
    claimed_at: Instant
    approved_by: str
    revokes: int | None
    status: str


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
        same = select(_table.id).where(_table.document_sha == origin.sha256, _table.revokes.is_(None))
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


def approve(connection: Connection, audit: AuditSink, numbers: Sequence[int], *, actor: str, at: Instant) -> int:
    """Approve pending rows, withdrawals included, and return how many; all or none.

    Raises InputError for unknown, already decided or withdrawn rows, and for rows that the actor claimed.
    """
    found = {claim.id: claim for claim in listed(connection, EVERYTHING)}
    findings = []
    for number in sorted(set(numbers)):
        row = found.get(number)
        if row is None:
            findings.append(
                _about(number, "没有这一条 there is no such row", "用 camsla exclusions list 查看 list them")
            )
        elif same_person(row.claimed_by, actor):
            findings.append(
                _about(
                    number,
                    f"申请人 {actor} 不能审批自己的申请 the claimant cannot approve",
                    "换一人审批 let a second person approve",
                )
            )
        elif row.approved_by or row.status == "withdrawn":
            state = f"已由 {row.approved_by} 同意 approved already" if row.approved_by else "已撤回 was withdrawn"
            findings.append(_about(number, state, "去掉该编号 leave the number out"))
    if findings:
        raise InputError(findings)
    if not numbers:
        return 0
    bodies = []
    for number in sorted(set(numbers)):
        row = found[number]
        connection.execute(
            update(exclusions)
            .where(_table.id == number, _table.approved_by.is_(None))
            .values(approved_by=actor, approved_at=at)
        )
        bodies.append(_adj(row, found, actor))
        audit(
            connection,
            at=at,
            actor=actor,
            action="exclusions.approve",
            object=f"exclusion {number}",
            before={"approved_by": None},
            after={"approved_by": actor},
        )
    report(connection, at, "adj", [body for body in bodies if body is not None])
    return len(bodies)


def revoke(connection: Connection, audit: AuditSink, number: int, *, actor: str, at: Instant, reason: str) -> int:
    """Add the withdrawal of a row and return its number. See the module's text for when it takes effect.

    Raises InputError if there is no such row, it is itself a withdrawal, or one stands already.
    """
    found = {claim.id: claim for claim in listed(connection, EVERYTHING)}
    row = found.get(number)
    if row is None or row.revokes is not None:
        raise InputError([_about(number, "没有这一条申请 there is no such claim", "用 exclusions list 查看 list them")])
    standing = next((c.id for c in found.values() if c.revokes == number), None)
    if standing is not None:
        raise InputError(
            [_about(number, f"已有撤回 {standing} is withdrawn by {standing}", "审批该撤回 approve that one")]
        )
    added = int(
        connection.execute(
            insert(exclusions)
            .values(
                scope_kind="point",
                scope_id=row.point,
                start_at=row.start,
                end_at=row.end,
                cause=reason,
                document_sha=row.document_sha or None,
                claimed_by=actor,
                claimed_at=at,
                revokes=number,
            )
            .returning(_table.id)
        ).scalar_one()
    )
    after = {"id": added, "reason": reason, "revokes": number}
    audit(
        connection,
        at=at,
        actor=actor,
        action="exclusions.revoke",
        object=f"exclusion {number}",
        before={"status": row.status},
        after=after,
    )
    return added


def listed(connection: Connection, scope: Scope) -> list[Claim]:
    """Return every row of the visible points, oldest first."""
    query = select(exclusions).join(points, points.c.code == _table.scope_id)
    query = query.where(_table.scope_kind == "point", visible(scope)).order_by(_table.id)
    rows = list(connection.execute(query))
    revoked = {row.revokes: row for row in rows if row.revokes is not None}
    return [_claim(row, revoked.get(row.id)) for row in rows]


def exclusions_for(
    connection: Connection, scope: Scope, window: Window, known_at: Instant | None = None
) -> list[Exclusion]:
    """Return what counts: approved spans, not withdrawn, of visible points, that meet the window; by point and time.

    With `known_at`, what had been approved, and not withdrawn, by that instant.
    """
    back = exclusions.alias("back")
    by_then = true() if known_at is None else back.c.approved_at <= known_at
    withdrawn = select(back.c.id).where(back.c.revokes == _table.id, back.c.approved_by.is_not(None), by_then).exists()
    query = (
        select(_table.scope_id, _table.start_at, _table.end_at, _table.cause)
        .join(points, points.c.code == _table.scope_id)
        .where(
            and_(
                _table.scope_kind == "point",
                _table.approved_by.is_not(None),
                true() if known_at is None else _table.approved_at <= known_at,
                _table.revokes.is_(None),
                ~withdrawn,
                _table.start_at < window[1],
                _table.end_at > window[0],
                visible(scope, window),
            )
        )
        .order_by(_table.scope_id, _table.start_at, _table.end_at, _table.id)
    )
    return [Exclusion(point, start, end, cause) for point, start, end, cause in connection.execute(query)]


def _claim(row: Row[tuple[object, ...]], revoked_by: Row[tuple[object, ...]] | None) -> Claim:
    if row.revokes is not None:
        status = "revocation"
    elif revoked_by is not None and (revoked_by.approved_by is not None or row.approved_by is None):
        status = "withdrawn"
    else:
        status = "approved" if row.approved_by is not None else "pending"
    return Claim(
        row.id,
        row.scope_id,
        row.start_at,
        row.end_at,
        row.cause,
        row.document_sha or "",
        row.claimed_by,
        row.claimed_at,
        row.approved_by or "",
        row.revokes,
        status,
    )


def _adj(row: Claim, rows: Mapping[int, Claim], approver: str) -> dict[str, object] | None:
    """Return the evidence record of an approval; None for the withdrawal of what was never approved, and so never told."""
    target = None if row.revokes is None else rows[row.revokes]
    if target is not None and not target.approved_by:
        return None
    withdrawn = None if target is None else _adj(target, rows, target.approved_by)
    return correction(
        what="exclude" if withdrawn is None else "revoke",
        point=row.point,
        start=row.start,
        end=row.end,
        cause=row.cause,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        document=row.document_sha,
        approver=approver,
        target="" if withdrawn is None else str(withdrawn["id"]),
    )


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


def _about(number: int, message: str, remedy: str) -> Finding:
    return Finding("", 0, str(number), message, remedy)
