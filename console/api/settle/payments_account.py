"""The account statement and the journal's export for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from console.api.settle.answers import money
from console.api.settle.payments import INSIDE, TAG, required
from console.money import payables
from console.money.books import beancount_export
from console.web.export import attachment
from console.web.paging import PageQuery, Strict, page
from console.web.routes import Routes
from console.web.visit import Visit

routes = Routes()


class AccountQuery(PageQuery):
    """Whose account statement, up to and with which day."""

    contract: Annotated[str, Field(min_length=1)]
    until: date | None = None


class PostingAnswer(BaseModel):
    """One posting; debits positive. `balance` is its account's after it."""

    day: date
    entry: str
    account: str
    phase: str
    period: str
    amount: str
    balance: str
    why: str
    statement: str
    reverses: str


class PostingList(BaseModel):
    """A page of postings, oldest first."""

    items: list[PostingAnswer]
    next: str | None


@routes.endpoint(
    "GET", "/payments/account", allow=INSIDE, summary="明细账 account statement", tag=TAG, query=AccountQuery,
    answer=PostingList,
)  # fmt: skip
async def account(visit: Visit, query: AccountQuery) -> PostingList:
    """List a contract's postings with running balances."""
    await visit.read(required, visit, query.contract)
    rows = await visit.read(payables.account_statement, query.contract, query.until)
    found, following = page(list(enumerate(rows, 1)), query, lambda row: str(row[0]))
    items = [
        PostingAnswer(
            day=its.day, entry=its.key, account=its.role, phase=its.phase, period=its.period,
            amount=money(its.debit if its.debit is not None else -(its.credit or 0)) or "",
            balance=money(its.balance) or "", why=its.why, statement=its.statement, reverses=its.reverses,
        )
        for _, its in found
    ]  # fmt: skip
    return PostingList(items=items, next=following)


class BeancountQuery(Strict):
    """Whose journal."""

    contract: Annotated[str, Field(min_length=1)]


@routes.endpoint(
    "GET", "/payments/account/beancount", allow=INSIDE, summary="Beancount 文件 a Beancount file", tag=TAG,
    query=BeancountQuery, media="text/plain",
)  # fmt: skip
async def beancount(visit: Visit, query: BeancountQuery) -> web.Response:
    """Return a contract's journal as a Beancount file with the store's balances asserted at its end."""
    await visit.read(required, visit, query.contract)
    text = await visit.read(beancount_export, query.contract)
    return attachment(text.encode(), "text/plain", f"{query.contract}.beancount")
