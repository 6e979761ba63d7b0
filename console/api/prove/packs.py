"""Evidence packs for programs: ordered, followed, ended, listed, downloaded."""

from __future__ import annotations

import base64
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from console.api.settle.answers import Warned, warned
from console.packs import pack_shelf
from console.packs.jobs import MOST_ATTACHED, Attachment, PackJob, Wanted, sees
from console.packs.ordering import jobs_of, order
from console.packs.pack_shelf import Pack
from console.web.access import EVIDENCE_READERS, Role
from console.web.faults import ForbiddenError, MissingError
from console.web.paging import PageQuery, Strict, instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse

routes = Routes()
TAG = "证据包 packs"
PACKERS = EVIDENCE_READERS - {Role.SUPPLIER}


class PackAnswer(BaseModel):
    """A pack. `points` is None for all; `left_open` is what its reader cannot recompute (exit code 3)."""

    id: str
    contract: str
    period: str
    statement: str | None
    points: int | None
    days: int
    records: int
    bytes: int
    sha256: str
    exit: int
    left_open: list[str]
    witnesses: list[str]
    asked_by: str
    asked_at: str | None
    file_name: str


class PackList(BaseModel):
    """A page of packs, the newest first."""

    items: list[PackAnswer]
    next: str | None


class JobAnswer(BaseModel):
    """An order: waiting, making, done, failed or cancelled; `percent` is how far it is, `pack` its id once done."""

    id: str
    state: str
    percent: int
    contract: str
    period: str
    asked_by: str
    asked_at: str | None
    findings: list[Warned]
    pack: PackAnswer | None


class AttachmentBody(Strict):
    """A document: a title of the index, its file name, and its bytes in base64 (a request has 1 MiB)."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(max_length=1_048_576)]


class OrderBody(Strict):
    """A pack that somebody wants: a contract's period, all points or some, up to a sealed day, with a scorecard."""

    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(min_length=1, max_length=30)]
    points: Annotated[list[str], Field(min_length=1, max_length=20_000)] | None = None
    until: Annotated[str, Field(pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    rubric: Annotated[str, Field(max_length=100)] = ""
    inputs: Annotated[str, Field(max_length=1_000_000)] = ""
    attached: Annotated[list[AttachmentBody], Field(max_length=MOST_ATTACHED, default_factory=list)]


def _pack(one: Pack) -> PackAnswer:
    return PackAnswer(
        id=one.id,
        contract=one.contract,
        period=one.period,
        statement=one.statement or None,
        points=one.points,
        days=one.days,
        records=one.records,
        bytes=one.bytes,
        sha256=one.sha256,
        exit=one.exit,
        left_open=list(one.left_open),
        witnesses=list(one.witnesses),
        asked_by=one.asked_by,
        asked_at=instant(one.asked_at),
        file_name=one.file_name,
    )


def _job(job: PackJob) -> JobAnswer:
    return JobAnswer(
        id=job.id,
        state=job.state,
        percent=100 if job.state == "done" else job.done,
        contract=job.wanted.contract,
        period=job.wanted.period,
        asked_by=job.asked_by,
        asked_at=instant(job.asked_at),
        findings=warned(job.findings),
        pack=None if job.pack is None else _pack(job.pack),
    )


@routes.endpoint(
    "GET", "/evidence/packs", allow=PACKERS, summary="证据包 packs", tag=TAG, query=PageQuery, answer=PackList
)
async def listing(visit: Visit, query: PageQuery) -> PackList:
    """List the packs of contracts that one sees whole."""
    every = await visit.aside(pack_shelf.packs, visit.site.settings.data_dir)
    rows = [pack for pack in every if pack_shelf.sees(visit.person, pack)]
    found, following = page(rows, query, lambda pack: pack.id)
    return PackList(items=[_pack(pack) for pack in found], next=following)


@routes.endpoint(
    "POST",
    "/evidence/packs",
    allow=PACKERS,
    summary="打包 order a pack",
    tag=TAG,
    body=OrderBody,
    answer=JobAnswer,
    status=202,
)
async def ask(visit: Visit, body: OrderBody) -> JobAnswer:
    """Order a pack; it is made in the background. An order that is under way already is returned again."""
    points = None if body.points is None else tuple(sorted(set(body.points)))
    attached = tuple(Attachment(one.title, one.name, _bytes(one)) for one in body.attached)
    wanted = Wanted(body.contract, body.period, points, body.until, body.rubric, body.inputs, attached)
    return _job(await order(visit, wanted))


def _bytes(one: AttachmentBody) -> bytes:
    try:
        return base64.b64decode(one.content, validate=True)
    except ValueError as error:  # binascii.Error is one; text that is not ASCII raises the bare kind
        raise refuse(f"不是 base64 not base64: {error}", "重新编码 encode it again", column="content") from None


def _order(visit: Visit) -> PackJob:
    found = jobs_of(visit.site).find(visit.path("id"))
    if found is None or not sees(visit.person, found):
        raise MissingError
    return found


@routes.endpoint(
    "GET", "/evidence/packs/jobs/{id}", allow=PACKERS, summary="打包进度 an order", tag=TAG, answer=JobAnswer
)
async def job(visit: Visit) -> JobAnswer:
    """Tell how far an order is, and what came of it. Orders are known until the server ends, packs for longer."""
    return _job(_order(visit))


@routes.endpoint("DELETE", "/evidence/packs/jobs/{id}", allow=PACKERS, summary="取消打包 cancel an order", tag=TAG)
async def cancel(visit: Visit) -> None:
    """End an order; an evaluator ends their own only."""
    found = _order(visit)
    if found.asked_by != visit.person.name and visit.may(frozenset({Role.EVALUATOR})):
        raise ForbiddenError(PACKERS - {Role.EVALUATOR})
    jobs_of(visit.site).cancel(found)


async def _found(visit: Visit) -> Pack:
    data_dir = visit.site.settings.data_dir
    found = await visit.aside(pack_shelf.find, data_dir, visit.path("id"))
    if found is None or not pack_shelf.sees(visit.person, found) or not pack_shelf.path_of(data_dir, found).exists():
        raise MissingError
    return found


@routes.endpoint("GET", "/evidence/packs/{id}", allow=PACKERS, summary="一个证据包 a pack", tag=TAG, answer=PackAnswer)
async def one(visit: Visit) -> PackAnswer:
    """Tell about a pack."""
    return _pack(await _found(visit))


@routes.endpoint(
    "GET",
    "/evidence/packs/{id}/file",
    allow=PACKERS,
    summary="下载证据包 a pack's file",
    tag=TAG,
    media="application/zip",
)
async def file(visit: Visit) -> web.StreamResponse:
    """Return the pack itself."""
    return pack_shelf.send(visit.site.settings.data_dir, await _found(visit))
