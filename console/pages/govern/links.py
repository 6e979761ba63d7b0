"""Evaluators' links: who was given a look at which contract, and until when."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from console.auth import own, readers
from console.auth.readers import LINK_MAKERS
from console.money.payables import contracts_seen
from console.store import links
from console.store.links import Link, Wish
from console.web.export import exported
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.model import Instant

routes = Routes()
SECTION = "evidence"


class NewLink(BaseModel):
    """A link that somebody wants."""

    label: Annotated[str, Field(min_length=1, max_length=60)]
    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(max_length=6)] = ""
    days: Annotated[int, Field(ge=1, le=links.MOST_DAYS)] = 30


def state_of(link: Link, at: Instant) -> str:
    """Return a link's state as a message id."""
    if link.revoked_at is not None:
        return N_("已撤销")
    return N_("有效") if link.alive(at) else N_("已到期")


def columns(at: Instant) -> list[Column[Link]]:
    """Return the table's columns."""
    return [
        Column("id", N_("编号"), lambda link: link.id, "number"),
        Column("label", N_("给谁"), lambda link: link.label, searched=True),
        Column("contract", N_("合同"), lambda link: link.contract, searched=True),
        Column("period", N_("期间"), lambda link: link.period or N_("全部"), "badge"),
        Column(
            "state",
            N_("状态"),
            lambda link: state_of(link, at),
            "badge",
            tone=lambda link: "good" if link.alive(at) else "mute",
        ),
        Column("expires", N_("有效至"), lambda link: link.expires_at, "instant"),
        Column("opened", N_("打开次数"), lambda link: link.opened, "number"),
        Column("opened_at", N_("最近打开"), lambda link: link.opened_at, "instant"),
        Column("by", N_("开立人"), lambda link: link.created_by, searched=True),
        Column("created", N_("开立于"), lambda link: link.created_at, "instant", shown=False),
    ]


@routes.page("/links", allow=LINK_MAKERS, section=SECTION)
async def listing(visit: Visit) -> web.Response:
    """The links there are, and the form of a new one."""
    return await _page(visit)


@routes.form("/links", allow=LINK_MAKERS, section=SECTION)
async def add(visit: Visit) -> web.Response:
    """Make a link, and show its address this once."""
    entered = await visit.enter(NewLink)
    given = entered.model
    if given is None:
        return await _page(visit, entered, 422)
    try:
        made, word = await readers.new_link(visit, Wish(given.label, given.contract, given.period.upper(), given.days))
    except InputError as error:
        return await _page(visit, entered.refused(error), 422)
    return own.unkept(await _page(visit, shown=(made, readers.address_of(visit.request, word))))


@routes.form("/links/{number:[0-9]{1,18}}/revoke", allow=LINK_MAKERS, section=SECTION)
async def revoke(visit: Visit) -> web.Response:
    """End a link at once, and whoever reads through it."""
    await readers.revoke_link(visit, int(visit.path("number")))
    return visit.see("/links", visit.say("链接已撤销，经它的访问已结束。"))


async def _page(
    visit: Visit, entered: Entered[Any] | None = None, status: int = 200, shown: tuple[Link, str] | None = None
) -> web.Response:
    query = visit.query(TableQuery)
    rows, its = await readers.links_seen(visit), columns(visit.at)
    if query.format:
        return await exported(visit, rows, its, query, "links")
    return visit.render(
        "govern/links.html",
        status=status,
        entered=entered,
        shown=shown,
        table=table_of(rows, its, query),
        alive=[link for link in rows if link.alive(visit.at)],
        contracts=await visit.read(contracts_seen, visit.person),
    )
