"""Payments for programs: registered, taken back, requested; receipts kept."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.api.settle.answers import Digest, Warned, Yuan, money, warned
from console.money import payables, paying
from console.money.typed import fen_of
from console.web.access import AUTHORITY, MONEY_READERS, Role
from console.web.endpoints import uploaded
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse
from settlement.store.movements import Stored

routes = Routes()
TAG = "支付 payments"
HANDLERS = frozenset({Role.HANDLER})
INSIDE = MONEY_READERS - {Role.SUPPLIER}


class PaymentsQuery(PageQuery):
    """Which payments."""

    contract: str = ""


class PaymentAnswer(BaseModel):
    """A payment, refund, set-off or reversal. Budget fields are empty for suppliers."""

    payment: int
    contract: str
    due: str
    kind: str
    amount: str
    paid_first: date
    paid_last: date
    voucher: str
    payer: str
    project: str
    budget_year: int | None
    service_from: date
    service_last: date
    receipt_sha256: str
    reverses: int | None
    reversed_by: int | None
    actor: str
    recorded_at: str | None


class PaymentList(BaseModel):
    """A page of payments, the newest first."""

    items: list[PaymentAnswer]
    next: str | None


def _payment(visit: Visit, row: Stored) -> PaymentAnswer:
    moved, inside = row.movement, visit.may(INSIDE)
    return PaymentAnswer(
        payment=row.id, contract=moved.contract, due=moved.due, kind=moved.kind, amount=money(moved.fen) or "",
        paid_first=moved.first, paid_last=moved.last, voucher=moved.voucher, payer=moved.payer,
        project=moved.project if inside else "", budget_year=(moved.budget_year or None) if inside else None,
        service_from=row.service_from, service_last=payables.last_day(row), receipt_sha256=row.document_sha,
        reverses=row.reverses or None, reversed_by=row.reversed_by or None, actor=row.actor if inside else "",
        recorded_at=instant(row.recorded_at),
    )  # fmt: skip


def _seen(connection: Connection, visit: Visit) -> list[Stored]:
    return payables.payments_of(connection, payables.contracts_seen(connection, visit.person))


@routes.endpoint(
    "GET",
    "/payments",
    allow=MONEY_READERS,
    summary="支付记录 payments",
    tag=TAG,
    query=PaymentsQuery,
    answer=PaymentList,
)
async def listing(visit: Visit, query: PaymentsQuery) -> PaymentList:
    """List payments, refunds, set-offs and what was taken back, the newest first."""
    rows = [row for row in await visit.read(_seen, visit) if query.contract in {"", row.movement.contract}]
    found, following = page(rows, query, lambda row: str(row.id))
    return PaymentList(items=[_payment(visit, row) for row in found], next=following)


class PaymentBody(Strict):
    """A payment or refund. `due` is a due's id or a quarter, whose lines are paid in order; empty where there are none."""

    contract: Annotated[str, Field(min_length=1)]
    due: str = ""
    amount: Yuan
    paid_first: date
    paid_last: date | None = None
    voucher: Annotated[str, Field(min_length=1, max_length=100)]
    payer: Annotated[str, Field(max_length=100)] = ""
    project: Annotated[str, Field(max_length=100)] = ""
    budget_year: Annotated[int, Field(ge=1990, le=2200)] | None = None
    service_from: date | None = None
    service_last: date | None = None
    receipt: Digest | None = None


class RegisteredAnswer(BaseModel):
    """What was registered; `added` is false for a voucher that stood already."""

    payments: list[int]
    added: bool
    warnings: list[Warned]


def required(connection: Connection, visit: Visit, contract: str) -> None:
    """MissingError unless the person sees the contract."""
    if contract not in payables.contracts_seen(connection, visit.person):
        raise MissingError


@routes.endpoint(
    "POST", "/payments", allow=HANDLERS, summary="登记支付或退款 register a payment or refund", tag=TAG, body=PaymentBody,
    answer=RegisteredAnswer, status=201,
)  # fmt: skip
async def register(visit: Visit, body: PaymentBody) -> RegisteredAnswer:
    """Register a payment or, for a due of the supplier's, a refund."""
    await visit.read(required, visit, body.contract)
    service = None
    if body.service_from is not None and body.service_last is not None:
        if body.service_last < body.service_from:
            raise refuse("服务期止于起始之前 ends before it begins", "核对 check", column="service_last")
        service = (body.service_from, body.service_last + timedelta(days=1))
    entry = paying.PaymentEntry(
        body.contract, body.due, fen_of(body.amount, "amount"), body.paid_first,
        body.paid_last or body.paid_first, body.voucher, body.payer, body.project, body.budget_year, service,
        body.receipt or "",
    )  # fmt: skip
    done = await visit.write(paying.register, entry, None, visit.today, at=visit.at, actor=visit.person.name)
    return RegisteredAnswer(payments=list(done.numbers), added=done.added, warnings=warned(done.warnings))


class ReversalBody(Strict):
    """Why a payment is taken back."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


@routes.endpoint(
    "POST", "/payments/{number}/reversal", allow=HANDLERS, summary="冲回 take a payment back", tag=TAG, body=ReversalBody,
    answer=PaymentAnswer, status=201,
)  # fmt: skip
async def reverse(visit: Visit, body: ReversalBody) -> PaymentAnswer:
    """Take a payment or refund back; its due is open again. Answers with the row that takes it back."""
    number = visit.path("number")
    if not any(str(row.id) == number for row in await visit.read(_seen, visit)):
        raise MissingError
    made = await visit.write(
        paying.reverse, int(number), visit.today, body.reason, at=visit.at, actor=visit.person.name
    )
    return _payment(visit, next(row for row in await visit.read(_seen, visit) if row.id == made))


class RequestBody(Strict):
    """Whose payment is requested."""

    contract: Annotated[str, Field(min_length=1)]
    quarter: Annotated[str, Field(min_length=6, max_length=6)]


class RequestAnswer(BaseModel):
    """Where the statement stands now."""

    contract: str
    quarter: str
    state: str


@routes.endpoint(
    "POST", "/payments/requests", allow=HANDLERS, summary="申请支付 request a payment", tag=TAG, body=RequestBody,
    answer=RequestAnswer,
)  # fmt: skip
async def request(visit: Visit, body: RequestBody) -> RequestAnswer:
    """Request the payment of an issued statement."""
    await visit.read(required, visit, body.contract)
    done = await visit.write(
        paying.request, body.contract, body.quarter, visit.today, at=visit.at, actor=visit.person.name
    )
    return RequestAnswer(contract=body.contract, quarter=body.quarter, state=done.life.state.value)


class PaperQuery(Strict):
    """A paper's file name; its bytes are the request's body."""

    name: Annotated[str, Field(min_length=1, max_length=200)]


class PaperAnswer(BaseModel):
    """The digest by which payments, invoices and typed figures name the paper."""

    sha256: str


@routes.endpoint(
    "POST", "/payments/papers", allow=HANDLERS | AUTHORITY,
    summary="存入回单、扫描件：请求体为 PDF、JPEG 或 PNG keep a receipt or scan: the body is the file", tag=TAG,
    query=PaperQuery, answer=PaperAnswer, status=201, upload="application/octet-stream",
)  # fmt: skip
async def keep_paper(visit: Visit, query: PaperQuery) -> PaperAnswer:
    """Keep a receipt or scan, to be named by its digest."""
    paper = paying.checked_paper(query.name, await uploaded(visit))
    return PaperAnswer(sha256=await visit.write(paying.keep_paper, paper, at=visit.at, actor=visit.person.name))
