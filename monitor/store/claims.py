"""The life of a claim about a point's time, claimed by one person and decided by another: exclusions, reclassifications.

Rows are only added and approved. A withdrawal is a row too: it names what it revokes and takes effect when a second
person approves it; that of a claim which nobody approved yet takes effect at once, since no money hung on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Row, insert, select, update

from monitor.finding import Finding, InputError
from monitor.model import Instant
from monitor.persons import same_person
from monitor.scope import EVERYTHING, Scope
from monitor.store.audit import AuditSink
from monitor.store.corrections import correction
from monitor.store.outbox import report
from monitor.store.queries import visible
from monitor.store.tables import exclusions, points

What = Literal["exclude", "reclassify"]
_table = exclusions.c
COMMANDS: Mapping[What, str] = {"exclude": "exclusions", "reclassify": "corrections"}
"""What people decide on each with, and how the audit names it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One row as it stands. `status`: pending, approved, withdrawn, or revocation (pending or approved).

    `to` is the state that a reclassification gives; "" for an exclusion.
    """

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
    to: str = ""
    approved_at: Instant | None = None

    @property
    def what(self) -> What:
        """Which kind of claim it is, or withdraws."""
        return "reclassify" if self.to else "exclude"

    @property
    def stands(self) -> bool:
        """Whether it is a claim that counts, or may once it is approved."""
        return self.status in {"pending", "approved"}


def approve(
    connection: Connection,
    audit: AuditSink,
    numbers: Sequence[int],
    *,
    actor: str,
    at: Instant,
    what: What = "exclude",
) -> int:
    """Approve pending rows of a kind, withdrawals included, and return how many; all or none.

    Raises InputError for unknown, already decided or withdrawn rows, and for rows that the actor claimed.
    """
    found = {claim.id: claim for claim in listed(connection, EVERYTHING, what)}
    unknown = set(numbers) - found.keys()
    other = {claim.id for claim in listed(connection, EVERYTHING)} if unknown else set()
    findings = []
    for number in sorted(set(numbers)):
        row = found.get(number)
        if row is None:
            findings.append(_missing(number, number in other, what))
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
            action=f"{COMMANDS[what]}.approve",
            object=f"exclusion {number}",
            before={"approved_by": None},
            after={"approved_by": actor},
        )
    report(connection, at, "adj", [body for body in bodies if body is not None])
    return len(bodies)


def revoke(
    connection: Connection,
    audit: AuditSink,
    number: int,
    *,
    actor: str,
    at: Instant,
    reason: str,
    what: What = "exclude",
) -> int:
    """Add the withdrawal of a row and return its number. See the module's text for when it takes effect.

    Raises InputError if there is no such row of the kind, it is itself a withdrawal, or one stands already.
    """
    found = {claim.id: claim for claim in listed(connection, EVERYTHING)}
    row = found.get(number)
    if row is None or row.what != what:
        raise InputError([_missing(number, row is not None, what)])
    if row.revokes is not None:
        raise InputError([_missing(number, False, what)])
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
                to_state=row.to or None,
            )
            .returning(_table.id)
        ).scalar_one()
    )
    after = {"id": added, "reason": reason, "revokes": number}
    audit(
        connection,
        at=at,
        actor=actor,
        action=f"{COMMANDS[what]}.revoke",
        object=f"exclusion {number}",
        before={"status": row.status},
        after=after,
    )
    return added


def listed(connection: Connection, scope: Scope, what: What | None = None) -> list[Claim]:
    """Return every row of the visible points, or those of a kind, oldest first."""
    query = select(exclusions).join(points, points.c.code == _table.scope_id)
    query = query.where(_table.scope_kind == "point", visible(scope)).order_by(_table.id)
    if what is not None:
        query = query.where(_table.to_state.is_(None) if what == "exclude" else _table.to_state.is_not(None))
    rows = list(connection.execute(query))
    revoked = {row.revokes: row for row in rows if row.revokes is not None}
    return [_claim(row, revoked.get(row.id)) for row in rows]


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
        row.to_state or "",
        row.approved_at,
    )


def _adj(row: Claim, rows: Mapping[int, Claim], approver: str) -> dict[str, object] | None:
    """Return the evidence record of an approval; None for the withdrawal of what was never approved, and so never told."""
    target = None if row.revokes is None else rows[row.revokes]
    if target is not None and not target.approved_by:
        return None
    withdrawn = None if target is None else _adj(target, rows, target.approved_by)
    return correction(
        what=row.what if withdrawn is None else "revoke",
        point=row.point,
        start=row.start,
        end=row.end,
        cause=row.cause,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        document=row.document_sha,
        approver=approver,
        to=row.to if withdrawn is None else "",
        target="" if withdrawn is None else str(withdrawn["id"]),
    )


def _missing(number: int, other_kind: bool, what: What) -> Finding:
    if other_kind:
        kind, command = (
            ("报备剔除 an exclusion", "exclusions")
            if what == "reclassify"
            else ("补判 a reclassification", "corrections")
        )
        return _about(number, f"这一条是{kind}", f"用 use camsla {command}")
    noun = "没有这一条申请 there is no such claim"
    return _about(number, noun, f"用 camsla {COMMANDS[what]} list 查看 list them")


def _about(number: int, message: str, remedy: str) -> Finding:
    return Finding("", 0, str(number), message, remedy)
