"""Exclusions and reclassifications for programs: claimed by one person, decided by another."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator
from sqlalchemy import Connection

from console.api.settle.answers import PageQuery, Strict, instant, page, rate
from console.claims import correction_steps
from console.claims.correction_steps import LogRecord, Wish
from console.claims.effect import Effect, effects
from console.log.sealing import log_of
from console.web.access import EVIDENCE_READERS, MONEY_READERS, Role
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.rates import Seconds
from monitor.store.claims import Claim

routes = Routes()
TAG = "剔除与补判 corrections"
CLAIMERS = frozenset({Role.OPERATIONS})
DECIDERS = frozenset({Role.CHECKER, Role.APPROVER})


class ClaimsQuery(PageQuery):
    """Which claims: of a point, of a kind, or in a state."""

    point: Annotated[str, Field(max_length=200)] = ""
    kind: Literal["", "exclude", "reclassify"] = ""
    status: Literal["", "pending", "approved", "withdrawn", "revocation"] = ""


class ClaimAnswer(BaseModel):
    """A claim. `to` is the state that a reclassification gives; `revokes` the claim that a withdrawal takes back."""

    id: int
    kind: str
    to: str | None
    point: str
    start: str | None
    end: str | None
    reason: str
    document: str | None
    claimed_by: str
    claimed_at: str | None
    approved_by: str | None
    approved_at: str | None
    revokes: int | None
    status: str


class ClaimList(BaseModel):
    """A page of claims, the newest first."""

    items: list[ClaimAnswer]
    next: str | None


class SecondsAnswer(BaseModel):
    """A point's account in a quarter."""

    online: int
    offline: int
    unknown: int
    excluded: int


class EffectAnswer(BaseModel):
    """What approving would change at a point in a quarter; `statement` stands for it, with its total in yuan."""

    point: str
    quarter: str
    before: SecondsAnswer
    after: SecondsAnswer
    rate_before: str | None
    rate_after: str | None
    statement: str | None
    total: str | None


class RecordAnswer(BaseModel):
    """The `adj` record: its id, and where the log has it; leaf None until the day is sealed."""

    id: str
    day: str | None
    leaf: int | None
    leaf_hash: str | None
    line: str


class ClaimDetail(BaseModel):
    """A claim, the numbers claimed together with it, what approving those that wait changes, and its record."""

    claim: ClaimAnswer
    batch: list[int]
    effects: list[EffectAnswer]
    record: RecordAnswer | None


class ClaimBody(Strict):
    """A claim of one span (ISO 8601 with zone). A reclassification needs its fault report's text."""

    to: Literal["exclude", "online", "offline"]
    point: Annotated[str, Field(min_length=1, max_length=200)]
    start: Annotated[str, Field(min_length=1, max_length=40)]
    end: Annotated[str, Field(min_length=1, max_length=40)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]
    document_name: Annotated[str, Field(max_length=200)] = ""
    document_text: Annotated[str, Field(max_length=1_000_000)] = ""
    """The fault report's text, where it is kept with this claim."""

    @model_validator(mode="after")
    def _document(self) -> ClaimBody:
        if bool(self.document_name) != bool(self.document_text):
            raise ValueError("document_name and document_text need each other")
        return self


class ClaimNumbers(BaseModel):
    """The numbers of new claims."""

    items: list[int]


class DecisionBody(Strict):
    """Why it is withdrawn or refused."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


def _answer(row: Claim) -> ClaimAnswer:
    return ClaimAnswer(
        id=row.id,
        kind=row.what,
        to=row.to or None,
        point=row.point,
        start=instant(row.start),
        end=instant(row.end),
        reason=row.cause,
        document=row.document_sha or None,
        claimed_by=row.claimed_by,
        claimed_at=instant(row.claimed_at),
        approved_by=row.approved_by or None,
        approved_at=instant(row.approved_at),
        revokes=row.revokes,
        status=row.status,
    )


@routes.endpoint(
    "GET",
    "/evidence/corrections",
    allow=EVIDENCE_READERS,
    summary="剔除与补判 corrections",
    tag=TAG,
    query=ClaimsQuery,
    answer=ClaimList,
)
async def listing(visit: Visit, query: ClaimsQuery) -> ClaimList:
    """List claims at points that one sees, the newest first."""
    rows = [
        row
        for row in await visit.read(correction_steps.listed, visit.scope)
        if query.point in {"", row.point} and query.kind in {"", row.what} and query.status in {"", row.status}
    ]
    found, following = page(rows, query, lambda row: str(row.id))
    return ClaimList(items=[_answer(row) for row in found], next=following)


@routes.endpoint(
    "POST",
    "/evidence/corrections",
    allow=CLAIMERS,
    summary="申请剔除或补判 claim",
    tag=TAG,
    body=ClaimBody,
    answer=ClaimNumbers,
    status=201,
)
async def claim(visit: Visit, body: ClaimBody) -> ClaimNumbers:
    """Claim that time does not count, or what unknown time was; it waits for a second person."""
    paper = (body.document_name, body.document_text.encode()) if body.document_name else None
    wish = Wish(body.to, body.point, body.start, body.end, body.reason, paper)
    numbers = await visit.write(
        correction_steps.claim,
        wish,
        visit.site.settings.zone,
        visit.scope,
        at=visit.at,
        actor=visit.person.name,
    )
    return ClaimNumbers(items=numbers)


@routes.endpoint(
    "GET",
    "/evidence/corrections/{number}",
    allow=EVIDENCE_READERS,
    summary="一条申请及其影响 a claim and its effect",
    tag=TAG,
    answer=ClaimDetail,
)
async def one(visit: Visit) -> ClaimDetail:
    """Return a claim with what approving would change, point by point."""
    settings = visit.site.settings
    policy = (settings.policy, settings.zone)
    money = visit.may(MONEY_READERS)
    row, batch, told, record = await visit.read(_read, visit, policy, log_of(settings).folder)
    return ClaimDetail(
        claim=_answer(row),
        batch=[each.id for each in batch],
        effects=[_effect(each, money) for each in told],
        record=None
        if record is None
        else RecordAnswer(
            id=record.id,
            day=record.day or None,
            leaf=record.leaf,
            leaf_hash=record.hash or None,
            line=record.line,
        ),
    )


def _read(
    connection: Connection, visit: Visit, policy: Any, folder: Any
) -> tuple[Claim, list[Claim], list[Effect], LogRecord | None]:
    row, every = _of(connection, visit)
    batch = correction_steps.batch_of(every, row)
    waiting = correction_steps.pending(batch)
    told = effects(connection, visit.scope, waiting, every, policy) if waiting else []
    return row, batch, told, correction_steps.record_of(connection, folder, row, policy[1])


def _of(connection: Connection, visit: Visit) -> tuple[Claim, list[Claim]]:
    text = visit.path("number")
    every = correction_steps.listed(connection, visit.scope)
    row = next((each for each in every if str(each.id) == text), None)
    if row is None:
        raise MissingError
    return row, every


def _effect(one: Effect, money: bool) -> EffectAnswer:
    return EffectAnswer(
        point=one.point,
        quarter=one.quarter,
        before=_seconds(one.before),
        after=_seconds(one.after),
        rate_before=rate(one.rate_before),
        rate_after=rate(one.rate_after),
        statement=one.statement or None,
        total=one.total or None if money else None,
    )


def _seconds(one: Seconds) -> SecondsAnswer:
    return SecondsAnswer(**one._asdict())


@routes.endpoint(
    "POST",
    "/evidence/corrections/{number}/approve",
    allow=DECIDERS,
    summary="同意 approve",
    tag=TAG,
    answer=ClaimAnswer,
)
async def approve(visit: Visit) -> ClaimAnswer:
    """Approve a claim or a withdrawal that another person made."""
    row, _ = await visit.read(_of, visit)
    await visit.write(correction_steps.approve, [row.id], row.what, at=visit.at, actor=visit.person.name)
    return _answer((await visit.read(_of, visit))[0])


@routes.endpoint(
    "POST",
    "/evidence/corrections/{number}/revoke",
    allow=CLAIMERS | DECIDERS,
    summary="退回或撤回 refuse or withdraw",
    tag=TAG,
    body=DecisionBody,
    answer=ClaimNumbers,
)
async def revoke(visit: Visit, body: DecisionBody) -> ClaimNumbers:
    """Withdraw a claim: one that is pending at once, one that was approved when a second person approves it."""
    row, _ = await visit.read(_of, visit)
    numbers = await visit.write(
        correction_steps.revoke, [row.id], row.what, body.reason, at=visit.at, actor=visit.person.name
    )
    return ClaimNumbers(items=numbers)
