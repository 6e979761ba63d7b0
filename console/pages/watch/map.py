"""One map of all points: the page, its data, and the card beside it."""

from __future__ import annotations

from aiohttp import web

from console.board.board import Board
from console.board.card import REASON_ZH, RUNG_ZH, STANDING_TONE, STANDING_ZH
from console.board.city import City
from console.board.places import places, states, written
from console.board.prepared import respond
from console.board.summary import alarms
from console.board.wanted import Wanted, matches
from console.web.access import WATCHERS
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()


@routes.page("/map", allow=WATCHERS, section="map")
async def page(visit: Visit) -> web.Response:
    """The map with its filters, and the same points as a list."""
    board = visit.site.part(Board)
    city, wanted = board.city(visit.scope), visit.query(Wanted)
    sieved = board.sieves.of(city, wanted, visit.at)
    return visit.render(
        "watch/map.html",
        city=city,
        wanted=wanted.model_dump(),
        sieved=sieved,
        phase_words={p.phase: city.phase_word(p.phase) for p in city.phases},
        standing_words={standing.value: word for standing, word in STANDING_ZH.items()},
        standings=STANDING_ZH,
        tones=STANDING_TONE,
        reasons=REASON_ZH,
        alarms=alarms(city, visit.at, visit.site.settings.zone, visit.say),
        tiles=visit.site.settings.serve.tiles,
    )


@routes.download("/map/points.json", allow=WATCHERS)
async def points(visit: Visit) -> web.Response:
    """All points that the person sees, with their states; made once for all who see the same."""
    board = visit.site.part(Board)
    city = board.city(visit.scope)
    return await document(visit, board, city, "places")


@routes.download("/map/states.json", allow=WATCHERS)
async def now(visit: Visit) -> web.Response:
    """Their states alone."""
    board = visit.site.part(Board)
    city = board.city(visit.scope)
    return await document(visit, board, city, "states")


@routes.download("/map/found.json", allow=WATCHERS)
async def found(visit: Visit) -> web.Response:
    """Which of all points, by their place in points.json, a search finds."""
    city = visit.site.part(Board).city(visit.scope)
    test = matches(Wanted(q=visit.query(Wanted).q), visit.at)
    numbers = [n for n, card in enumerate(city.cards) if test(card)]
    return web.Response(body=written(numbers), content_type="application/json")


async def document(visit: Visit, board: Board, city: City, what: str) -> web.Response:
    """Answer with a document of the map."""
    make = places if what == "places" else states
    body = await board.prepared.body((what, city.scope), city.version, visit.site.readers, lambda: written(make(city)))
    return respond(visit.request, body, "application/json")


@routes.download("/map/card/{code}", allow=WATCHERS)
async def card(visit: Visit) -> web.Response:
    """What stands beside the map of the point that somebody chose."""
    city = visit.site.part(Board).city(visit.scope)
    found = city.by_code.get(visit.path("code"))
    if found is None:
        raise MissingError
    return visit.render(
        "watch/map_card.html",
        card=found,
        city=city,
        standings=STANDING_ZH,
        tones=STANDING_TONE,
        reasons=REASON_ZH,
        rungs=RUNG_ZH,
    )
