"""The evidence log for programs: how it stands, checkpoints, witnesses' signatures, trust.json."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.log import checkpoints, witnessing
from console.log.sealing import log_of
from console.log.state import DayRow, LogState, log_state, trust_document
from console.web.access import EVIDENCE_READERS, FINANCE, Role
from console.web.paging import PageQuery, Strict, instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.evidence.note import Note

routes = Routes()
TAG = "佐证材料 evidence"
WITNESS_TAKERS = FINANCE | {Role.OPERATIONS, Role.SUPPLIER, Role.EVALUATOR}


class WitnessAnswer(BaseModel):
    """A witness of the settings, and the newest sealed day that they have signed."""

    role: str
    name: str
    key: str
    newest_day: str | None


class LogAnswer(BaseModel):
    """The log: `leaves` are numbered records, `waiting` those that are not numbered yet.

    `key_announced` is the key that takes the place of `key` once the day of the change is sealed.
    """

    origin: str
    key: str | None
    key_announced: str | None
    sealed_until: str | None
    days: int
    leaves: int
    waiting: int
    waiting_first: str | None
    waiting_last: str | None
    witnesses: list[WitnessAnswer]


class DayAnswer(BaseModel):
    """A sealed day: leaves [first, size), the root after it (hexadecimal), and the roles that have co-signed."""

    day: str
    first: int
    size: int
    root: str
    sealed_at: str | None
    witnesses: list[str]


class DayList(BaseModel):
    """A page of sealed days, the newest first."""

    items: list[DayAnswer]
    next: str | None


class CheckpointQuery(Strict):
    """Whose checkpoint: a sealed day's, else the newest sealed day's, or with `newest` the newest of all."""

    day: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    newest: bool = False


class CheckpointAnswer(BaseModel):
    """A checkpoint as a signed note."""

    size: int
    day: str
    note: str


class SignatureBody(Strict):
    """A note with witnesses' signatures, or bare signature lines."""

    note: Annotated[str, Field(min_length=1, max_length=65_536)]


class SignatureAnswer(BaseModel):
    """A signature that the log has; `new` if it was not there before."""

    role: str
    day: str
    size: int
    new: bool


class SignatureList(BaseModel):
    """The signatures of a note."""

    items: list[SignatureAnswer]


class TrustWitness(BaseModel):
    """A witness's key and role."""

    role: str
    key: str


class TrustAnswer(BaseModel):
    """trust.json: to be handed over apart from any pack."""

    format: Literal["camsla-trust/1"]
    origin: str
    collector: str
    witnesses: list[TrustWitness]
    require: list[str]


async def _state(visit: Visit) -> LogState:
    return await visit.read(log_state, visit.site.settings)


@routes.endpoint(
    "GET", "/evidence", allow=EVIDENCE_READERS, summary="证据日志现状 the log's state", tag=TAG, answer=LogAnswer
)
async def state(visit: Visit) -> LogAnswer:
    """Tell how the log stands."""
    found = await _state(visit)
    return LogAnswer(
        origin=found.origin,
        key=found.key or None,
        key_announced=found.announced or None,
        sealed_until=found.sealed_until or None,
        days=len(found.days),
        leaves=found.leaves,
        waiting=found.waiting,
        waiting_first=instant(found.waiting_first),
        waiting_last=instant(found.waiting_last),
        witnesses=[
            WitnessAnswer(role=one.role, name=one.name, key=one.key, newest_day=one.newest or None)
            for one in found.witnesses
        ],
    )


@routes.endpoint(
    "GET",
    "/evidence/days",
    allow=EVIDENCE_READERS,
    summary="已封存的日 sealed days",
    tag=TAG,
    query=PageQuery,
    answer=DayList,
)
async def days(visit: Visit, query: PageQuery) -> DayList:
    """List the sealed days, the newest first."""
    rows = list(reversed((await _state(visit)).days))
    found, following = page(rows, query, lambda row: row.day)
    return DayList(items=[_day(row) for row in found], next=following)


def _day(row: DayRow) -> DayAnswer:
    return DayAnswer(
        day=row.day,
        first=row.first,
        size=row.size,
        root=row.root,
        sealed_at=instant(row.sealed_at),
        witnesses=list(row.signed),
    )


@routes.endpoint(
    "GET",
    "/evidence/checkpoint",
    allow=EVIDENCE_READERS,
    summary="检查点 a checkpoint",
    tag=TAG,
    query=CheckpointQuery,
    answer=CheckpointAnswer,
)
async def checkpoint(visit: Visit, query: CheckpointQuery) -> CheckpointAnswer:
    """Return a checkpoint with its signatures."""

    def read(connection: Connection) -> Note:
        if query.day:
            return checkpoints.day_note(connection, query.day)
        return checkpoints.newest_note(connection, hours=query.newest)

    note = await visit.read(read)
    point = note.checkpoint
    return CheckpointAnswer(size=point.size, day=point.day, note=note.encode().decode())


@routes.endpoint(
    "POST",
    "/evidence/signatures",
    allow=WITNESS_TAKERS,
    summary="收入见证签名 take a witness's signature in",
    tag=TAG,
    body=SignatureBody,
    answer=SignatureList,
)
async def sign(visit: Visit, body: SignatureBody) -> SignatureList:
    """Check signatures against the settings' witnesses and keep them; all or none."""
    settings = visit.site.settings
    added = await visit.write(
        witnessing.add,
        log_of(settings),
        body.note.encode(),
        settings.evidence.witnesses,
        at=visit.at,
        actor=visit.person.name,
    )
    return SignatureList(
        items=[SignatureAnswer(role=one.role, day=one.day, size=one.size, new=one.new) for one in added]
    )


@routes.endpoint(
    "GET", "/evidence/trust", allow=EVIDENCE_READERS, summary="评价方认的公钥 trust.json", tag=TAG, answer=TrustAnswer
)
async def trust(visit: Visit) -> TrustAnswer:
    """Return what an evaluator pins."""
    return TrustAnswer.model_validate(await visit.aside(trust_document, visit.site.settings))
