"""What is due when and to whom, how late it is and what that costs; per contract what was paid of its total."""

from __future__ import annotations

from datetime import date

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.money import payables, paying
from console.money.payables import ContractMoney, DueDetail, DueRow
from console.pages.settle.payments.words import KINDS, STATUS, TONE, due_address, seen
from console.settling.phases import PhaseWords, phase_words
from console.web.access import MONEY_READERS, Role
from console.web.export import exported
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import Finding, InputError
from settlement.life import STATE_ZH

routes = Routes()
HANDLERS = frozenset({Role.HANDLER})


class DuesQuery(TableQuery):
    """Filters of the tracker; `on` shows it as it stood at the end of a day."""

    contract: str = ""
    state: str = ""
    on: date | None = None


def _address(row: DueRow) -> str:
    return due_address(row.due.contract, row.due.id)


def _interest(row: DueRow) -> int | None:
    return row.state.interest.low_fen or None


def columns_of(words: PhaseWords) -> tuple[Column[DueRow], ...]:
    """Return the tracker's columns; `words` are what people call the phases."""

    def phase(row: DueRow) -> str:
        return words.word(row.due.contract, row.due.phase)

    return (
        Column("due", N_("应付编号"), lambda r: r.due.id, "code", link=_address, searched=True),
        Column("contract", N_("合同"), lambda r: r.due.contract, searched=True),
        Column("phase", N_("期次"), phase, searched=True),
        Column("kind", N_("类别"), lambda r: KINDS[r.due.kind], "badge"),
        Column("period", N_("服务期"), lambda r: r.due.period, searched=True),
        Column("fen", N_("金额（元）"), lambda r: r.due.fen, "money"),
        Column("open", N_("未结（元）"), lambda r: r.state.open_fen or None, "money"),
        Column("status", N_("状态"), lambda r: STATUS[r.status], "badge", tone=lambda r: TONE[r.status]),
        Column("due_on", N_("到期日"), lambda r: r.state.lateness.due_on, "date"),
        Column("late", N_("逾期天数"), lambda r: r.late.high if r.late and r.late.high else None, "number"),
        Column("interest", N_("逾期利息（元）"), _interest, "money"),
        Column("contested", N_("争议中（元）"), lambda r: r.state.contested_fen or None, "money"),
        Column("payer", N_("付款单位"), lambda r: r.due.payer, searched=True, shown=False),
        Column("late_least", N_("逾期天数（最少）"), lambda r: r.late.low if r.late else None, "number", shown=False),
        Column(
            "interest_most", N_("逾期利息（最多）"), lambda r: r.state.interest.high_fen or None, "money", shown=False
        ),
        Column("charged", N_("已计入结算的利息"), lambda r: r.state.charged_fen or None, "money", shown=False),
        Column("after", N_("季后天数"), lambda r: r.state.lateness.after_quarter.high, "number", shown=False),
    )


@routes.page("/payments", allow=MONEY_READERS, section="payments")
async def tracker(visit: Visit) -> web.Response:
    """The tracker of dues, and each contract's money."""
    return await shown(visit)


async def shown(visit: Visit, findings: tuple[Finding, ...] = (), status: int = 200) -> web.Response:
    """Render the tracker, with what was said against a payment request."""
    query = visit.query(DuesQuery)
    on = min(query.on or visit.today, visit.today)
    titles, rows, money, doubts, words = await visit.read(_tracked, visit, on)
    columns = columns_of(words)
    wanted = [
        row
        for row in rows
        if query.contract in {"", row.due.contract}
        and (query.state in {"", row.status} or (query.state == "owed" and row.status != "settled"))
    ]
    if query.format:
        return await exported(visit, wanted, columns, query, f"dues-{on}")
    return visit.render(
        "settle/payments.html", status=status, table=table_of(wanted, columns, query), query=query, on=on, titles=titles,
        money=money, doubts=(*findings, *doubts), states=STATUS, may_pay=visit.may(HANDLERS), tab="dues",
        overdue=[row for row in rows if row.status == "overdue" and row.state.open_fen > 0],
    )  # fmt: skip


def _tracked(
    connection: Connection, visit: Visit, on: date
) -> tuple[dict[str, str], list[DueRow], list[ContractMoney], list[Finding], PhaseWords]:
    titles = payables.contracts_seen(connection, visit.person)
    rows, findings = payables.due_rows(connection, titles, on)
    money = payables.contract_money(connection, titles, rows)
    return (
        titles,
        rows,
        [its for its in money if its.paid_fen or its.open_fen or its.refund_fen or its.requests],
        findings,
        phase_words(connection, titles),
    )


@routes.page("/payments/dues/{contract}/{due:.+}", allow=MONEY_READERS, section="payments")
async def one(visit: Visit) -> web.Response:
    """One due: its amount's formula, what moved it, its invoices, how its lateness is counted."""
    found, words = await visit.read(_one, visit)
    return visit.render(
        "settle/payment_due.html", found=found, row=found.row, due=found.row.due, kinds=KINDS, words=words, states=STATUS,
        tones=TONE, life=STATE_ZH.get(found.state, "") if found.state else "", may_pay=visit.may(HANDLERS),
        inside=visit.may(MONEY_READERS - {Role.SUPPLIER}), served=payables.served_until(found.row.due),
    )  # fmt: skip


def _one(connection: Connection, visit: Visit) -> tuple[DueDetail, PhaseWords]:
    contract = seen(connection, visit, visit.path("contract"))
    found = payables.due_detail(connection, contract, visit.path("due"), visit.today)
    if found is None:
        raise MissingError
    return found, phase_words(connection, [contract])


class Requested(BaseModel):
    """Which statement's payment is requested."""

    contract: str = Field(min_length=1)
    quarter: str = Field(min_length=1)


@routes.form("/payments/requests", allow=HANDLERS, section="payments")
async def request(visit: Visit) -> web.Response:
    """Request the payment of an issued statement."""
    entered = await visit.enter(Requested)
    if entered.model is None:
        return visit.see("/payments")
    await visit.read(seen, visit, entered.model.contract)
    try:
        await visit.write(
            paying.request, entered.model.contract, entered.model.quarter, visit.today, at=visit.at,
            actor=visit.person.name,
        )  # fmt: skip
    except InputError as error:
        return await shown(visit, error.findings, 422)
    return visit.see("/payments", visit.say("已申请支付，付款后请登记"))
