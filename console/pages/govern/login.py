"""Signing in and out, and the first administrator."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.auth import coming_in, keys
from console.auth.coming_in import SignIn
from console.auth.passwords import good
from console.auth.proving import prove
from console.store import first, links, sessions
from console.web.access import EVERYONE
from console.web.faults import ConflictError, GoneError, MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from console.web.words import COOKIE, LANGUAGES, N_
from monitor.finding import InputError

routes = Routes()
FORM_BYTES = 16_384
"""Strangers send no more."""
WRONG = N_("账号或密码不对，或账号已停用。")


class Query(BaseModel):
    """What the sign-in page's address says; `language` is chosen there before anybody is known."""

    next: str = "/"
    language: Literal["", "zh", "en"] = ""


class Credentials(BaseModel):
    """What somebody signs in with."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=400, repr=False)]
    next: str = "/"


class FirstAdministrator(BaseModel):
    """What the first administrator enters."""

    model_config = ConfigDict(str_strip_whitespace=False)

    secret: Annotated[str, Field(min_length=1, max_length=100, repr=False)]
    name: Annotated[str, Field(min_length=1, max_length=40)]
    display: Annotated[str, Field(max_length=60)] = ""
    password: Annotated[str, Field(min_length=1, max_length=400, repr=False)]
    again: Annotated[str, Field(min_length=1, max_length=400, repr=False)]


@routes.page("/login", allow=None)
async def login(visit: Visit) -> web.Response:
    """The sign-in page; whoever is signed in goes on to where they wanted."""
    query = visit.query(Query)
    if query.language in LANGUAGES:
        response = visit.see(f"/login?{urlencode({'next': coming_in.inside(query.next)})}")
        response.set_cookie(COOKIE, query.language, path="/", samesite="Strict", max_age=31_536_000)
        return response
    if visit.signed is not None:
        return visit.see(coming_in.inside(query.next))
    if await visit.read(first.needed, visit.at):
        return visit.see("/first")
    return _login_page(visit, None, query.next)


@routes.form("/login", allow=None, csrf=False)
async def sign_in(visit: Visit) -> web.Response:
    """Sign in with name and password. TooManyError after too many failures of the account or the address."""
    _from_our_page(visit)
    entered = await visit.enter(Credentials)
    wanted = entered.values.get("next", "/")
    if entered.model is None:
        return _login_page(visit, entered, wanted, 422)
    try:
        proved = await prove(visit, entered.model.name, entered.model.password)
    except InputError as error:
        return _login_page(visit, entered.refused(error), wanted, 422)
    if proved is None:
        return _login_page(visit, entered.wrong("", visit.say(WRONG)), wanted, 422)
    serve = visit.site.settings.serve
    cookie = coming_in.begin(visit.request, serve, proved.means, visit.at)
    try:
        await visit.write(
            sessions.open_session,
            proved.account.name,
            cookie.opening,
            at=visit.at,
            proved=proved.account.password,
            newer=proved.newer_hash,
        )
    except InputError as error:
        return _login_page(visit, entered.refused(error), wanted, 422)
    response = visit.see(coming_in.inside(wanted))
    cookie.put(response, serve)
    return response


@routes.form("/logout", allow=EVERYONE)
async def sign_out(visit: Visit) -> web.Response:
    """End the session."""
    if visit.signed is not None and visit.signed.session:
        await visit.write(sessions.end, visit.signed.session, at=visit.at, actor=visit.person.name)
    response = visit.see("/login")
    coming_in.forget(response, visit.site.settings.serve)
    return response


@routes.page("/first", allow=None)
async def first_page(visit: Visit) -> web.Response:
    """The page of the first administrator, as long as there is none."""
    await _first_needed(visit)
    return visit.render("govern/first.html", entered=None)


@routes.form("/first", allow=None, csrf=False)
async def first_administrator(visit: Visit) -> web.Response:
    """Make the first administrator with the secret that the first start printed."""
    _from_our_page(visit)
    await _first_needed(visit)
    with visit.site.part(SignIn).limits.guess(visit.request.remote or "", visit.at) as wrong:
        entered = await visit.enter(FirstAdministrator)
        given = entered.model
        if given is not None and given.password != given.again:
            entered = entered.wrong("again", visit.say("两次输入的密码不同"))
        if given is None or entered.model is None:
            return visit.render("govern/first.html", entered=entered, status=422)
        serve = visit.site.settings.serve
        cookie = coming_in.begin(visit.request, serve, "first", visit.at)
        try:
            await _made_first(visit, given, cookie)
        except InputError as error:
            if any(finding.column == "secret" for finding in error.findings):
                wrong()
            return visit.render("govern/first.html", entered=entered.refused(error), status=422)
    response = visit.see("/system/accounts", visit.say("已建立系统管理员账号。现在可以为同事开立账号。"))
    cookie.put(response, serve)
    return response


async def _made_first(visit: Visit, given: FirstAdministrator, cookie: coming_in.Cookie) -> None:
    password = await visit.site.part(SignIn).passwords.hash(good(given.password, given.name))
    await visit.write(
        first.take,
        keys.digest_of(keys.typed(given.secret)),
        given.name,
        given.display,
        password,
        cookie.opening,
        at=visit.at,
        language=visit.language,
    )


@routes.page("/l/{word}", allow=None)
async def open_link(visit: Visit) -> web.Response:
    """Open an evaluator's link: a session that reads one contract until the link's end. GoneError after it."""
    with visit.site.part(SignIn).limits.guess(visit.request.remote or "", visit.at) as wrong:
        link = await visit.read(links.find, keys.digest_of(visit.path("word")))
        if link is None:
            wrong()
            raise MissingError
    if not link.alive(visit.at):
        raise GoneError(link.label)
    response = visit.see("/evidence")
    if visit.signed is not None and visit.signed.person.name == link.actor:
        return response
    serve = visit.site.settings.serve
    cookie = coming_in.begin(visit.request, serve, "link", visit.at, link.expires_at)
    await visit.write(links.open_link, link, cookie.opening, at=visit.at)
    cookie.put(response, serve)
    return response


def _login_page(visit: Visit, entered: Entered[Any] | None, wanted: str, status: int = 200) -> web.Response:
    part = visit.site.part(SignIn)
    return visit.render(
        "govern/login.html",
        status=status,
        entered=entered,
        wanted=coming_in.inside(wanted),
        oidc=part.oidc,
        plain=_unsafe(visit),
    )


def _unsafe(visit: Visit) -> bool:
    """Tell whether the browser will refuse the session's cookie: plain HTTP at another address than its own machine's."""
    request, serve = visit.request, visit.site.settings.serve
    host = request.host.rpartition(":")[0] or request.host
    return not serve.plain_http and request.scheme == "http" and host not in {"127.0.0.1", "localhost", "[::1]"}


async def _first_needed(visit: Visit) -> None:
    if not await visit.read(first.needed, visit.at):
        raise MissingError


def _from_our_page(visit: Visit) -> None:
    """ConflictError unless our own page sent the form; from here on, no more of it is read than such a form has."""
    if not coming_in.ours(visit.request):
        raise ConflictError(visit.say("表单不是从本系统的页面提交的，请打开登录页重试。"))
    visit.request = visit.request.clone(client_max_size=FORM_BYTES)
