"""Point changes over the API."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from console.api.watch.shapes import Cursor, Limit, PeriodText, Shape
from console.ledger.change_lists import ChangeLists, wanted
from console.points.changes import PointChange
from console.web.access import WATCHERS
from console.web.paging import instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.period import parse_period, quarter_of

routes = Routes()
MAX_DAYS = 3_660


class ChangesAsked(BaseModel):
    """A period of at most ten years (none: this quarter), kinds, an area, a phase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: PeriodText = ""
    kind: Annotated[tuple[Annotated[str, Field(max_length=20)], ...], Field(max_length=20)] = ()
    area: Annotated[str, Field(max_length=100)] = ""
    phase: Annotated[str, Field(max_length=64)] = ""
    after: Cursor = ""
    limit: Limit = 100


class DiffersSaid(Shape):
    """A field before and after, as a ledger file states it."""

    field: str
    old: str
    new: str


class ChangeSaid(Shape):
    """What became of a point on a day, by which paper, and what it does to billing."""

    on: str
    code: str
    name: str
    kinds: tuple[str, ...]
    contract: str
    phase: str
    area: str
    supplier: str
    document: str
    billing: str
    fields: tuple[DiffersSaid, ...]
    recorded_at: str | None
    actor: str


class ChangesSaid(Shape):
    """Changes, newest day first, then by code."""

    period: str
    changes: tuple[ChangeSaid, ...]
    total: int
    next: str | None


@routes.endpoint(
    "GET",
    "/changes",
    allow=WATCHERS,
    summary="点位变更 changes of the ledger",
    tag="点位 points",
    query=ChangesAsked,
    answer=ChangesSaid,
)
async def changes(visit: Visit, asked: ChangesAsked) -> ChangesSaid:
    """New, relocated, replaced, recoded, retired and paused points of a period, from the ledger's own dates."""
    period = parse_period(asked.period) if asked.period else quarter_of(visit.today)
    if (period.last - period.first).days > MAX_DAYS:
        raise refuse("期间超过十年 longer than ten years", "缩短 shorten it", column="period")
    lists: ChangeLists = visit.site.more.setdefault(ChangeLists, ChangeLists())
    found = await visit.read(lists.of, visit.scope, period, visit.site.settings.zone)
    rows = wanted(found, asked.kind, asked.area, asked.phase)
    part, following = page(rows, asked, lambda row: f"{row.on} {row.code}")
    return ChangesSaid(period=period.label, changes=tuple(map(_said, part)), total=len(rows), next=following)


def _said(change: PointChange) -> ChangeSaid:
    return ChangeSaid(
        on=change.on.isoformat(),
        code=change.code,
        name=change.name,
        kinds=change.kinds,
        contract=change.contract,
        phase=change.phase,
        area=change.area,
        supplier=change.supplier,
        document=change.document,
        billing="；".join(" ".join(filter(None, said)) for said in change.billing),
        fields=tuple(DiffersSaid(**row._asdict()) for row in change.differs),
        recorded_at=instant(change.recorded_at),
        actor=change.actor,
    )
