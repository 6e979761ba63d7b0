"""Signing in through the OpenID Connect provider of the settings; without one the addresses do not exist."""

from __future__ import annotations

from aiohttp import web

from console.auth import coming_in, services
from console.auth.coming_in import SignIn
from console.auth.oidc import COOKIE, ON_THE_WAY_S, Provider
from console.pages.govern.account import nothing_entered
from console.store import sessions
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError

routes = Routes()


@routes.page("/login/oidc", allow=None)
async def begin(visit: Visit) -> web.Response:
    """Send the browser to the provider."""
    provider = _provider(visit)
    try:
        begun = await provider.begin(coming_in.inside(visit.request.query.get("next", "/")), visit.at)
    except InputError as error:
        return _refused(visit, error)
    response = web.Response(status=303, headers={"Location": begun.address})
    secure = not visit.site.settings.serve.plain_http
    response.set_cookie(
        _cookie(visit), begun.cookie, path="/", httponly=True, secure=secure, samesite="Lax", max_age=ON_THE_WAY_S
    )
    return response


@routes.page("/login/oidc/back", allow=None)
async def back(visit: Visit) -> web.Response:
    """Take what the provider answered: a session for whom it names, with the roles of their groups."""
    provider, settings = _provider(visit), visit.site.settings.accounts.oidc
    if settings is None:
        raise MissingError
    try:
        known, wanted = await provider.finish(
            visit.request.cookies.get(_cookie(visit), ""), visit.request.query, visit.at
        )
        account = await services.account_of(visit, "oidc", known, settings.roles)
        serve = visit.site.settings.serve
        cookie = coming_in.begin(visit.request, serve, "oidc", visit.at)
        await visit.write(sessions.open_session, account.name, cookie.opening, at=visit.at)
    except InputError as error:
        return _refused(visit, error)
    response = visit.see(coming_in.inside(wanted))
    response.del_cookie(_cookie(visit), path="/", httponly=True, secure=not serve.plain_http, samesite="Lax")
    cookie.put(response, serve)
    return response


def _provider(visit: Visit) -> Provider:
    found = visit.site.part(SignIn).oidc
    if found is None:
        raise MissingError
    return found


def _cookie(visit: Visit) -> str:
    return COOKIE if visit.site.settings.serve.plain_http else f"__Host-{COOKIE}"


def _refused(visit: Visit, error: InputError) -> web.Response:
    return visit.render(
        "govern/login.html",
        status=422,
        entered=nothing_entered().refused(error),
        wanted="/",
        oidc=visit.site.part(SignIn).oidc,
        plain=False,
    )
