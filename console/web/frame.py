"""What the frame of every page needs: its assets, and the choice of language."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from console.web.access import EVERYONE
from console.web.assets import assets
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from console.web.words import COOKIE, LANGUAGES

routes = Routes()
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@routes.download("/static/{digest}/{name}", allow=None)
async def asset(visit: Visit) -> web.Response:
    """A script, style or picture; its address changes with its bytes."""
    found = assets().get(visit.path("name"))
    if found is None or found.address != visit.request.path:
        raise MissingError
    return web.Response(body=found.body, content_type=found.media, charset="utf-8", headers=FOR_EVER)


class Language(BaseModel):
    """The language somebody chooses, and where they came from."""

    language: str
    back: str = "/"


@routes.form("/language", allow=EVERYONE)
async def language(visit: Visit) -> web.Response:
    """Remember the language on this browser."""
    entered = await visit.enter(Language)
    back = entered.values.get("back", "/")
    response = visit.see(back)
    if entered.model is not None and entered.model.language in LANGUAGES:
        response.set_cookie(COOKIE, entered.model.language, path="/", samesite="Strict", max_age=31_536_000)
    return response
