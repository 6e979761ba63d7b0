"""The ledger over the API: points in pages, and a ledger file brought in by two calls."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from console.api.watch.shapes import Cursor, Limit, RateSaid, Shape, tally_said
from console.board.board import Board
from console.board.card import PointCard
from console.board.wanted import Wanted
from console.ledger.confirming import carry_out
from console.ledger.importing import Asked, mappings, previewed, where
from console.ledger.lists import listed
from console.points.listing import PointsQuery
from console.web.access import LEDGER_WRITERS, WATCHERS
from console.web.endpoints import uploaded
from console.web.paging import instant
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError, refuse
from monitor.roster.mapping import BUILT_IN
from monitor.roster.table import MAX_BYTES

routes = Routes()
TAG = "点位 points"
MOST_ROWS = 1_000


class PointsAsked(Wanted):
    """The board's filters and a page; what is none of them is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Cursor = ""
    limit: Limit = 100


class PointBrief(Shape):
    """A point as it is now. Degrees as the ledger has them; rates null until they are first counted."""

    code: str
    name: str
    gb_code: str
    contract: str
    phase: str
    area: str
    supplier: str
    address: str
    lon: float | None
    lat: float | None
    state: str
    since: str | None
    reason: str
    evidence: str
    last_result: str | None
    month: RateSaid | None
    quarter: RateSaid | None


class Points(Shape):
    """A page of points by code; `total` is how many the filters let through, `states_at` when the states were read."""

    points: tuple[PointBrief, ...]
    total: int
    states_at: str | None
    next: str | None


@routes.endpoint(
    "GET",
    "/points",
    allow=WATCHERS,
    summary="点位清单 points as they are now",
    tag=TAG,
    query=PointsAsked,
    answer=Points,
)
async def points(visit: Visit, asked: PointsAsked) -> Points:
    """Points in the account's scope by code, with their state now and their rates so far; the same filters as the page."""
    query = PointsQuery.model_validate(asked.model_dump(exclude={"after", "limit"}))
    cards = (await visit.aside(listed, visit, query)).cards
    start = bisect_right(cards, asked.after, key=lambda card: card.facts.code) if asked.after else 0
    part = cards[start : start + asked.limit]
    return Points(
        points=tuple(map(brief, part)),
        total=len(cards),
        states_at=instant(visit.site.part(Board).city(visit.scope).at),
        next=part[-1].facts.code if start + asked.limit < len(cards) else None,
    )


def brief(card: PointCard) -> PointBrief:
    """Return a card as the API says it."""
    facts, now = card.facts, card.now
    return PointBrief(
        code=facts.code,
        name=facts.name,
        gb_code=facts.gb_code,
        contract=facts.contract,
        phase=facts.phase,
        area=facts.area,
        supplier=facts.supplier,
        address=facts.address,
        lon=facts.lon,
        lat=facts.lat,
        state=now.standing.value,
        since=instant(now.since),
        reason=now.reason,
        evidence=now.evidence.value,
        last_result=instant(now.last_seen),
        month=tally_said(card.month) if card.stretches else None,
        quarter=tally_said(card.quarter) if card.stretches else None,
    )


class ImportAsked(BaseModel):
    """How a file is read. `dry_run` false carries out the plan whose `digest` a dry run gave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=200, description="文件名 the file's name: .csv, .xlsx or .xls")] = (
        "points.csv"
    )
    mapping: Annotated[str, Field(max_length=100)] = BUILT_IN
    effective_from: date | None = None
    dry_run: bool = True
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class ChangedField(Shape):
    """A field that changes; passwords never show, only that they change."""

    row: int
    point: str
    kinds: tuple[str, ...]
    effective: str
    field: str
    old: str
    new: str


class Remark(Shape):
    """What is wrong or remarkable about a file."""

    row: int
    column: str
    message: str
    remedy: str


class ImportSaid(Shape):
    """What an import does or would do. `changes` are the first 1,000, `changed_fields` is how many there are."""

    digest: str
    carried_out: bool
    counts: dict[str, int]
    changed_fields: int
    changes: tuple[ChangedField, ...]
    warnings: tuple[Remark, ...]


@routes.endpoint(
    "POST",
    "/points/import",
    allow=LEDGER_WRITERS,
    summary="导入台账：先预演，再按其指纹执行 bring a ledger in: a dry run, then exactly that",
    tag=TAG,
    query=ImportAsked,
    answer=ImportSaid,
    upload="application/octet-stream",
)
async def import_points(visit: Visit, asked: ImportAsked) -> ImportSaid:
    """The file is the request's body (≤ 10 MB, ≤ 50,000 rows). Every fault of it is told at once, with row and remedy."""
    settings = visit.site.settings
    if asked.mapping not in mappings(settings):
        known = "、".join(mappings(settings))
        raise refuse(f"没有这个列映射 no such mapping: {asked.mapping}", f"已有 known: {known}", column="mapping")
    body = await uploaded(visit, MAX_BYTES)
    file = Asked(asked.name, body, asked.mapping, asked.effective_from or visit.today)
    if not asked.dry_run and not asked.digest:
        raise refuse(
            "执行须写明预演所得指纹 name the digest of a dry run", "dry_run=true 先预演 first", column="digest"
        )
    preview = await visit.compute(previewed, where(settings), file)
    if not preview.possible:
        raise InputError(preview.findings)
    counts = preview.counts if asked.dry_run else await carry_out(visit, file, asked.digest)
    return ImportSaid(
        digest=preview.digest,
        carried_out=not asked.dry_run,
        counts=counts,
        changed_fields=len(preview.rows),
        changes=tuple(
            ChangedField(
                row=row.line,
                point=row.point,
                kinds=row.kinds,
                effective=row.effective,
                field=row.field,
                old=row.old,
                new=row.new,
            )
            for row in preview.rows[:MOST_ROWS]
        ),
        warnings=tuple(
            Remark(row=f.line, column=f.column, message=f.message, remedy=f.remedy) for f in preview.findings
        ),
    )
