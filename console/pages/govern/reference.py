"""The reference of the API, readable and printable."""

from __future__ import annotations

from aiohttp import web

from console import interface
from console.web.access import EVERYONE
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()


@routes.page("/reference", allow=EVERYONE, section="reference")
async def reference(visit: Visit) -> web.Response:
    """Every endpoint with its parameters, bodies, answers and a call."""
    serve = visit.site.settings.serve
    origin = str(visit.request.url.origin())
    return visit.render(
        "govern/reference.html",
        groups=interface.groups(serve),
        document=interface.document(serve),
        placeholder=interface.ORIGIN,
        origin=origin,
    )
