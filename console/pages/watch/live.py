"""The city's numbers as they change: a stream of events, and the same once for browsers without one."""

from __future__ import annotations

import json

from aiohttp import web

from console.board.board import Board
from console.board.telling import numbers, stream
from console.web.access import WATCHERS
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()


@routes.stream("/live", allow=WATCHERS)
async def live(visit: Visit) -> web.StreamResponse:
    """Send what changes until the page goes, the stream has lived long enough, or the server stops."""
    return await stream(visit)


@routes.download("/live/now", allow=WATCHERS)
async def once(visit: Visit) -> web.Response:
    """The same numbers once."""
    board = visit.site.part(Board)
    told = numbers(board.city(visit.scope), board.summary(visit.scope), visit.at, visit.site.settings.zone, visit.say)
    return web.Response(text=json.dumps(told, ensure_ascii=False), content_type="application/json")
