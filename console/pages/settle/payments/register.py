"""A payment or refund registered: voucher, days, receipt, payer, budget year and service period."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Self

from aiohttp import web
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import Connection

from console.money import payables, paying
from console.money.payables import DueRow
from console.money.typed import fen_of
from console.pages.settle.payments.due import HANDLERS
from console.pages.settle.payments.words import KINDS, seen
from console.settling.phases import PhaseWords, phase_words
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from settlement.budget import BudgetYear
from settlement.money import yuan
from settlement.store import budgets

routes = Routes()


class Chosen(BaseModel):
    """What the address says of the payment to be registered."""

    contract: str = ""
    due: str = ""


class Payment(BaseModel):
    """A payment as the form has it; money in yuan."""

    contract: str = Field(min_length=1)
    due: str = ""
    amount: str = Field(min_length=1, max_length=30)
    paid_first: date
    paid_last: date | None = None
    voucher: Annotated[str, Field(min_length=1, max_length=100)]
    payer: Annotated[str, Field(max_length=100)] = ""
    project: Annotated[str, Field(max_length=100)] = ""
    budget_year: Annotated[int, Field(ge=1990, le=2200)] | None = None
    service_from: date | None = None
    service_last: date | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.service_from is None) != (self.service_last is None):
            raise ValueError(N_("服务期须写起止两日"))
        if self.service_from and self.service_last and self.service_last < self.service_from:
            raise ValueError(N_("服务期止于起始之前"))
        return self


@routes.page("/payments/new", allow=HANDLERS, section="payments")
async def form(visit: Visit) -> web.Response:
    """The form, with what is open to be paid."""
    return await _form(visit, None)


async def _form(visit: Visit, entered: Entered[Payment] | None, status: int = 200) -> web.Response:
    chosen = visit.query(Chosen)
    if entered is not None:
        chosen = Chosen(contract=entered.values.get("contract", ""), due=entered.values.get("due", ""))
    titles, rows, projects, words = await visit.read(_open, visit, chosen.contract)
    if chosen.contract not in titles:
        chosen = Chosen(contract=next(iter(titles), ""), due="")
        titles, rows, projects, words = await visit.read(_open, visit, chosen.contract)
    row = next((row for row in rows if row.due.id == chosen.due), None)
    quarters = dict.fromkeys(row.due.statement.partition("/")[0] for row in rows if row.due.statement)
    return visit.render(
        "settle/payment_new.html", status=status, entered=entered, chosen=chosen, titles=titles, rows=rows, row=row,
        quarters=[quarter for quarter in quarters if quarter], projects=projects, kinds=KINDS, words=words,
        amount="" if row is None else yuan(abs(row.state.open_fen) - row.state.contested_fen),
        today=visit.today.isoformat(), served=payables.served_until(row.due) if row else "",
    )  # fmt: skip


Opened = tuple[dict[str, str], list[DueRow], list[BudgetYear], PhaseWords]


def _open(connection: Connection, visit: Visit, contract: str) -> Opened:
    titles = payables.contracts_seen(connection, visit.person)
    if contract not in titles:
        return titles, [], [], PhaseWords()
    rows, _ = payables.due_rows(connection, [contract], visit.today)
    held = [known for known in budgets.listed(connection) if not known.contracts or contract in known.contracts]
    return titles, [row for row in rows if row.state.open_fen], held, phase_words(connection, [contract])


@routes.form("/payments/new", allow=HANDLERS, section="payments")
async def register(visit: Visit) -> web.Response:
    """Register it; the store says what speaks against it, at its field."""
    entered = await visit.enter(Payment)
    if entered.model is None:
        return await _form(visit, entered, 422)
    await visit.read(seen, visit, entered.model.contract)
    paper = entered.files.get("receipt")
    try:
        entry = entry_of(entered.model)
        receipt = None if paper is None else paying.checked_paper(paper.name, paper.body)
        done = await visit.write(paying.register, entry, receipt, visit.today, at=visit.at, actor=visit.person.name)
    except InputError as error:
        known: Entered[Payment] = Entered(
            {**dict.fromkeys(("receipt", "due", "project"), ""), **entered.values}, entered.errors
        )
        return await _form(visit, known.refused(error), 422)
    said = visit.say("已登记支付 {n}").format(n="、".join(str(n) for n in done.numbers))
    if not done.added:
        said = visit.say("同一凭证此前已登记")
    for warning in done.warnings:
        said += f"；{warning.message}"
    return visit.see(f"/payments/made/{done.numbers[0]}", said)


def entry_of(model: Payment) -> paying.PaymentEntry:
    """Return the form as a payment to be registered. InputError for an amount that is none."""
    service = None
    if model.service_from is not None and model.service_last is not None:
        service = (model.service_from, model.service_last + timedelta(days=1))
    return paying.PaymentEntry(
        model.contract, model.due, fen_of(model.amount, "amount"), model.paid_first,
        model.paid_last or model.paid_first, model.voucher, model.payer, model.project, model.budget_year, service,
    )  # fmt: skip
