"""Evaluators' links for programs: who was given a look at which contract, and until when."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from console.auth import own, readers
from console.auth.readers import LINK_MAKERS
from console.store import links
from console.store.links import Link, Wish
from console.web.endpoints import encoded
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, instant, page
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()
TAG = "评价链接 links"


class LinkAnswer(BaseModel):
    """A link; `state` is valid, expired or revoked. Its address is nowhere any more."""

    id: int
    label: str
    contract: str
    period: str
    state: str
    created_at: str | None
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    opened: int
    opened_at: str | None


class LinkList(BaseModel):
    """A page of links, the newest first."""

    items: list[LinkAnswer]
    next: str | None


class NewLinkBody(Strict):
    """A link that somebody wants: to whom, to which contract, a quarter (2020Q3), a year or all, for so many days."""

    label: Annotated[str, Field(min_length=1, max_length=60)]
    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(max_length=6, pattern=r"^(\d{4}(Q[1-4])?)?$")] = ""
    days: Annotated[int, Field(ge=1, le=links.MOST_DAYS)] = 30


class NewLinkAnswer(BaseModel):
    """A new link with its address, which is shown this once."""

    link: LinkAnswer
    address: str


@routes.endpoint(
    "GET", "/links", allow=LINK_MAKERS, summary="评价链接 links", tag=TAG, query=PageQuery, answer=LinkList
)
async def listing(visit: Visit, query: PageQuery) -> LinkList:
    """List the links to the contracts that one sees."""
    found, following = page(await readers.links_seen(visit), query, lambda link: str(link.id))
    return LinkList(items=[_link(visit, link) for link in found], next=following)


@routes.endpoint(
    "POST",
    "/links",
    allow=LINK_MAKERS,
    summary="新建链接 make a link",
    tag=TAG,
    body=NewLinkBody,
    answer=NewLinkAnswer,
    status=201,
)
async def add(visit: Visit, body: NewLinkBody) -> web.Response:
    """Make a link. Needs a session. Takes no Idempotency-Key: the answer holds the address and is not kept."""
    own.unrepeatable(visit)
    made, word = await readers.new_link(visit, Wish(body.label, body.contract, body.period, body.days))
    address = readers.address_of(visit.request, word)
    answer = encoded(NewLinkAnswer(link=_link(visit, made), address=address))
    return own.unkept(web.Response(body=answer, status=201, content_type="application/json"))


@routes.endpoint("DELETE", "/links/{id}", allow=LINK_MAKERS, summary="撤销链接 revoke a link", tag=TAG)
async def revoke(visit: Visit) -> None:
    """End a link at once, and whoever reads through it."""
    text = visit.path("id")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise MissingError
    await readers.revoke_link(visit, int(text))


def _link(visit: Visit, link: Link) -> LinkAnswer:
    state = "revoked" if link.revoked_at is not None else "valid" if link.alive(visit.at) else "expired"
    return LinkAnswer(
        id=link.id,
        label=link.label,
        contract=link.contract,
        period=link.period,
        state=state,
        created_at=instant(link.created_at),
        created_by=link.created_by,
        expires_at=instant(link.expires_at),
        revoked_at=instant(link.revoked_at),
        opened=link.opened,
        opened_at=instant(link.opened_at),
    )
