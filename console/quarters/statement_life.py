"""Steps of a statement's life as somebody takes them: each in one transaction with its audit row and its document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from console.documents.handed_in import keep
from console.quarters.overtaken import Seen, check_seen
from console.quarters.quarter import version_for
from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.store.lock import one_at_a_time
from monitor.store.writer import Writer
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.disputes import (
    undisputed_fen,
)
from settlement.life import Life, Step
from settlement.money import fen
from settlement.quarter import frozen, life, terms_of, verified
from settlement.store import disputes, statements, workdays
from settlement.store.interest import stale_interest
from settlement.store.ledger import post_issue
from settlement.store.payments import pay_if_settled
from settlement.store.statements import Brief, Stored

Result = TypeVar("Result")


class Paper(NamedTuple):
    """A document that somebody hands in with a step: its bytes and its file name."""

    body: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Action:
    """Who acts on which statement, when, why, on what paper. `quarter` is a label, the newest revision is meant.

    `seen` is how the statement stood when they decided; OvertakenError where it no longer does.
    """

    contract: str
    quarter: str
    actor: str
    at: Instant
    today: date
    reason: str = ""
    paper: Paper | None = None
    seen: Seen | None = None


class Outcome(NamedTuple):
    """A statement and its life after a step."""

    stored: Stored
    life: Life


def acting(
    writer: Writer, action: Action, work: Callable[[Connection, Stored, Terms, str], Result]
) -> tuple[Result, Outcome]:
    """Do `work` (connection, statement, frozen terms, document digest) in one transaction, one step at a time."""
    with writer.transaction() as connection:
        one_at_a_time(connection, f"statement {action.contract}")
        stored = statements.require(connection, action.contract, action.quarter)
        terms = terms_of(connection, stored)
        if action.seen is not None:
            steps = statements.steps(connection, stored.id)
            check_seen(action.seen, stored.revision, steps, stored.name, terms.zone)
        sha = ""
        if action.paper is not None:
            sha, _ = keep(writer, connection, action.paper.body, action.paper.name, at=action.at, actor=action.actor)
        result = work(connection, stored, terms, sha)
        return result, Outcome(stored, life(connection, stored))


def take(writer: Writer, action: Action, word: str) -> Outcome:
    """Take a step that needs nothing but itself: confirm, silence, check, review, approve, return, request-payment."""

    def work(connection: Connection, stored: Stored, terms: Terms, sha: str) -> None:
        take_step(connection, writer, action, stored, word, terms, sha)
        if word == Step.REQUEST.value:  # where refunds cover everything, nothing is left to be paid
            pay_if_settled(connection, writer.audit, stored.id, at=action.at, actor=action.actor)

    return acting(writer, action, work)[1]


def take_step(
    connection: Connection, writer: Writer, action: Action, stored: Stored, word: str, terms: Terms, sha: str
) -> Life:
    """Take a step in the caller's transaction, by the action's person and with its reason and paper."""
    return statements.take(
        connection,
        writer.audit,
        stored,
        word,
        terms.approval,
        terms.zone,
        at=action.at,
        actor=action.actor,
        reason=action.reason,
        document_sha=sha,
    )


def reconcile(writer: Writer, action: Action) -> Outcome:
    """Hold our measurement beside the authority's figure. InputError where they lie apart, or
    the figure that the contract pays by is missing, and nobody says why."""

    def work(connection: Connection, stored: Stored, terms: Terms, sha: str) -> None:
        beside = frozen(stored).evidence.get("authority") or {}
        apart = [row["phase"] for row in beside.get("phases", ()) if row["within_tolerance"] is False]
        if apart and not action.reason:
            raise refuse(
                f"系统监测与公安核定之差超出容差 measurement and authority's figure lie apart: {', '.join(apart)}",
                f"说明 --reason，先看 see camsla authority reconcile {stored.contract} {stored.quarter}",
                column="reason",
            )
        lacking = [row["phase"] for row in beside.get("phases", ()) if row["authority"] is None]
        if lacking and beside["pays"] != "own" and not action.reason:
            text = f"合同按公安核定付款而公安数据未到 the figure that the contract pays by has not come: {', '.join(lacking)}"
            raise refuse(text, "导入后重新起草，或说明 --reason import it and draft anew, or say why", column="reason")
        take_step(connection, writer, action, stored, Step.RECONCILE.value, terms, sha)

    return acting(writer, action, work)[1]


def link(writer: Writer, action: Action, words: Sequence[str]) -> Outcome:
    """Take the approval chain's next link, if it is one of `words` (check and review, or approve)."""

    def work(connection: Connection, stored: Stored, terms: Terms, sha: str) -> None:
        chain, done = terms.approval.chain, life(connection, stored).links
        following = chain[done] if done < len(chain) else chain[-1]
        word = following if following in words else words[0]
        take_step(connection, writer, action, stored, word, terms, sha)

    return acting(writer, action, work)[1]


def issue(writer: Writer, action: Action) -> Outcome:
    """Issue a statement and post it to the ledger, in one transaction; from here on it never changes.

    InputError if it cannot be recomputed from what it froze, another contract version is in force by now, or it charges
    interest that the payments no longer bear out.
    """

    def work(connection: Connection, stored: Stored, terms: Terms, sha: str) -> None:
        wrong = verified(stored)
        chosen = version_for(connection, stored.contract, parse_quarter(stored.quarter))
        if chosen.version != stored.version:
            message = (
                f"结算单按合同版本 {stored.version} 做成，现生效的是 {chosen.version} "
                "another version of the contract is in force by now"
            )
            wrong.append(Finding("", 0, stored.name, message, "退回并重新起草 return it and draft it anew"))
        wrong += stale_interest(connection, terms, stored.document, workdays.calendar(connection), action.today)
        if wrong:
            raise InputError(wrong)
        take_step(connection, writer, action, stored, Step.ISSUE.value, terms, sha)
        post_issue(
            connection,
            statement_id=stored.id,
            document=stored.document,
            day=action.today,
            at=action.at,
            actor=action.actor,
        )

    return acting(writer, action, work)[1]


class Dues(NamedTuple):
    """What a statement's total is, what of it is contested and open, and what falls due at once, in fen."""

    total_fen: int
    contested_fen: int
    undisputed_fen: int


def dues(connection: Connection, stored: Stored | Brief) -> Dues:
    """Return what falls due at once: everything that both sides agree on."""
    total = stored.total_fen if isinstance(stored, Brief) else fen(stored.document["totals"]["total"])
    claims = [d.contested_fen for d in disputes.of_statement(connection, stored.id) if not d.decision]
    return Dues(total, sum(claims), undisputed_fen(total, claims))
