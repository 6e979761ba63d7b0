"""The city's numbers as they change, as a stream of server-sent events."""

from __future__ import annotations

from aiohttp import web
from aiohttp_sse import sse_response

from console.board.board import Board
from console.board.telling import ENDPOINT_S, events
from console.web.access import WATCHERS
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()


@routes.endpoint(
    "GET",
    "/live",
    allow=WATCHERS,
    summary="实时数据流 a stream of what changes (server-sent events)",
    tag="看护 watch",
    media="text/event-stream",
)
async def live(visit: Visit) -> web.StreamResponse:
    """Events `city` (what the overview shows, as texts) and `beat`; ends within a minute, then come again."""
    board = visit.site.part(Board)
    with board.streams.one(visit.person.name):
        async with sse_response(visit.request) as response:
            told = events(
                board,
                visit.scope,
                visit.site.now,
                visit.site.settings.zone,
                visit.say,
                lasting_s=ENDPOINT_S,
            )
            async for event, data in told:
                if not response.is_connected():
                    break
                await response.send(data, event=event)
            return response
