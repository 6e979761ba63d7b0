"""Words and sights that the pages of money share: kinds of dues and movements, states, who sees which contract."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from sqlalchemy import Connection

from console.money.payables import contracts_seen
from console.web.faults import MissingError
from console.web.visit import Visit
from console.web.words import N_

KINDS: Mapping[str, str] = {
    "prepayment": N_("季度预付"),
    "next_prepayment": N_("下季预付"),
    "true_up": N_("多退少补"),
    "adjustment": N_("以前期调整"),
    "interest": N_("逾期利息"),
    "retention_release": N_("质保金返还"),
    "instalment": N_("分期付款"),
    "payment": N_("支付"),
    "refund": N_("退款"),
    "set-off": N_("抵扣"),
    "unsettled": N_("直接支付"),
}
STATUS: Mapping[str, str] = {
    "open": N_("未到期"),
    "overdue": N_("已逾期"),
    "waiting": N_("待发票"),
    "settled": N_("已结清"),
}
TONE: Mapping[str, str] = {"open": "plan", "overdue": "bad", "waiting": "warn", "settled": "good"}


def due_address(contract: str, due: str) -> str:
    """Return the address of a due's page."""
    return f"/payments/dues/{quote(contract, safe='')}/{quote(due)}"


def seen(connection: Connection, visit: Visit, contract: str) -> str:
    """Return a contract's name. MissingError if there is none, or the person does not see it."""
    if contract not in contracts_seen(connection, visit.person):
        raise MissingError
    return contract
