"""What stands before every handler: who asks, may they, is the form ours; and behind it the headers of every answer.

Every route is taken through here and nowhere else. The order is fixed: person, role, token, handler.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from console.store.audit import acting
from console.web import endpoints
from console.web.access import Signed
from console.web.faults import ForbiddenError
from console.web.forms import MAX_UPLOAD_BYTES, legible
from console.web.lasting import while_permitted
from console.web.refusals import AnonymousError, TokenError, refusal
from console.web.routes import Route
from console.web.visit import SITE, Site, Visit, read_on
from console.web.words import COOKIE, LANGUAGES, preferred

log = logging.getLogger(__name__)
TOKEN_FIELD, TOKEN_HEADER = "csrf", "X-CSRF-Token"
MAX_BODY_BYTES = MAX_UPLOAD_BYTES + 1024 * 1024
GONE_ASKER = 499
"""A status that nobody sees: the asker left before the answer."""
ANSWER_S = 60.0
"""How long a request may take to its answer, its body included, streams apart; long work belongs into a job that shows
its progress."""


def taken(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of a route."""

    async def take(request: web.Request) -> web.StreamResponse:
        site = request.app[SITE]
        visit = Visit(request, site, route, None, _language(request, None))
        try:
            async with asyncio.timeout(None if route.streaming else ANSWER_S):
                visit.signed = signed = await read_on(site, site.identify, request, visit.at)
                visit = Visit(request, site, route, signed, _language(request, signed))
                _permitted(route, signed)
                if route.mutating and route.csrf:
                    await _ours(request, route, signed)
                legible(request)
                with acting("api" if route.kind == "endpoint" else "console"):
                    response = await _answered(visit)
            return response if response.prepared else _with_headers(response, site)
        except Exception as error:
            if _gone(request):
                log.info("%s %s: the asker is gone", request.method, request.path, exc_info=error)
                return web.Response(status=GONE_ASKER)
            return _with_headers(refusal(visit, error), site)

    return take


async def _answered(visit: Visit) -> web.StreamResponse:
    """Let the route's handler answer; a stream for no longer than its reader may read."""
    if visit.route.streaming:
        async with while_permitted(visit):
            return await _by_kind(visit)
    return await _by_kind(visit)


async def _by_kind(visit: Visit) -> web.StreamResponse:
    if visit.route.kind == "endpoint":
        return await endpoints.answer(visit)
    response: web.StreamResponse = await visit.route.handler(visit)
    return response


def _gone(request: web.Request) -> bool:
    """Tell whether nobody listens any more: what fails then failed for want of a connection, and no answer is read."""
    return request.transport is None or request.transport.is_closing()


def _permitted(route: Route, signed: Signed | None) -> None:
    if route.allow is None:
        return
    if signed is None:
        raise AnonymousError
    if not signed.person.may(route.allow):
        raise ForbiddenError(route.allow)


async def _ours(request: web.Request, route: Route, signed: Signed | None) -> None:
    """Require the session's token of a change. A bearer of an API token has no cookie that a stranger's page could use."""
    if signed is not None and not signed.session:
        return
    given = request.headers.get(TOKEN_HEADER, "")
    if not given and route.kind == "form":
        given = str((await request.post()).get(TOKEN_FIELD, ""))
    if signed is None or not hmac.compare_digest(given.encode(), signed.csrf.encode()):
        raise TokenError


def _language(request: web.Request, signed: Signed | None) -> str:
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    if signed is not None and signed.person.language in LANGUAGES:
        return signed.person.language
    wanted = request.headers.get("Accept-Language", "")[:200]
    return preferred(tuple(part.partition(";")[0] for part in wanted.split(",")))


def _with_headers(response: web.StreamResponse, site: Site) -> web.StreamResponse:
    """Add what every answer carries: no foreign script, frame, style or address, nothing kept by caches."""
    tiles = site.settings.serve.tiles_origin
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
        f"img-src 'self' data:{' ' + tiles if tiles else ''}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cache-Control", "private, no-cache")
    return response


@web.middleware
async def strangers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer addresses that no route has in the same manner as all others."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            _with_headers(error, request.app[SITE])
            raise
        site = request.app[SITE]
        nowhere = Route(request.method, request.path, handler, None, "page")
        visit = Visit(request, site, nowhere, None, _language(request, None))
        refused: Exception = error
        try:
            legible(request)
            visit.signed = await read_on(site, site.identify, request, visit.at)
        except Exception as other:  # whoever may not ask at all is told so, whatever the address
            refused = other
        return _with_headers(refusal(visit, refused), site)
