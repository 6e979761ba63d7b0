"""One's own account: password, language, sessions and tokens of the API."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.auth import own
from console.auth.readers import LINK_MAKERS
from console.auth.wording import browser, names_in
from console.store import accounts, sessions, tokens
from console.store.accounts import Account
from console.web.access import Role
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from console.web.words import COOKIE, LANGUAGES
from monitor.finding import InputError
from monitor.model import Instant
from monitor.scope import Scope

routes = Routes()
SECTION = "account"


class NewPassword(BaseModel):
    """Another password, twice, with the present one."""

    current: Annotated[str, Field(min_length=1, max_length=400, repr=False)]
    password: Annotated[str, Field(min_length=1, max_length=400, repr=False)]
    again: Annotated[str, Field(min_length=1, max_length=400, repr=False)]


class NewToken(BaseModel):
    """A token that somebody wants; no contracts or areas: all that the account sees."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    roles: list[Role] = []
    contracts: Annotated[str, Field(max_length=2_000)] = ""
    areas: Annotated[str, Field(max_length=2_000)] = ""
    days: Annotated[int, Field(ge=1, le=tokens.MOST_DAYS)] = 90


class ChosenLanguage(BaseModel):
    """A language of the pages."""

    language: str


@routes.page("/account", section=SECTION)
async def account(visit: Visit) -> web.Response:
    """One's own account. A link's reader sees what the link opens."""
    return await _page(visit)


@routes.page("/account/password", section=SECTION)
async def password_page(visit: Visit) -> web.Response:
    """The form of another password; the only page for whoever must change theirs."""
    mine = await own.own_account(visit)
    return visit.render("govern/password.html", entered=None, mine=mine)


@routes.form("/account/password", section=SECTION)
async def password(visit: Visit) -> web.Response:
    """Set another password."""
    mine = await own.own_account(visit)
    entered = await visit.enter(NewPassword)
    given = entered.model
    if given is not None and given.password != given.again:
        entered = entered.wrong("again", visit.say("两次输入的密码不同"))
    if given is None or entered.model is None:
        return visit.render("govern/password.html", entered=entered, mine=mine, status=422)
    try:
        await own.change_password(visit, given.current, given.password)
    except InputError as error:
        return visit.render("govern/password.html", entered=entered.refused(error), mine=mine, status=422)
    return visit.see("/account", visit.say("密码已修改，其他登录已结束。"))


@routes.form("/account/language", section=SECTION)
async def language(visit: Visit) -> web.Response:
    """Set the language in which pages come, on this browser and wherever one signs in."""
    mine = await own.own_account(visit)
    entered = await visit.enter(ChosenLanguage)
    if entered.model is None or entered.model.language not in LANGUAGES:
        return visit.see("/account")
    chosen = entered.model.language
    await visit.write(accounts.set_language, mine.name, chosen, at=visit.at, actor=mine.name)
    response = visit.see("/account")
    response.set_cookie(COOKIE, chosen, path="/", samesite="Strict", max_age=31_536_000)
    return response


@routes.form("/account/sessions/end", section=SECTION)
async def end_others(visit: Visit) -> web.Response:
    """End every session but this one."""
    mine = await own.own_account(visit)
    keep = visit.signed.session if visit.signed is not None else ""
    await visit.write(sessions.end_every, mine.name, at=visit.at, actor=mine.name, keep=keep)
    return visit.see("/account", visit.say("其他登录已结束。"))


@routes.form("/account/sessions/{digest}/end", section=SECTION)
async def end_session(visit: Visit) -> web.Response:
    """End one of one's sessions. MissingError for another's."""
    mine = await own.own_account(visit)
    found = await visit.read(sessions.find, visit.path("digest"))
    if found is None or found.account != mine.name:
        raise MissingError
    await visit.write(sessions.end, found.digest, at=visit.at, actor=mine.name)
    return visit.see("/account", visit.say("该登录已结束。"))


@routes.form("/account/tokens", section=SECTION)
async def add_token(visit: Visit) -> web.Response:
    """Make a token, and show it this once."""
    await own.own_account(visit)
    entered = await visit.enter(NewToken)
    given = entered.model
    if given is None:
        return await _page(visit, entered, 422)
    scope = Scope(names_in(given.contracts), names_in(given.areas))
    wish = tokens.Wish(given.name, frozenset(given.roles), scope, given.days)
    try:
        made, word = await own.new_token(visit, wish)
    except InputError as error:
        return await _page(visit, entered.refused(error), 422)
    return own.unkept(await _page(visit, shown=(made, word)))


@routes.form("/account/tokens/{number:[0-9]{1,18}}/revoke", section=SECTION)
async def revoke_token(visit: Visit) -> web.Response:
    """Revoke one of one's tokens. MissingError for another's."""
    mine = await own.own_account(visit)
    number = int(visit.path("number"))
    if not await visit.write(tokens.revoke, mine.name, number, at=visit.at, actor=mine.name):
        raise MissingError
    return visit.see("/account", visit.say("令牌已撤销。"))


async def _page(
    visit: Visit, entered: Entered[Any] | None = None, status: int = 200, shown: tuple[tokens.Token, str] | None = None
) -> web.Response:
    found = await visit.read(_own, visit.person.name, visit.at)
    if found is None:
        return visit.render("govern/reader.html")
    mine, its_sessions, its_tokens = found
    return visit.render(
        "govern/account.html",
        status=status,
        entered=entered,
        mine=mine,
        sessions=its_sessions,
        tokens=its_tokens,
        shown=shown,
        roles=sorted(mine.terms.roles),
        checked=await checked(visit, "roles") if entered is not None else sorted(mine.terms.roles),
        link_makers=LINK_MAKERS,
        browser=browser,
    )


def nothing_entered() -> Entered[Any]:
    """Return the form of a button, which has no fields; for what the product says against it."""
    return Entered()


async def checked(visit: Visit, name: str) -> list[str]:
    """Return which boxes of a name were checked in the posted form."""
    return [value for value in (await visit.request.post()).getall(name, []) if isinstance(value, str)]


def _own(
    connection: Connection, name: str, at: Instant
) -> tuple[Account, list[sessions.Session], list[tokens.Token]] | None:
    mine = accounts.find(connection, name)
    if mine is None:
        return None
    return mine, sessions.of_account(connection, mine.name, at), tokens.of_account(connection, mine.name)
