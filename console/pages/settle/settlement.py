"""季度考核结算: the table of contracts × quarters, and what waits for the person who looks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from console.settling.actions import NEXT
from console.settling.board import STATES, TONES, Row, board
from console.settling.page import address
from console.web.access import MONEY_READERS, ROLE_ZH
from console.web.export import exported
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_

routes = Routes()


class BoardQuery(TableQuery):
    """Which quarters are shown."""

    contract: Annotated[str, Field(max_length=64)] = ""
    state: Annotated[str, Field(max_length=20)] = ""
    waiting: bool = False


def _columns(visit: Visit) -> list[Column[Row]]:
    def who(row: Row) -> str:
        return "、".join(visit.say(ROLE_ZH[role]) for role in sorted(row.roles))

    def link(row: Row) -> str:
        return address(row.contract, row.quarter)

    return [
        Column("quarter", N_("季度"), lambda row: row.quarter, link=link, searched=True),
        Column("contract", N_("合同"), lambda row: row.contract, searched=True),
        Column("title", N_("名称"), lambda row: row.title, searched=True, shown=False),
        Column("state", N_("状态"), lambda row: STATES[row.state], "badge", tone=lambda row: TONES[row.state]),
        Column("payable", N_("应付金额"), lambda row: row.payable_fen, "money", link=_why("payable")),
        Column("true_up", N_("多退少补"), lambda row: row.true_up_fen, "money", link=_why("true_up")),
        Column("total", N_("本次应付净额"), lambda row: row.total_fen, "money", link=_why("total")),
        Column("contested", N_("有争议"), lambda row: row.contested_fen or None, "money"),
        Column("undisputed", N_("无争议即付"), lambda row: row.undisputed_fen, "money", shown=False),
        Column("next", N_("下一步"), lambda row: visit.say(NEXT[row.following]) if row.following else None, link=link),
        Column("who", N_("由谁办理"), who),
        Column("waits", N_("待我办理"), lambda row: N_("待办") if row.waits else None, "badge", tone=lambda _: "warn"),
        Column("due", N_("期限"), lambda row: row.due, "date"),
        Column("due_is", N_("期限含义"), lambda row: visit.say(row.due_is) if row.due_is else None, shown=False),
    ]


def _why(what: str) -> Any:
    return lambda row: None if row.revision is None else address(row.contract, row.quarter, "why", what)


@routes.page("/settlement", allow=MONEY_READERS, section="settlement")
async def settlement(visit: Visit) -> Any:
    """Every quarter that the person sees."""
    query = visit.query(BoardQuery)
    rows = await visit.read(board, visit.person, visit.today, visit.at)
    waiting = sum(row.waits for row in rows)
    contracts = sorted({row.contract for row in rows})
    found = [
        row
        for row in rows
        if query.contract in ("", row.contract) and query.state in ("", row.state) and (row.waits or not query.waiting)
    ]
    columns = _columns(visit)
    if query.format:
        return await exported(visit, found, columns, query, "settlement")
    table = table_of(found, columns, query)
    return visit.render(
        "settle/settlement.html",
        table=table,
        query=query,
        waiting=waiting,
        contracts=contracts,
        states={state: STATES[state] for state in STATES if any(row.state == state for row in rows)},
        rows=rows,
    )
