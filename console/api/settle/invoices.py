"""The invoice register for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.api.settle.answers import Digest, Yuan, money
from console.money import payables, paying
from console.money.typed import fen_of
from console.web.access import MONEY_READERS, Role
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, page
from console.web.routes import Routes
from console.web.visit import Visit
from settlement.store.invoices import Invoice

routes = Routes()
TAG = "发票 invoices"


class InvoicesQuery(PageQuery):
    """Whose invoices."""

    contract: str = ""


class LineAnswer(BaseModel):
    """An invoice's line: gross = net + tax. `component` is empty for the whole fee, `rate` an exact share."""

    component: str
    gross: str
    net: str
    tax: str
    rate: str


class InvoiceAnswer(BaseModel):
    """An invoice; a credit invoice has negative amounts and `reverses` names what it takes back."""

    number: str
    contract: str
    due: str
    issued_on: date
    gross: str
    net: str
    tax: str
    reverses: str
    scan_sha256: str
    lines: list[LineAnswer]


class InvoiceList(BaseModel):
    """A page of invoices, the newest first."""

    items: list[InvoiceAnswer]
    next: str | None


def _answer(one: Invoice) -> InvoiceAnswer:
    return InvoiceAnswer(
        number=one.number,
        contract=one.contract,
        due=one.due,
        issued_on=one.issued_on,
        gross=money(one.gross) or "",
        net=money(one.net) or "",
        tax=money(one.tax) or "",
        reverses=one.reverses,
        scan_sha256=one.document_sha,
        lines=[
            LineAnswer(
                component=line.component,
                gross=money(line.gross) or "",
                net=money(line.net) or "",
                tax=money(line.tax) or "",
                rate=str(line.rate),
            )
            for line in one.lines
        ],
    )


@routes.endpoint(
    "GET", "/payments/invoices", allow=MONEY_READERS, summary="发票登记 invoices", tag=TAG, query=InvoicesQuery,
    answer=InvoiceList,
)  # fmt: skip
async def listing(visit: Visit, query: InvoicesQuery) -> InvoiceList:
    """List invoices and credit invoices, the newest first."""

    def read(connection: Connection) -> list[Invoice]:
        return payables.invoices_of(connection, payables.contracts_seen(connection, visit.person))

    rows = [one for one in await visit.read(read) if query.contract in {"", one.contract}]
    found, following = page(rows, query, lambda one: one.number)
    return InvoiceList(items=[_answer(one) for one in found], next=following)


class InvoiceBody(Strict):
    """An invoice as printed. Without an amount it is what is left; `reverses` makes it a credit invoice (红字发票)."""

    number: Annotated[str, Field(min_length=1, max_length=64)]
    contract: Annotated[str, Field(min_length=1)]
    issued_on: date
    due: str = ""
    amount: Yuan | None = None
    tax: Yuan | None = None
    reverses: Annotated[str, Field(max_length=64)] = ""
    scan: Digest | None = None


@routes.endpoint(
    "POST", "/payments/invoices", allow=frozenset({Role.HANDLER}), summary="登记发票或红字发票 register an invoice", tag=TAG,
    body=InvoiceBody, answer=InvoiceAnswer, status=201,
)  # fmt: skip
async def add(visit: Visit, body: InvoiceBody) -> InvoiceAnswer:
    """Register an invoice or a credit invoice; the same one again adds nothing."""

    def required(connection: Connection) -> None:
        if body.contract not in payables.contracts_seen(connection, visit.person):
            raise MissingError

    await visit.read(required)
    gross = None if body.amount is None else fen_of(body.amount, "amount")
    tax = None if body.tax is None else fen_of(body.tax, "tax")
    entry = paying.InvoiceEntry(
        body.number, body.contract, body.issued_on, body.due, gross, tax, body.reverses, body.scan or ""
    )
    made, _ = await visit.write(paying.add_invoice, entry, None, at=visit.at, actor=visit.person.name)
    return _answer(made)
