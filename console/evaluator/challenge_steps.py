"""Challenges as the console takes them: a hash committed before, a list revealed after, and what came of each."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, select

from console import views
from console.evaluator import challenging
from console.evaluator.challenging import WITHIN_S, Compared
from console.evaluator.drawing import terms_on
from console.web.access import Person
from console.web.visit import Visit
from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS, Instant, State
from monitor.period import ZONE, Period, day_of
from monitor.scope import Scope
from monitor.sources.challenges import (
    Challenge,
    Observation,
    commitment,
    read_challenge,
    read_observations,
    read_salt,
)
from monitor.store import evaluations
from monitor.store.evaluations import CHALLENGE, REVEAL, Evaluation
from monitor.store.queries import visible
from monitor.store.tables import points
from monitor.store.writer import Writer
from monitor.timeline import Policy

Read = TypeVar("Read")
HASH = re.compile(r"[0-9a-f]{64}")


class Paper(NamedTuple):
    """An uploaded file."""

    name: str
    body: bytes


class Papers(NamedTuple):
    """What a reveal is made of."""

    listed: Paper
    salt: Paper
    seen: Paper
    contract: str
    within_s: int = WITHIN_S


class ChallengeRow(NamedTuple):
    """A commitment with its newest reveal; None as long as nothing was revealed."""

    id: str
    at: Instant
    actor: str
    result: Evaluation | None

    @property
    def said(self) -> dict[str, Any]:
        """What the reveal found, {} before."""
        return {} if self.result is None else self.result.document


def challenges(connection: Connection, person: Person) -> list[ChallengeRow]:
    """Return the commitments, the newest first; of contracts that a person does not see, no result."""
    reveals: dict[str, Evaluation] = {}
    for one in evaluations.listed(connection, REVEAL):
        if _sees(person, one) and (one.id not in reveals or reveals[one.id].version < one.version):
            reveals[one.id] = one
    found = [
        ChallengeRow(one.id, one.at, one.actor, reveals.get(one.id))
        for one in evaluations.listed(connection, CHALLENGE)
    ]
    return sorted(found, key=lambda row: (-row.at, row.id))


def _sees(person: Person, reveal: Evaluation) -> bool:
    """Tell whether a reveal is of a contract that a person sees, with all its moments in the period that they are limited to."""
    contract = reveal.document["contract"]
    if not (person.sees_contract(contract) if contract else person.scope.contracts is None):
        return False
    return not person.period or all(
        person.sees_period(day_of(row.planned, ZONE).isoformat()) for row in challenging.rows_of(reveal.document)
    )


def challenge(connection: Connection, person: Person, name: str) -> tuple[ChallengeRow, list[Compared]] | None:
    """Return a commitment with the compared moments at points that the person sees; None if there is none."""
    row = next((row for row in challenges(connection, person) if row.id == name), None)
    if row is None:
        return None
    seen = codes_seen(connection, person.scope)
    return row, [one for one in challenging.rows_of(row.said) if one.point in seen] if row.said else []


def codes_seen(connection: Connection, scope: Scope) -> set[str]:
    """Return the codes of the points that lie in a scope."""
    return set(connection.scalars(select(points.c.code).where(visible(scope))))


def outage_at(
    connection: Connection, scope: Scope, point: str, at: int, settings_policy: tuple[Policy, str]
) -> int | None:
    """Return the first second of the outage that holds an instant (microseconds) at a point; None if none does."""
    policy, zone = settings_policy
    day = day_of(Instant(at), zone)
    second = at // MICROSECONDS
    question = views.Question(Period("", day, day), zone, policy)
    rows = views.outages(connection, scope, question, frozenset({point}))
    return next((row.start for row in rows if row.start <= second < row.end), None)


def commit(writer: Writer, sha256: str, *, at: Instant, actor: str) -> tuple[Evaluation, bool]:
    """Register a commitment; tell whether it is new. InputError for what is no SHA-256."""
    known = sha256.strip().lower()
    if not HASH.fullmatch(known):
        raise refuse("须为 64 位十六进制 64 hexadecimal digits", "sha256sum 的输出 as printed", column="sha256")
    with writer.transaction() as connection:
        return evaluations.add(connection, writer.audit, CHALLENGE, known, None, of={}, at=at, actor=actor)


def read(papers: Papers) -> tuple[Challenge, bytes, list[Observation]]:
    """Read the three files. InputError with every complaint, at its file's own name."""
    return (
        _read(papers.listed, read_challenge),
        _read(papers.salt, read_salt),
        _read(papers.seen, read_observations),
    )


def compared(
    connection: Connection,
    papers: Papers,
    files: tuple[Challenge, bytes, list[Observation]],
    person: Person,
    settings_policy: tuple[Policy, str],
    now: Instant,
) -> tuple[str, dict[str, Any]]:
    """Check the list against its commitment and compare; return the commitment and the result. Nothing is kept yet.

    `settings_policy`: the installation's policy and zone; a contract's own policy is taken where one is named.
    """
    listed, salt, seen = files
    known = commitment(salt, listed.data)
    committed = evaluations.newest(connection, CHALLENGE, known)
    if committed is None:
        raise refuse(
            f"没有这份承诺：盐值不对或名单被改动 no such commitment, wrong salt or changed file: {known}",
            "用承诺时的两个原文件 use the two files as they were",
            column="listed",
        )
    policy, zone = settings_policy
    if papers.contract:
        if not person.sees_contract(papers.contract):
            raise refuse(
                "没有这个合同 there is no such contract", "从列表中选择 choose from the list", column="contract"
            )
        first = min(moment.at for moment in listed.moments)
        policy = terms_on(connection, papers.contract, day_of(first, zone)).policy
    why = "须在登记承诺之后、现在之前 after the commitment and before now"
    challenging.check_moments(listed, codes_seen(connection, person.scope), committed.at, now, why)
    pairs = challenging.paired(listed, seen, papers.seen.name, papers.within_s)
    rows = challenging.compare(connection, pairs, policy, zone)
    made = (committed.at, committed.actor)
    document = challenging.reveal_document(known, made, salt, listed, rows, (papers.contract, policy), papers.within_s)
    return known, document


def keep(writer: Writer, known: str, document: dict[str, Any], *, at: Instant, actor: str) -> tuple[Evaluation, bool]:
    """Record a result; the same one again adds nothing."""
    by = document["by_policy"]
    of: dict[str, int | str] = {"agreed": by["agreed"], "compared": by["compared"], "challenge": known}
    with writer.transaction() as connection:
        return evaluations.add(connection, writer.audit, REVEAL, known, document, of=of, at=at, actor=actor)


async def revealed(visit: Visit, papers: Papers) -> str:
    """Reveal, compare and record; return the commitment. InputError with whatever does not fit."""
    files = await visit.compute(read, papers)  # what was uploaded is parsed in a process of its own
    settings = visit.site.settings
    policy = (settings.policy, settings.zone)
    known, document = await visit.read(compared, papers, files, visit.person, policy, visit.at)
    await visit.write(keep, known, document, at=visit.at, actor=visit.person.name)
    return known


def verdict(row: Compared) -> str:
    """Return agrees, differs, unknown (to the record) or unseen (nobody looked)."""
    if row.seen is None:
        return "unseen"
    if row.policy in (None, State.UNKNOWN):
        return "unknown"
    return "agrees" if row.agrees else "differs"


def _read(paper: Paper, reader: Callable[[Path], Read]) -> Read:
    with tempfile.TemporaryDirectory(prefix="camsla-challenge-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(paper.body)
        try:
            return reader(path)
        except InputError as error:
            raise InputError(
                Finding(paper.name, f.line, f.column, f.message, f.remedy, f.level) for f in error.findings
            ) from None
