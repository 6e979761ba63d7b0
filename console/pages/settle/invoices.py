"""发票登记: invoices with their lines per fee component and tax, and the credit invoices (红字发票) that take them back."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.documents.kept_documents import document
from console.money import payables, paying
from console.money.payables import DueRow
from console.money.typed import fen_of
from console.pages.settle.payments.due import HANDLERS
from console.pages.settle.payments.words import KINDS, due_address, seen
from console.settling.components import component_word
from console.settling.phases import PhaseWords, phase_words
from console.web.access import MONEY_READERS
from console.web.export import exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from settlement.store.invoices import Invoice

routes = Routes()


class InvoicesQuery(TableQuery):
    """Filters of the register."""

    contract: str = ""
    kind: str = ""
    number: str = ""


def _due(row: Invoice) -> str | None:
    return due_address(row.contract, row.due) if row.due else None


def _rates(row: Invoice) -> str:
    rates = dict.fromkeys(line.rate for line in row.lines)
    return "、".join(f"{float(rate * 100):g}%" for rate in rates)


def _parts(row: Invoice) -> str:
    named = [line for line in row.lines if line.component]
    return "；".join(f"{line.component} {line.gross / 100:.2f}（税 {line.tax / 100:.2f}）" for line in named)


COLUMNS: tuple[Column[Invoice], ...] = (
    Column("number", N_("发票号码"), lambda r: r.number, "code", searched=True,
           link=lambda r: f"/payments/invoices/one?number={quote(r.number)}"),
    Column("kind", N_("种类"), lambda r: N_("红字发票") if r.reverses else N_("发票"), "badge",
           tone=lambda r: "bad" if r.reverses else "good"),
    Column("contract", N_("合同"), lambda r: r.contract, searched=True),
    Column("due", N_("应付编号"), lambda r: r.due, "code", link=_due, searched=True),
    Column("issued", N_("开票日"), lambda r: r.issued_on, "date"),
    Column("gross", N_("价税合计（元）"), lambda r: r.gross, "money"),
    Column("net", N_("不含税（元）"), lambda r: r.net, "money"),
    Column("tax", N_("税额（元）"), lambda r: r.tax, "money"),
    Column("rates", N_("税率"), _rates),
    Column("parts", N_("按费用构成"), _parts, shown=False),
    Column("reverses", N_("冲减的发票"), lambda r: r.reverses, "code", searched=True),
    Column("scan", N_("扫描件"), lambda r: r.document_sha[:12], "code", shown=False),
    Column("actor", N_("登记人"), lambda r: r.actor, shown=False),
)  # fmt: skip


@routes.page("/payments/invoices", allow=MONEY_READERS, section="payments")
async def register(visit: Visit) -> web.Response:
    """The register of the contracts that the person sees, the newest first."""
    query = visit.query(InvoicesQuery)
    titles, rows = await visit.read(_listed, visit)
    wanted = [
        row
        for row in rows
        if query.contract in {"", row.contract} and query.kind in {"", "credit" if row.reverses else "invoice"}
    ]
    if query.format:
        return await exported(visit, wanted, COLUMNS, query, "invoices")
    return visit.render(
        "settle/invoice_list.html", table=table_of(wanted, COLUMNS, query), query=query, titles=titles, tab="invoices",
        gross=sum(row.gross for row in wanted), net=sum(row.net for row in wanted),
        tax=sum(row.tax for row in wanted), may_write=visit.may(HANDLERS),
    )  # fmt: skip


def _listed(connection: Connection, visit: Visit) -> tuple[dict[str, str], list[Invoice]]:
    titles = payables.contracts_seen(connection, visit.person)
    return titles, payables.invoices_of(connection, titles)


def _found(connection: Connection, visit: Visit) -> tuple[Invoice, list[Invoice]]:
    number = visit.request.query.get("number", "")
    rows = _listed(connection, visit)[1]
    found = next((row for row in rows if row.number == number), None)
    if found is None:
        raise MissingError
    return found, [row for row in rows if row.reverses == found.number]


@routes.page("/payments/invoices/one", allow=MONEY_READERS, section="payments")
async def one(visit: Visit) -> web.Response:
    """One invoice with its lines, and what took it back."""
    found, credits_ = await visit.read(_found, visit)
    titles = await visit.read(payables.contracts_seen, visit.person)
    return visit.render(
        "settle/invoice.html", invoice=found, credits=credits_, titles=titles,
        component_word=component_word, left=found.gross + sum(c.gross for c in credits_),
        may_write=visit.may(HANDLERS),
    )  # fmt: skip


@routes.download("/payments/invoices/scan", allow=MONEY_READERS)
async def scan(visit: Visit) -> web.Response:
    """The invoice's scan."""
    return await visit.read(lambda connection: document(connection, _found(connection, visit)[0].document_sha))


class InvoiceForm(BaseModel):
    """An invoice as the form has it; without an amount it is what is left of its due, or of the invoice it takes back."""

    number: Annotated[str, Field(min_length=1, max_length=64)]
    contract: str = Field(min_length=1)
    issued_on: date
    due: str = ""
    amount: Annotated[str, Field(max_length=30)] = ""
    tax: Annotated[str, Field(max_length=30)] = ""
    reverses: Annotated[str, Field(max_length=64)] = ""


class Chosen(BaseModel):
    """What the address says of the invoice to be registered."""

    contract: str = ""
    due: str = ""
    reverses: str = ""


@routes.page("/payments/invoices/new", allow=HANDLERS, section="payments")
async def form(visit: Visit) -> web.Response:
    """The form."""
    return await _form(visit, None)


async def _form(visit: Visit, entered: Entered[InvoiceForm] | None, status: int = 200) -> web.Response:
    chosen = visit.query(Chosen)
    if entered is not None:
        names = ("contract", "due", "reverses")
        chosen = Chosen(**{name: entered.values.get(name, "") for name in names})
    titles, rows, original, words = await visit.read(_choices, visit, chosen)
    if not chosen.contract:
        chosen = Chosen(
            contract=original.contract if original else next(iter(titles), ""), due=chosen.due, reverses=chosen.reverses
        )
        titles, rows, original, words = await visit.read(_choices, visit, chosen)
    return visit.render(
        "settle/invoice_new.html", status=status, entered=entered, chosen=chosen, titles=titles, rows=rows,
        original=original, kinds=KINDS, words=words, today=visit.today.isoformat(),
    )  # fmt: skip


def _choices(
    connection: Connection, visit: Visit, chosen: Chosen
) -> tuple[dict[str, str], list[DueRow], Invoice | None, PhaseWords]:
    titles, known = _listed(connection, visit)
    rows = payables.due_rows(connection, [chosen.contract], visit.today)[0] if chosen.contract in titles else []
    wanted = [row for row in rows if row.due.refund == bool(chosen.reverses)]
    original = next((one for one in known if one.number == chosen.reverses), None)
    return titles, wanted, original, phase_words(connection, titles)


@routes.form("/payments/invoices/new", allow=HANDLERS, section="payments")
async def add(visit: Visit) -> web.Response:
    """Register an invoice or a credit invoice."""
    entered = await visit.enter(InvoiceForm)
    if entered.model is None:
        return await _form(visit, entered, 422)
    await visit.read(seen, visit, entered.model.contract)
    paper = entered.files.get("receipt")
    try:
        receipt = None if paper is None else paying.checked_paper(paper.name, paper.body)
        made, added = await visit.write(
            paying.add_invoice, entry_of(entered.model), receipt, at=visit.at, actor=visit.person.name
        )
    except InputError as error:
        names = dict.fromkeys(("receipt", "due", "amount", "tax", "reverses"), "")
        return await _form(visit, Entered({**names, **entered.values}, entered.errors).refused(error), 422)
    said = visit.say("已登记发票") if added else visit.say("这张发票此前已登记")
    return visit.see(f"/payments/invoices?q={quote(made.number)}", said)


def entry_of(model: InvoiceForm) -> paying.InvoiceEntry:
    """Return the form as an invoice to be registered. InputError for amounts that are none."""
    gross = fen_of(model.amount, "amount") if model.amount else None
    tax = fen_of(model.tax, "tax") if model.tax else None
    return paying.InvoiceEntry(model.number, model.contract, model.issued_on, model.due, gross, tax, model.reverses)
