"""Samples for programs: drawn by a seed, with the snapshots recorded of each point."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from console.evaluator import drawing
from console.evaluator.drawing import Asked, SampleRow
from console.evaluator.sampling import MAX_POINTS, Stratum
from console.web.access import EVIDENCE_READERS, FINANCE, Role
from console.web.export import attachment
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, instant, page
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()
TAG = "抽样核查 samples"
READERS = EVIDENCE_READERS - {Role.SUPPLIER}
DRAWERS = FINANCE | {Role.EVALUATOR}


class SampleAnswer(BaseModel):
    """A sample as it was recorded."""

    sha256: str
    id: str
    version: int
    contract: str
    period: str
    seed: str
    n: int
    points: int
    stratify: str
    at: str | None
    actor: str


class SampleList(BaseModel):
    """A page of samples, the newest first."""

    items: list[SampleAnswer]
    next: str | None


class SampleDetail(BaseModel):
    """A sample with its document: the snapshots as they lie in the evidence log."""

    sample: SampleAnswer
    document: dict[str, Any]


class SampleBody(Strict):
    """A sample that somebody wants; the seed is the evaluator's own."""

    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(min_length=1, max_length=30)]
    seed: Annotated[str, Field(min_length=1, max_length=100)]
    n: Annotated[int, Field(ge=1, le=MAX_POINTS)] = 30
    stratify: Stratum = ""


def _answer(row: SampleRow) -> SampleAnswer:
    return SampleAnswer(**{**row._asdict(), "at": instant(row.at)})


@routes.endpoint(
    "GET", "/evidence/samples", allow=READERS, summary="抽样 samples", tag=TAG, query=PageQuery, answer=SampleList
)
async def listing(visit: Visit, query: PageQuery) -> SampleList:
    """List the samples of contracts that one sees whole."""
    rows = await visit.read(drawing.samples, visit.person)
    found, following = page(rows, query, lambda row: row.sha256)
    return SampleList(items=[_answer(row) for row in found], next=following)


@routes.endpoint(
    "POST",
    "/evidence/samples",
    allow=DRAWERS,
    summary="抽样 draw a sample",
    tag=TAG,
    body=SampleBody,
    answer=SampleAnswer,
    status=201,
)
async def draw(visit: Visit, body: SampleBody) -> SampleAnswer:
    """Draw points by a seed and record their snapshots; the same again adds nothing."""
    visit.contract(body.contract)
    asked = Asked(body.contract, body.period, body.seed, body.n, body.stratify)
    row, _ = await visit.write(drawing.draw, asked, visit.person, at=visit.at)
    return _answer(row)


async def _found(visit: Visit) -> tuple[SampleRow, dict[str, Any]]:
    found = await visit.read(drawing.sample, visit.person, visit.path("sha"))
    if found is None:
        raise MissingError
    return found


@routes.endpoint(
    "GET", "/evidence/samples/{sha}", allow=READERS, summary="一次抽样 a sample", tag=TAG, answer=SampleDetail
)
async def one(visit: Visit) -> SampleDetail:
    """Return a sample's points with what the record said of each."""
    row, document = await _found(visit)
    return SampleDetail(sample=_answer(row), document=document)


@routes.endpoint(
    "GET",
    "/evidence/samples/{sha}/sheet",
    allow=READERS,
    summary="现场核查表 the site-check sheet",
    tag=TAG,
    media="application/pdf",
)
async def sheet(visit: Visit) -> web.Response:
    """Return the sheet to take along, as PDF."""
    row, document = await _found(visit)
    body = await visit.compute(drawing.sheet_pdf, document, row.sha256, int(row.at), visit.site.settings.zone)
    return attachment(body, "application/pdf", f"site-check-{row.contract}-{row.period}.pdf")
