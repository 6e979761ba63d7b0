"""Challenges for programs: commitments, reveals, and how often the record agreed."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from pydantic import BaseModel, Field

from console.api.settle.answers import Digest
from console.evaluator import challenge_steps
from console.evaluator.challenge_steps import ChallengeRow, Paper, Papers, verdict
from console.evaluator.challenging import WITHIN_S, Compared
from console.web.access import EVIDENCE_READERS, FINANCE, Role
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse

routes = Routes()
TAG = "暗访核验 challenges"
EVALUATORS = FINANCE | {Role.EVALUATOR}


class TallyAnswer(BaseModel):
    """How often a record agreed, with Clopper and Pearson's 95 % interval; shares have six places."""

    compared: int
    agreed: int
    disagreed: int
    unknown: int
    rate: str | None
    low: str | None
    high: str | None


class ChallengeAnswer(BaseModel):
    """A commitment; tallies are None until it is revealed. `by_raw` counts every failed probe, `by_policy` outages."""

    sha256: str
    at: str | None
    actor: str
    revealed_at: str | None
    contract: str | None
    not_observed: int | None
    by_raw: TallyAnswer | None
    by_policy: TallyAnswer | None


class ChallengeList(BaseModel):
    """A page of commitments, the newest first."""

    items: list[ChallengeAnswer]
    next: str | None


class MomentAnswer(BaseModel):
    """A committed instant; `verdict`: agrees, differs, unknown (to the record) or unseen."""

    point: str
    planned: str | None
    at: str | None
    seen: str | None
    raw: str | None
    policy: str | None
    verdict: str
    note: str


class ChallengeDetail(BaseModel):
    """A commitment with its moments at points that one sees."""

    challenge: ChallengeAnswer
    moments: list[MomentAnswer]


class CommitBody(Strict):
    """The SHA-256 of the salt's bytes followed by the list's."""

    sha256: Digest


class RevealBody(Strict):
    """The list's own bytes in base64, its salt (64 digits; the line feed is added), and what was seen as CSV."""

    listed: Annotated[str, Field(min_length=1, max_length=1_000_000)]
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    seen: Annotated[str, Field(min_length=1, max_length=1_000_000)]
    contract: Annotated[str, Field(max_length=100)] = ""
    within_s: Annotated[int, Field(ge=0, le=86_400)] = WITHIN_S


def _tally(said: dict[str, Any], name: str) -> TallyAnswer | None:
    return TallyAnswer(**said[name]) if said else None


def _answer(row: ChallengeRow) -> ChallengeAnswer:
    said = row.said
    return ChallengeAnswer(
        sha256=row.id,
        at=instant(row.at),
        actor=row.actor,
        revealed_at=None if row.result is None else instant(row.result.at),
        contract=said.get("contract") or None,
        not_observed=said.get("not_observed"),
        by_raw=_tally(said, "by_raw"),
        by_policy=_tally(said, "by_policy"),
    )


def _moment(row: Compared) -> MomentAnswer:
    seen, raw, policy = (None if state is None else state.value for state in (row.seen, row.raw, row.policy))
    return MomentAnswer(
        point=row.point,
        planned=instant(row.planned),
        at=instant(row.at),
        seen=seen,
        raw=raw,
        policy=policy,
        verdict=verdict(row),
        note=row.note,
    )


@routes.endpoint(
    "GET",
    "/evidence/challenges",
    allow=EVIDENCE_READERS,
    summary="暗访核验 challenges",
    tag=TAG,
    query=PageQuery,
    answer=ChallengeList,
)
async def listing(visit: Visit, query: PageQuery) -> ChallengeList:
    """List commitments with what their reveals found."""
    rows = await visit.read(challenge_steps.challenges, visit.person)
    found, following = page(rows, query, lambda row: row.id)
    return ChallengeList(items=[_answer(row) for row in found], next=following)


@routes.endpoint(
    "POST",
    "/evidence/challenges",
    allow=EVALUATORS,
    summary="登记承诺 commit",
    tag=TAG,
    body=CommitBody,
    answer=ChallengeAnswer,
    status=201,
)
async def commit(visit: Visit, body: CommitBody) -> ChallengeAnswer:
    """Register a commitment; the same one again adds nothing."""
    found, _ = await visit.write(challenge_steps.commit, body.sha256, at=visit.at, actor=visit.person.name)
    return _answer(ChallengeRow(found.id, found.at, found.actor, None))


async def _found(visit: Visit, name: str) -> ChallengeDetail:
    found = await visit.read(challenge_steps.challenge, visit.person, name)
    if found is None:
        raise MissingError
    row, moments = found
    return ChallengeDetail(challenge=_answer(row), moments=[_moment(one) for one in moments])


@routes.endpoint(
    "GET",
    "/evidence/challenges/{sha}",
    allow=EVIDENCE_READERS,
    summary="一次暗访核验 a challenge",
    tag=TAG,
    answer=ChallengeDetail,
)
async def one(visit: Visit) -> ChallengeDetail:
    """Return a commitment's result, moment by moment."""
    return await _found(visit, visit.path("sha"))


@routes.endpoint(
    "POST",
    "/evidence/challenges/reveal",
    allow=EVALUATORS,
    summary="揭示并比对 reveal and compare",
    tag=TAG,
    body=RevealBody,
    answer=ChallengeDetail,
)
async def reveal(visit: Visit, body: RevealBody) -> ChallengeDetail:
    """Check a list against its commitment, compare what was seen with the record, and record the result."""
    try:
        listed = base64.b64decode(body.listed, validate=True)
    except ValueError as error:  # binascii.Error is one; text that is not ASCII raises the bare kind
        raise refuse(f"不是 base64 not base64: {error}", "重新编码 encode it again", column="listed") from None
    papers = Papers(
        Paper("listed", listed),
        Paper("salt", f"{body.salt}\n".encode()),
        Paper("seen", body.seen.encode()),
        body.contract,
        body.within_s,
    )
    return await _found(visit, await challenge_steps.revealed(visit, papers))
