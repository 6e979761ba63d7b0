"""Evaluators' links made and ended. Who makes one sees the contract; the link opens it to be read, until its end."""

from __future__ import annotations

import re

from aiohttp import web

from console.auth import keys
from console.auth.own import in_person
from console.money.payables import contracts_seen
from console.store import links
from console.store.links import Link, Wish
from console.web.access import FINANCE, Roles
from console.web.faults import MissingError
from console.web.visit import Visit
from monitor.finding import refuse

LINK_MAKERS: Roles = FINANCE
"""Who may open a contract to an evaluator."""
_PERIOD = re.compile(r"(19|20|21)\d\d(Q[1-4])?")


async def new_link(visit: Visit, wish: Wish) -> tuple[Link, str]:
    """Make a link; return it and the word of its address, which nobody can read again. InputError for no such contract."""
    in_person(visit)
    if wish.period and not _PERIOD.fullmatch(wish.period):
        raise refuse(
            f"不是年度或季度 neither a year nor a quarter: {wish.period[:20]!r}",
            "写成 2020 或 2020Q3，留空为全部 write 2020 or 2020Q3, or nothing for all",
            column="period",
        )
    if wish.contract not in await visit.read(contracts_seen, visit.person):
        raise refuse(
            f"没有这个合同 there is no such contract: {wish.contract[:60]!r}",
            "从列表中选择 choose from the list",
            column="contract",
        )
    word = keys.fresh()
    made = await visit.write(links.add, wish, keys.digest_of(word), at=visit.at, actor=visit.person.name)
    return made, word


async def revoke_link(visit: Visit, number: int) -> None:
    """End a link and its readers' sessions. MissingError where it is not on a contract that the visitor sees."""
    if number not in {link.id for link in await links_seen(visit)}:
        raise MissingError
    await visit.write(links.revoke, number, at=visit.at, actor=visit.person.name)


async def links_seen(visit: Visit) -> list[Link]:
    """Return the links to contracts that the visitor sees, the newest first."""
    return [link for link in await visit.read(links.every) if visit.person.sees_contract(link.contract)]


def address_of(request: web.Request, word: str) -> str:
    """Return a link's address as a browser opens it."""
    return f"{request.scheme}://{request.host}/l/{word}"
