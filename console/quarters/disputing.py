"""What the supplier contests on a statement, and what another person decides of it: each in one transaction with its audit row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from console.quarters.statement_life import Action, Outcome, acting, take_step
from monitor.finding import refuse
from monitor.persons import same_person
from monitor.store.writer import Writer
from settlement.contract import Terms
from settlement.disputes import Claimed, Decision, Effect, check_claim, check_effect, check_grant, claimable
from settlement.life import Step
from settlement.store import disputes, statements
from settlement.store.statements import Stored


def dispute(writer: Writer, action: Action, line: int, point: str, claimed_fen: int | None) -> tuple[int, Outcome]:
    """Contest a line or a point of it; return the dispute's number. InputError as from the checks, nothing stored."""
    numbers, outcome = dispute_points(writer, action, line, [point], claimed_fen)
    return numbers[0], outcome


MOST_POINTS = 200
"""So many points are contested at once at most."""


def dispute_points(
    writer: Writer, action: Action, line: int, points: Sequence[str], claimed_fen: int | None
) -> tuple[list[int], Outcome]:
    """Contest a line ("" for its point) or several of its points, each with all that was deducted or the amount given.

    All of them or none; each is a dispute of its own. InputError as from the checks.
    """
    if len(points) > MOST_POINTS:
        message = f"一次至多 {MOST_POINTS} 个点位 too many points at once: {len(points)}"
        raise refuse(message, "分几次提出，或对整行提出 contest the line, or do it in parts", column="points")

    def work(connection: Connection, stored: Stored, terms: Terms, sha: str) -> list[int]:
        standing = disputes.of_statement(connection, stored.id)
        others = [Claimed(d.line, d.point, d.counted_fen) for d in standing]
        document = stored.document
        claims: list[tuple[str, int]] = []
        for n, point in enumerate(points):
            if point in points[:n]:
                raise refuse(f"点位重复 a point twice: {point}", "只写一次 write it once", column="points")
            disputes.check_new(standing, line, point)
            contested = check_claim(claimed_fen, claimable(document, line, point, stored.name, others), stored.name)
            claims.append((point, contested))
            others.append(Claimed(line, point, contested))
        return [_add(connection, writer, action, stored, terms, sha, line, *claim) for claim in claims]

    return acting(writer, action, work)


def _add(
    connection: Connection,
    writer: Writer,
    action: Action,
    stored: Stored,
    terms: Terms,
    sha: str,
    line: int,
    point: str,
    contested_fen: int,
) -> int:
    take_step(connection, writer, action, stored, Step.DISPUTE.value, terms, sha)
    number = disputes.add(
        connection,
        stored.id,
        line=line,
        point=point,
        contested_fen=contested_fen,
        reason=action.reason,
        document_sha=sha,
        at=action.at,
        actor=action.actor,
    )
    after = {"contested_fen": contested_fen, "line": line, "point": point, "reason": action.reason}
    writer.audit(
        connection,
        at=action.at,
        actor=action.actor,
        action="dispute.add",
        object=f"{stored.name} dispute {number}",
        before=None,
        after={**after, "document_sha": sha or None},
    )
    return number


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision on a dispute. `granted_fen` is only needed for a part; `effect` says how the grant reaches the supplier."""

    number: int
    decision: Decision
    granted_fen: int | None = None
    effect: Effect = "amount"


def decide(writer: Writer, action: Action, ruling: Ruling) -> Outcome:
    """Decide a dispute of the statement, with `action.reason` as the opinion; never by its claimant or the maker."""

    def work(connection: Connection, stored: Stored, terms: Terms, sha: str) -> Stored:
        found = disputes.find(connection, ruling.number)
        if found is None or found.quarter != stored.quarter or _contract(connection, found) != stored.contract:
            numbers = ", ".join(
                str(d.id) for d in disputes.of_contract(connection, stored.contract) if d.quarter == stored.quarter
            )
            raise refuse(
                f"{stored.contract} {stored.quarter} 没有异议 no such dispute: {ruling.number}",
                f"已有 there are: {numbers or '无 none'}",
                column="dispute",
            )
        contested = statements.by_id(connection, found.statement_id)
        if contested.id != stored.id:
            raise refuse(
                f"异议 {found.id} 属于已被重新起草的 {contested.name} belongs to a revision that was drafted anew",
                f"对 {stored.name} 重新提出 contest the new one",
                column="dispute",
            )
        if found.decision:
            raise refuse(
                f"异议 {found.id} 已由 {found.decided_by} 复核 is decided already: {found.decision}",
                "决定不再改变 a decision stands",
                column="dispute",
            )
        granted = check_grant(ruling.decision, ruling.granted_fen, found.contested_fen, contested.name)
        line = next(row for row in statements.document_lines(contested.document) if row["n"] == found.line)
        check_effect(line["kind"], ruling.effect, granted, contested.name)
        if same_person(action.actor, found.actor):
            raise refuse(f"{action.actor} 提出了该异议 raised the dispute", "换一人复核 let another person decide")
        take_step(connection, writer, action, stored, Step.DECIDE.value, terms, sha)
        disputes.decide(
            connection,
            found.id,
            ruling.decision,
            granted,
            ruling.effect,
            action.reason,
            at=action.at,
            actor=action.actor,
        )
        writer.audit(
            connection,
            at=action.at,
            actor=action.actor,
            action="dispute.decide",
            object=f"{contested.name} dispute {found.id}",
            before={"contested_fen": found.contested_fen, "line": found.line, "point": found.point},
            after={
                "decision": ruling.decision,
                "granted_fen": granted,
                "effect": ruling.effect,
                "opinion": action.reason,
                "document_sha": sha or None,
            },
        )
        return contested

    return acting(writer, action, work)[1]


def _contract(connection: Connection, found: disputes.Dispute) -> str:
    return statements.by_id(connection, found.statement_id).contract
