"""Accounts, for administrators' programs: the same decisions as on the pages, under the same rules."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.api.govern.shapes import AccountAnswer, TermsBody, WithPassword, account_answer
from console.auth import administering, own
from console.store import accounts, sessions
from console.store.account_terms import MAX_NAME
from console.store.accounts import Account
from console.web.access import ADMINISTRATORS
from console.web.endpoints import conditional, encoded, if_match
from console.web.faults import MissingError
from console.web.paging import PageQuery, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.store.writer import Writer

routes = Routes()
TAG = "账号 accounts"


class AccountList(BaseModel):
    """A page of accounts, by name."""

    items: list[AccountAnswer]
    next: str | None


class NewAccountBody(TermsBody):
    """An account that does not exist yet."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    language: Literal["zh", "en"] = "zh"


class Ended(BaseModel):
    """How many sessions ended."""

    ended: int


@routes.endpoint(
    "GET",
    "/accounts",
    allow=ADMINISTRATORS,
    summary="账号列表 accounts",
    tag=TAG,
    query=PageQuery,
    answer=AccountList,
)
async def listing(visit: Visit, query: PageQuery) -> AccountList:
    """List accounts by name."""
    found, following = page(await visit.read(accounts.every), query, lambda account: account.name)
    return AccountList(items=[account_answer(visit, account) for account in found], next=following)


@routes.endpoint(
    "POST",
    "/accounts",
    allow=ADMINISTRATORS,
    summary="开立账号 add an account",
    tag=TAG,
    body=NewAccountBody,
    answer=WithPassword,
    status=201,
)
async def add(visit: Visit, body: NewAccountBody) -> web.Response:
    """Add an account; the answer holds its password for one sign-in, and takes no Idempotency-Key for that."""
    own.unrepeatable(visit)
    terms = body.terms(visit.site.settings.zone)
    made, word = await administering.add_account(visit, body.name, terms, body.language)
    return _once(visit, made, word, 201)


@routes.endpoint(
    "GET",
    "/accounts/{name}",
    allow=ADMINISTRATORS,
    summary="账号 one account",
    tag=TAG,
    answer=AccountAnswer,
)
async def one(visit: Visit) -> AccountAnswer:
    """Return an account."""
    return await _as_it_stands(visit)


@routes.endpoint(
    "PUT",
    "/accounts/{name}",
    allow=ADMINISTRATORS,
    summary="修改角色与可见范围 decide about an account",
    tag=TAG,
    body=TermsBody,
    answer=AccountAnswer,
)
@conditional
async def change(visit: Visit, body: TermsBody) -> AccountAnswer:
    """Set display name, roles, scope and last day together; what is left out is empty. Honours If-Match."""
    expected = if_match(visit)

    def within(writer: Writer, name: str) -> Account:
        with writer.transaction() as connection:
            expected.require(account_answer(visit, _there(connection, name)))
            return accounts.change_within(
                connection, writer, name, body.terms(visit.site.settings.zone), at=visit.at, actor=visit.person.name
            )

    return account_answer(visit, await visit.write(within, visit.path("name")))


@routes.endpoint(
    "POST",
    "/accounts/{name}/disable",
    allow=ADMINISTRATORS,
    summary="停用账号 close an account",
    tag=TAG,
    answer=AccountAnswer,
)
async def disable(visit: Visit) -> AccountAnswer:
    """Close an account; its sessions and tokens end at once."""
    found = await administering.account_of(visit, visit.path("name"))
    await visit.write(accounts.disable, found.name, at=visit.at, actor=visit.person.name)
    return await _as_it_stands(visit)


@routes.endpoint(
    "POST",
    "/accounts/{name}/enable",
    allow=ADMINISTRATORS,
    summary="启用账号 open an account again",
    tag=TAG,
    answer=AccountAnswer,
)
async def enable(visit: Visit) -> AccountAnswer:
    """Open a closed account again; its sessions and tokens stay ended."""
    found = await administering.account_of(visit, visit.path("name"))
    await visit.write(accounts.enable, found.name, at=visit.at, actor=visit.person.name)
    return await _as_it_stands(visit)


@routes.endpoint(
    "POST",
    "/accounts/{name}/password",
    allow=ADMINISTRATORS,
    summary="重置密码 reset a password",
    tag=TAG,
    answer=WithPassword,
)
async def reset(visit: Visit) -> web.Response:
    """Give an account a password for one sign-in; its sessions end. Takes no Idempotency-Key: the answer is not kept."""
    own.unrepeatable(visit)
    found = await administering.account_of(visit, visit.path("name"))
    word = await administering.reset_password(visit, found)
    return _once(visit, await administering.account_of(visit, found.name), word, 200)


@routes.endpoint(
    "DELETE",
    "/accounts/{name}/sessions",
    allow=ADMINISTRATORS,
    summary="结束账号的登录 end an account's sessions",
    tag=TAG,
    answer=Ended,
)
async def end_sessions(visit: Visit) -> Ended:
    """End an account's sessions."""
    found = await administering.account_of(visit, visit.path("name"))
    ended = await visit.write(sessions.end_every, found.name, at=visit.at, actor=visit.person.name)
    return Ended(ended=ended)


async def _as_it_stands(visit: Visit) -> AccountAnswer:
    return account_answer(visit, await administering.account_of(visit, visit.path("name")))


def _there(connection: Connection, name: str) -> Account:
    found = accounts.find(connection, name)
    if found is None:
        raise MissingError
    return found


def _once(visit: Visit, account: Account, word: str, status: int) -> web.Response:
    answer = WithPassword(account=account_answer(visit, account), one_time_password=word)
    return own.unkept(web.Response(body=encoded(answer), status=status, content_type="application/json"))
