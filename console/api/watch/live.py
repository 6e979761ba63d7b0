"""The city's numbers as they change, as a stream of server-sent events."""

from __future__ import annotations

from aiohttp import web

from console.board.telling import ENDPOINT_S, stream
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
    return await stream(visit, ENDPOINT_S)
