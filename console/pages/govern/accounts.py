"""Accounts, for administrators: who may sign in, as what and seeing what; one-time passwords; sessions ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.auth import administering, own
from console.auth.wording import browser, end_of, last_day, names_in, written
from console.board.board import Board
from console.money.payables import contracts_seen
from console.pages.govern.account import checked, nothing_entered
from console.store import accounts, sessions, tokens
from console.store.account_terms import MAX_DISPLAY, MAX_NAME, Terms
from console.store.accounts import Account
from console.web.access import ADMINISTRATORS, ROLE_ZH, Role
from console.web.export import exported
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.model import Instant
from monitor.scope import Scope

routes = Routes()
SECTION = "system"
SOURCES = {"local": N_("本系统密码"), "oidc": N_("统一认证"), "ldap": N_("目录服务")}


class Decided(BaseModel):
    """What an administrator decides about an account."""

    display: Annotated[str, Field(max_length=MAX_DISPLAY)] = ""
    roles: list[Role] = []
    contracts: Annotated[str, Field(max_length=4_000)] = ""
    areas: Annotated[str, Field(max_length=4_000)] = ""
    supplier: Annotated[str, Field(max_length=100)] = ""
    until: date | None = None

    def terms(self, zone: str) -> Terms:
        """Return it as an account's terms."""
        scope = Scope(names_in(self.contracts), names_in(self.areas), self.supplier or None)
        return Terms(self.display, frozenset(self.roles), scope, end_of(self.until, zone))


class NewAccount(Decided):
    """An account that does not exist yet."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class AccountsQuery(TableQuery):
    """Which accounts."""

    role: Role | None = None
    state: Annotated[str, Field(max_length=10)] = ""


def state_of(account: Account, at: Instant) -> str:
    """Return an account's state as a message id."""
    if account.disabled_at is not None:
        return N_("已停用")
    if not account.alive(at):
        return N_("已到期")
    return N_("待改密码") if account.must_change else N_("正常")


def address(name: str) -> str:
    """Return the address of an account's page."""
    return f"/system/accounts/{quote(name, safe='')}"


def columns(visit: Visit) -> list[Column[Account]]:
    """Return the table's columns, in the visitor's language where cells hold several words."""
    at, tones = visit.at, {"正常": "good", "待改密码": "warn"}
    return [
        Column("name", N_("账号"), lambda a: a.name, link=lambda a: address(a.name), searched=True),
        Column("display", N_("姓名"), lambda a: a.terms.display, searched=True),
        Column("roles", N_("角色"), lambda a: "、".join(visit.say(ROLE_ZH[r]) for r in sorted(a.terms.roles))),
        Column(
            "state", N_("状态"), lambda a: state_of(a, at), "badge", tone=lambda a: tones.get(state_of(a, at), "mute")
        ),
        Column("contracts", N_("可见合同"), lambda a: written(a.terms.scope.contracts) or visit.say("全部")),
        Column("areas", N_("可见区域"), lambda a: written(a.terms.scope.areas) or visit.say("全部")),
        Column("supplier", N_("供应商"), lambda a: a.terms.scope.supplier, searched=True, shown=False),
        Column("source", N_("登录方式"), lambda a: SOURCES[a.source], "badge", shown=False),
        Column("until", N_("有效至"), lambda a: last_day(a.terms.until, visit.site.settings.zone), "date"),
        Column("signed_in", N_("最近登录"), lambda a: a.signed_in_at, "instant"),
        Column("created", N_("开立于"), lambda a: a.created_at, "instant", shown=False),
    ]


@routes.page("/system/accounts", allow=ADMINISTRATORS, section=SECTION)
async def listing(visit: Visit) -> web.Response:
    """The accounts there are."""
    query = visit.query(AccountsQuery)
    rows = [
        account
        for account in await visit.read(accounts.every)
        if (query.role is None or query.role in account.terms.roles)
        and (not query.state or state_of(account, visit.at) == query.state)
    ]
    its = columns(visit)
    if query.format:
        return await exported(visit, rows, its, query, "accounts")
    return visit.render("govern/accounts.html", table=table_of(rows, its, query), query=query, every_role=list(Role))


@routes.page("/system/new-account", allow=ADMINISTRATORS, section=SECTION)
async def new(visit: Visit) -> web.Response:
    """The form of a new account."""
    return await _new_page(visit, None)


@routes.form("/system/new-account", allow=ADMINISTRATORS, section=SECTION)
async def add(visit: Visit) -> web.Response:
    """Add an account, and show its one-time password this once."""
    entered = await visit.enter(NewAccount)
    given = entered.model
    if given is None:
        return await _new_page(visit, entered, 422)
    try:
        made, word = await administering.add_account(
            visit, given.name, given.terms(visit.site.settings.zone), visit.language
        )
    except InputError as error:
        return await _new_page(visit, _refused(entered, error), 422)
    strangers = (await known_names(visit)).strangers(made.terms.scope)
    return own.unkept(visit.render("govern/one_time.html", account=made, word=word, added=True, strangers=strangers))


@routes.page("/system/accounts/{name}", allow=ADMINISTRATORS, section=SECTION)
async def one(visit: Visit) -> web.Response:
    """One account, and what can be done about it."""
    return await _page(visit, None)


@routes.form("/system/accounts/{name}", allow=ADMINISTRATORS, section=SECTION)
async def change(visit: Visit) -> web.Response:
    """Decide anew about an account."""
    found = await administering.account_of(visit, visit.path("name"))
    entered = await visit.enter(Decided)
    if entered.model is None:
        return await _page(visit, entered, 422)
    terms = entered.model.terms(visit.site.settings.zone)
    try:
        await visit.write(accounts.change, found.name, terms, at=visit.at, actor=visit.person.name)
    except InputError as error:
        return await _page(visit, _refused(entered, error), 422)
    return visit.see(address(found.name), visit.say("账号已修改，立即生效。"))


@routes.form("/system/accounts/{name}/disable", allow=ADMINISTRATORS, section=SECTION)
async def disable(visit: Visit) -> web.Response:
    """Close an account: its sessions and tokens end at once."""
    return await _done(visit, accounts.disable, visit.say("账号已停用，其登录与令牌已失效。"))


@routes.form("/system/accounts/{name}/enable", allow=ADMINISTRATORS, section=SECTION)
async def enable(visit: Visit) -> web.Response:
    """Open a closed account again."""
    return await _done(visit, accounts.enable, visit.say("账号已启用。"))


@routes.form("/system/accounts/{name}/sessions/end", allow=ADMINISTRATORS, section=SECTION)
async def end_sessions(visit: Visit) -> web.Response:
    """End an account's sessions."""
    keep = visit.signed.session if visit.signed is not None else ""
    found = await administering.account_of(visit, visit.path("name"))
    await visit.write(sessions.end_every, found.name, at=visit.at, actor=visit.person.name, keep=keep)
    return visit.see(address(found.name), visit.say("该账号的登录已结束。"))


@routes.form("/system/accounts/{name}/password", allow=ADMINISTRATORS, section=SECTION)
async def reset(visit: Visit) -> web.Response:
    """Give an account a password for one sign-in, and show it this once."""
    found = await administering.account_of(visit, visit.path("name"))
    try:
        word = await administering.reset_password(visit, found)
    except InputError as error:
        return await _page(visit, nothing_entered().refused(error), 422)
    return own.unkept(visit.render("govern/one_time.html", account=found, word=word, added=False, strangers=[]))


async def _done(visit: Visit, work: Any, said: str) -> web.Response:
    found = await administering.account_of(visit, visit.path("name"))
    try:
        await visit.write(work, found.name, at=visit.at, actor=visit.person.name)
    except InputError as error:
        return await _page(visit, nothing_entered().refused(error), 422)
    return visit.see(address(found.name), said)


class Known(NamedTuple):
    """Names that an account's scope may be written with: those of contracts and of the ledger."""

    contracts: tuple[str, ...]
    areas: tuple[str, ...]
    suppliers: tuple[str, ...]

    def strangers(self, scope: Scope) -> list[str]:
        """Return the names of a scope that are neither a contract's nor in the ledger: nothing is seen under them."""
        return [
            *sorted((scope.contracts or frozenset()) - set(self.contracts)),
            *sorted((scope.areas or frozenset()) - set(self.areas)),
            *((scope.supplier,) if scope.supplier and scope.supplier not in self.suppliers else ()),
        ]


async def known_names(visit: Visit) -> Known:
    """Return the names that are in use; of the ledger only where a board has read it."""
    board = visit.site.more.get(Board)
    cards = () if board is None else board.city(visit.scope).cards
    return Known(
        tuple(await visit.read(contracts_seen, visit.person)),
        tuple(sorted({card.facts.area for card in cards if card.facts.area})),
        tuple(sorted({card.facts.supplier for card in cards if card.facts.supplier})),
    )


def _refused(entered: Entered[Any], error: InputError) -> Entered[Any]:
    """Return a form with what is against it; that no role is checked stands at the roles, which then sent nothing."""
    return replace(entered, values={"roles": "", **entered.values}).refused(error)


async def _new_page(visit: Visit, entered: Entered[Any] | None, status: int = 200) -> web.Response:
    boxes = await checked(visit, "roles") if entered is not None else []
    name = entered.values.get("name", "") if entered is not None else ""
    there = await visit.read(accounts.find, name) if name and status != 200 else None
    return visit.render(
        "govern/new_account.html",
        status=status,
        entered=entered,
        checked=boxes,
        known=await known_names(visit),
        there=None if there is None else address(there.name),
    )


async def _page(visit: Visit, entered: Entered[Any] | None, status: int = 200) -> web.Response:
    found = await administering.account_of(visit, visit.path("name"))
    its_sessions, its_tokens = await visit.read(_ways_in, found.name, visit.at)
    known = await known_names(visit)
    typed = entered is not None and bool(entered.values.keys() - {"csrf"})
    return visit.render(
        "govern/system_account.html",
        status=status,
        entered=entered,
        account=found,
        state=state_of(found, visit.at),
        mine=administering.own(visit, found),
        checked=await checked(visit, "roles") if typed else sorted(found.terms.roles),
        known=known,
        strangers=known.strangers(found.terms.scope),
        fields={
            "contracts": written(found.terms.scope.contracts),
            "areas": written(found.terms.scope.areas),
            "until": last_day(found.terms.until, visit.site.settings.zone) or "",
        },
        sources=SOURCES,
        browser=browser,
        sessions=its_sessions,
        tokens=[token for token in its_tokens if token.alive(visit.at)],
    )


def _ways_in(connection: Connection, name: str, at: Instant) -> tuple[list[sessions.Session], list[tokens.Token]]:
    return sessions.of_account(connection, name, at), tokens.of_account(connection, name)
