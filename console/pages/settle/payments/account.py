"""明细账: every posting of a contract with its account's running balance, the balances, and the Beancount file."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from console.money import payables
from console.money.books import beancount_export
from console.money.payables import Posted
from console.pages.settle.payments.words import seen
from console.settling.phases import PhaseWords, phase_words
from console.web.access import MONEY_READERS, Role
from console.web.export import attachment, exported
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from settlement.ledger import TITLES, Account
from settlement.store import journal

routes = Routes()
READERS = MONEY_READERS - {Role.SUPPLIER}
"""The books are the purchaser's."""

TITLES_ZH = {role.value: title for role, (title, _) in TITLES.items()}


class AccountQuery(TableQuery):
    """Which contract, which account, up to which day."""

    contract: str = ""
    account: str = ""
    until: date | None = None


def _statement(row: Posted) -> str | None:
    return f"/settlement/{quote(row.contract)}/{row.statement.partition('/')[0]}" if row.statement else None


def columns_of(visit: Visit, words: PhaseWords) -> tuple[Column[Posted], ...]:
    """Return the columns of the postings; `words` are what people call the phases."""

    def why(row: Posted) -> str:
        said = words.said(row.contract, row.why)
        return visit.say("冲回：{why}").format(why=said) if row.reverses else said

    return (
        Column("day", N_("日期"), lambda r: r.day, "date"),
        Column("why", N_("摘要"), why, searched=True),
        Column("account", N_("科目"), lambda r: TITLES_ZH[r.role], "badge"),
        Column("phase", N_("期次"), lambda r: words.word(r.contract, r.phase), searched=True),
        Column("period", N_("服务期"), lambda r: r.period, searched=True),
        Column("debit", N_("借方（元）"), lambda r: r.debit, "money"),
        Column("credit", N_("贷方（元）"), lambda r: r.credit, "money"),
        Column("balance", N_("科目余额（元）"), lambda r: r.balance, "money"),
        Column("statement", N_("结算单"), lambda r: r.statement, "code", link=_statement, searched=True),
        Column("key", N_("分录编号"), lambda r: r.key, "code", searched=True, shown=False),
        Column("reverses", N_("冲回分录"), lambda r: r.reverses, "code", shown=False),
    )


@routes.page("/payments/account", allow=READERS, section="payments")
async def statement(visit: Visit) -> web.Response:
    """A contract's account statement."""
    query = visit.query(AccountQuery)
    titles, chosen, rows, balances, words = await visit.read(_read, visit, query)
    columns = columns_of(visit, words)
    wanted = [row for row in rows if query.account in {"", row.role}]
    if query.format:
        return await exported(visit, wanted, columns, query, f"account-{chosen}")
    return visit.render(
        "settle/payment_account.html", table=table_of(wanted, columns, query), query=query, titles=titles,
        chosen=chosen, balances=balances, accounts=TITLES_ZH, tab="account", sum=sum(balances.values()), words=words,
    )  # fmt: skip


def _read(
    connection: Connection, visit: Visit, query: AccountQuery
) -> tuple[dict[str, str], str, list[Posted], dict[Account, int], PhaseWords]:
    titles = payables.contracts_seen(connection, visit.person)
    chosen = query.contract or next(iter(titles), "")
    if chosen not in titles:
        if query.contract:
            raise MissingError
        return titles, "", [], {}, PhaseWords()
    rows = payables.account_statement(connection, chosen, query.until)
    balances = journal.balances(connection, chosen, query.until)
    return titles, chosen, rows, balances, phase_words(connection, [chosen])


class ExportQuery(BaseModel):
    """Whose journal."""

    contract: str = ""


@routes.download("/payments/account/beancount", allow=READERS)
async def beancount(visit: Visit) -> web.Response:
    """A contract's journal as a Beancount file."""
    contract = visit.query(ExportQuery).contract
    await visit.read(seen, visit, contract)
    text = await visit.read(beancount_export, contract)
    return attachment(text.encode(), "text/plain", f"{contract}.beancount")
