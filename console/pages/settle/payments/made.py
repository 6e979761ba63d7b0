"""Payments, refunds, set-offs and what was taken back: the list, one of them with its receipt, and its reversal."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.documents.kept_documents import document
from console.money import payables, paying
from console.pages.settle.payments.due import HANDLERS
from console.pages.settle.payments.words import KINDS, due_address
from console.settling.phases import phase_words
from console.web.access import MONEY_READERS, Role
from console.web.export import exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from settlement.store import dues
from settlement.store.movements import Stored

routes = Routes()
INSIDE = MONEY_READERS - {Role.SUPPLIER}


class MadeQuery(TableQuery):
    """Filters of the list."""

    contract: str = ""
    kind: str = ""
    budget_year: int | None = None
    project: str = ""


def _days(row: Stored) -> str:
    first, last = row.movement.first, row.movement.last
    return first.isoformat() if first == last else f"{first}..{last}"


def _back(row: Stored) -> str:
    return f"→ {row.reversed_by}" if row.reversed_by else f"← {row.reverses}" if row.reverses else ""


def _due(row: Stored) -> str | None:
    return due_address(row.movement.contract, row.movement.due) if row.movement.due else None


PUBLIC: tuple[Column[Stored], ...] = (
    Column("id", N_("编号"), lambda r: r.id, "number", link=lambda r: f"/payments/made/{r.id}"),
    Column("contract", N_("合同"), lambda r: r.movement.contract, searched=True),
    Column("kind", N_("类别"), lambda r: KINDS[r.movement.kind], "badge",
           tone=lambda r: "mute" if r.reversed_by or r.reverses else "good"),
    Column("due", N_("应付编号"), lambda r: r.movement.due, "code", link=_due, searched=True),
    Column("fen", N_("金额（元）"), lambda r: r.movement.fen, "money"),
    Column("paid", N_("付款日"), _days, "date", searched=True),
    Column("voucher", N_("凭证号"), lambda r: r.movement.voucher, searched=True),
    Column("payer", N_("付款单位"), lambda r: r.movement.payer, searched=True),
    Column("from", N_("服务期起"), lambda r: r.service_from, "date"),
    Column("last", N_("服务期止"), payables.last_day, "date"),
    Column("receipt", N_("回单"), lambda r: r.document_sha[:12], "code",
           link=lambda r: f"/payments/made/{r.id}/receipt" if r.document_sha else None),
    Column("back", N_("冲回"), _back),
)  # fmt: skip
OWN: tuple[Column[Stored], ...] = (
    Column("project", N_("预算项目"), lambda r: r.movement.project, searched=True),
    Column("budget_year", N_("预算年度"), lambda r: str(r.movement.budget_year or ""), "date"),
    Column("actor", N_("登记人"), lambda r: r.actor, searched=True, shown=False),
    Column("recorded", N_("登记时间"), lambda r: r.recorded_at, "instant", shown=False),
)


@routes.page("/payments/made", allow=MONEY_READERS, section="payments")
async def listing(visit: Visit) -> web.Response:
    """All movements of the contracts that the person sees, the newest first."""
    query = visit.query(MadeQuery)
    titles, rows = await visit.read(_listed, visit)
    columns = (*PUBLIC, *OWN) if visit.may(INSIDE) else PUBLIC
    wanted = [
        row
        for row in rows
        if query.contract in {"", row.movement.contract}
        and query.kind in {"", row.movement.kind}
        and query.project in {"", row.movement.project}
        and query.budget_year in {None, row.movement.budget_year}
    ]
    if query.format:
        return await exported(visit, wanted, columns, query, "payments")
    total = sum(row.movement.fen for row in wanted if row.movement.kind != "set-off")
    return visit.render(
        "settle/payment_list.html", table=table_of(wanted, columns, query), query=query, titles=titles, tab="made",
        kinds={kind: KINDS[kind] for kind in ("payment", "refund", "set-off", "unsettled")}, total=total,
        may_pay=visit.may(HANDLERS),
    )  # fmt: skip


def _listed(connection: Connection, visit: Visit) -> tuple[dict[str, str], list[Stored]]:
    titles = payables.contracts_seen(connection, visit.person)
    return titles, payables.payments_of(connection, titles)


def _found(connection: Connection, visit: Visit) -> Stored:
    number = visit.path("number")
    rows = _listed(connection, visit)[1]
    found = next((row for row in rows if str(row.id) == number), None)
    if found is None:
        raise MissingError
    return found


def _with_others(connection: Connection, visit: Visit) -> tuple[Stored, list[Stored], dict[str, str], str]:
    """Return a payment, the others of its voucher that stand, its contracts' titles, and its phase's word."""
    titles, rows = _listed(connection, visit)
    row = _found(connection, visit)
    its = row.movement
    beside = [
        other
        for other in rows
        if its.voucher
        and (other.movement.contract, other.movement.voucher) == (its.contract, its.voucher)
        and other.id != row.id
        and not other.reverses
        and not other.reversed_by
    ]
    words = phase_words(connection, [its.contract])
    due = next((due for due in dues.of_contract(connection, its.contract) if due.id == its.due), None)
    return row, beside, titles, "" if due is None else words.word(its.contract, due.phase)


@routes.page("/payments/made/{number}", allow=MONEY_READERS, section="payments")
async def one(visit: Visit) -> web.Response:
    """One payment."""
    return await _shown(visit, None)


async def _shown(visit: Visit, entered: Entered[Any] | None, status: int = 200) -> web.Response:
    row, beside, titles, words = await visit.read(_with_others, visit)
    return visit.render(
        "settle/payment_made.html", status=status, row=row, movement=row.movement, entered=entered, kinds=KINDS,
        beside=beside, together=sum(its.movement.fen for its in (row, *beside)), titles=titles, phase=words,
        last=payables.last_day(row), days=_days(row), inside=visit.may(INSIDE),
        may_reverse=visit.may(HANDLERS) and not row.reverses and not row.reversed_by and row.movement.kind != "set-off",
        today=visit.today.isoformat(),
    )  # fmt: skip


@routes.download("/payments/made/{number}/receipt", allow=MONEY_READERS)
async def receipt(visit: Visit) -> web.Response:
    """The receipt."""
    return await visit.read(lambda connection: document(connection, _found(connection, visit).document_sha))


class Reversal(BaseModel):
    """Why a payment is taken back."""

    reason: str = Field(min_length=1, max_length=500)


@routes.form("/payments/made/{number}/reverse", allow=HANDLERS, section="payments")
async def reverse(visit: Visit) -> web.Response:
    """Take a payment back: its due is open again, every balance as before it."""
    row = await visit.read(_found, visit)
    entered = await visit.enter(Reversal)
    if entered.model is not None:
        try:
            number = await visit.write(
                paying.reverse, row.id, visit.today, entered.model.reason, at=visit.at, actor=visit.person.name
            )
            return visit.see(f"/payments/made/{number}", visit.say("已冲回，各科目余额复原"))
        except InputError as error:
            entered = entered.refused(error)
    return await _shown(visit, entered, 422)
