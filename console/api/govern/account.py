"""One's own account for programs: who a token is, sessions, tokens, password, language."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from console.api.govern.shapes import ScopeAnswer, ScopeBody, scope_answer
from console.auth import own
from console.store import accounts, sessions, tokens
from console.store.tokens import Token, Wish
from console.web.access import EVERYONE, Role
from console.web.endpoints import encoded
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, instant, page
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()
TAG = "我的账号 my account"


class Me(BaseModel):
    """Who sends the request, and what it may: a token's rights, or those of the account or link signed in."""

    name: str
    display: str
    roles: list[Role]
    scope: ScopeAnswer
    period: str
    language: str


class SessionAnswer(BaseModel):
    """A browser that is signed in; `id` names it, and opens nothing."""

    id: str
    means: str
    address: str
    browser: str
    created_at: str | None
    seen_at: str | None
    expires_at: str | None
    this: bool


class SessionList(BaseModel):
    """A page of sessions, the one seen last first."""

    items: list[SessionAnswer]
    next: str | None


class TokenAnswer(BaseModel):
    """A token. `begins` are its first characters; the rest is nowhere."""

    id: int
    name: str
    begins: str
    roles: list[Role]
    scope: ScopeAnswer
    created_at: str | None
    expires_at: str | None
    used_at: str | None
    revoked_at: str | None


class TokenList(BaseModel):
    """A page of tokens, the newest first."""

    items: list[TokenAnswer]
    next: str | None


class NewTokenBody(Strict):
    """A token that somebody wants: not more than the account may, for so many days."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    scope: ScopeBody = ScopeBody()
    days: Annotated[int, Field(ge=1, le=tokens.MOST_DAYS)] = 90


class NewTokenAnswer(BaseModel):
    """A new token with its word, which is shown this once."""

    token: TokenAnswer
    word: str


class PasswordBody(Strict):
    """The present password and the next."""

    current: Annotated[str, Field(min_length=1, max_length=400, repr=False)]
    password: Annotated[str, Field(min_length=1, max_length=400, repr=False)]


class LanguageBody(Strict):
    """The language of the pages."""

    language: Literal["zh", "en"]


@routes.endpoint("GET", "/account", allow=EVERYONE, summary="我是谁 who I am", tag=TAG, answer=Me)
async def me(visit: Visit) -> Me:
    """Return who sends the request, and what it may."""
    person = visit.person
    return Me(
        name=person.name,
        display=person.display,
        roles=sorted(person.roles),
        scope=scope_answer(person.scope),
        period=person.period,
        language=person.language,
    )


@routes.endpoint("PUT", "/account/language", allow=EVERYONE, summary="界面语言 language", tag=TAG, body=LanguageBody)
async def language(visit: Visit, body: LanguageBody) -> None:
    """Set the language in which pages come."""
    mine = await own.own_account(visit)
    await visit.write(accounts.set_language, mine.name, body.language, at=visit.at, actor=mine.name)


@routes.endpoint("POST", "/account/password", allow=EVERYONE, summary="修改密码 password", tag=TAG, body=PasswordBody)
async def password(visit: Visit, body: PasswordBody) -> None:
    """Set another password; other sessions end. Needs a session: a token changes no password."""
    await own.change_password(visit, body.current, body.password)


@routes.endpoint(
    "GET",
    "/account/sessions",
    allow=EVERYONE,
    summary="我的登录 my sessions",
    tag=TAG,
    query=PageQuery,
    answer=SessionList,
)
async def sessions_list(visit: Visit, query: PageQuery) -> SessionList:
    """List the sessions of one's account."""
    mine = await own.own_account(visit)
    here = visit.signed.session if visit.signed is not None else ""
    found, following = page(await visit.read(sessions.of_account, mine.name, visit.at), query, lambda s: s.digest)
    items = [
        SessionAnswer(
            id=session.digest,
            means=session.means,
            address=session.address,
            browser=session.browser,
            created_at=instant(session.created_at),
            seen_at=instant(session.seen_at),
            expires_at=instant(session.expires_at),
            this=session.digest == here,
        )
        for session in found
    ]
    return SessionList(items=items, next=following)


@routes.endpoint("DELETE", "/account/sessions/{id}", allow=EVERYONE, summary="结束登录 end a session", tag=TAG)
async def end_session(visit: Visit) -> None:
    """End one of one's sessions."""
    mine = await own.own_account(visit)
    found = await visit.read(sessions.find, visit.path("id"))
    if found is None or found.account != mine.name:
        raise MissingError
    await visit.write(sessions.end, found.digest, at=visit.at, actor=mine.name)


@routes.endpoint(
    "GET",
    "/account/tokens",
    allow=EVERYONE,
    summary="我的令牌 my tokens",
    tag=TAG,
    query=PageQuery,
    answer=TokenList,
)
async def tokens_list(visit: Visit, query: PageQuery) -> TokenList:
    """List the tokens of one's account, ended ones too."""
    mine = await own.own_account(visit)
    found, following = page(await visit.read(tokens.of_account, mine.name), query, lambda token: str(token.id))
    return TokenList(items=[_token(token) for token in found], next=following)


@routes.endpoint(
    "POST",
    "/account/tokens",
    allow=EVERYONE,
    summary="新建令牌 make a token",
    tag=TAG,
    body=NewTokenBody,
    answer=NewTokenAnswer,
    status=201,
)
async def add_token(visit: Visit, body: NewTokenBody) -> web.Response:
    """Make a token. Needs a session: a token makes no other. Takes no Idempotency-Key: the answer is not kept."""
    own.unrepeatable(visit)
    made, word = await own.new_token(visit, Wish(body.name, frozenset(body.roles), body.scope.scope(), body.days))
    answer = encoded(NewTokenAnswer(token=_token(made), word=word))
    return own.unkept(web.Response(body=answer, status=201, content_type="application/json"))


@routes.endpoint("DELETE", "/account/tokens/{id}", allow=EVERYONE, summary="撤销令牌 revoke a token", tag=TAG)
async def revoke_token(visit: Visit) -> None:
    """Revoke one of one's tokens; a token may revoke itself."""
    mine = await own.own_account(visit)
    text = visit.path("id")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    if not await visit.write(tokens.revoke, mine.name, number, at=visit.at, actor=mine.name):
        raise MissingError


def _token(token: Token) -> TokenAnswer:
    return TokenAnswer(
        id=token.id,
        name=token.name,
        begins=token.begins,
        roles=sorted(token.roles),
        scope=scope_answer(token.scope),
        created_at=instant(token.created_at),
        expires_at=instant(token.expires_at),
        used_at=instant(token.used_at),
        revoked_at=instant(token.revoked_at),
    )
