"""The map for programs: all points with their places and states, and a filter's share of them."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.board.board import Board
from console.board.wanted import Wanted
from console.web.access import WATCHERS
from console.web.paging import instant
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()
MOST = 2_000


class MapQuery(Wanted):
    """The map's filters, and which page: `after` is the last code of the page before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = MOST


class PlaceOut(BaseModel):
    """A point on the map. Degrees as the ledger has them, null where it has none."""

    code: str
    name: str
    lon: float | None
    lat: float | None
    state: str
    since: str | None
    reason: str
    phase: str
    area: str
    supplier: str


class PlacesOut(BaseModel):
    """A page of points in the order of their codes; `next` is the `after` of the page that follows, null for none."""

    states_at: str | None
    total: int
    points: list[PlaceOut]
    next: str | None


@routes.endpoint(
    "GET",
    "/map/points",
    allow=WATCHERS,
    summary="地图点位 points on the map",
    tag="看护 watch",
    query=MapQuery,
    answer=PlacesOut,
)
async def points(visit: Visit, query: MapQuery) -> PlacesOut | web.Response:
    """Points that the filters let through."""
    city = visit.site.part(Board).city(visit.scope)
    found = city.select(query, visit.at)
    rest = [card for card in found if card.code > query.after] if query.after else found
    page = rest[: query.limit]
    return PlacesOut(
        states_at=instant(city.at),
        total=len(found),
        points=[
            PlaceOut(
                code=card.code,
                name=card.name,
                lon=card.lon,
                lat=card.lat,
                state=card.standing.value,
                since=instant(card.since),
                reason=card.reason,
                phase=card.phase,
                area=card.area,
                supplier=card.supplier,
            )
            for card in page
        ],
        next=page[-1].code if len(rest) > len(page) else None,
    )
