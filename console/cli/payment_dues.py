"""What `camsla payment due` prints: the dues of a contract as a table, what is due in all, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import click
from sqlalchemy import Connection

from console.cli.frame import print_table
from settlement.dues import REST
from settlement.life import State
from settlement.money import grouped, yuan
from settlement.store import dues
from settlement.store.interest import DueState
from settlement.store.payment_checks import state_of

WIDTH = 120
KIND_ZH = {
    "prepayment": "季度预付 prepayment",
    "next_prepayment": "下季预付 next prepayment",
    "true_up": "多退少补 true-up",
    "adjustment": "以前期调整 adjustment",
    "interest": "逾期利息 interest",
    "retention_release": "质保金返还 retention released",
    "instalment": "分期付款 instalment",
    "payment": "支付 payment",
    "refund": "退款 refund",
    "set-off": "抵扣 set-off",
    "unsettled": "直接支付 payment without a statement",
}


def print_dues(contract: str, rows: Sequence[DueState], day: date, next_: str) -> None:
    """Print a contract's dues, at most 120 columns wide; `next_` is the command that comes next, "" for none."""
    print_table(
        f"{contract} 应付与应退 dues（{day}）",
        [
            ("编号 due", False),
            ("期次、类别 phase, kind", False),
            ("金额 amount", True),
            ("未结 open", True),
            ("到期 due on", True),
            ("逾期 late, d", True),
            ("利息 interest", True),
        ],
        [
            (
                state.due.id,
                f"{state.due.phase} {KIND_ZH[state.due.kind]}".strip(),
                grouped(state.due.fen),
                _open(state),
                state.lateness.due_on or "待发票 invoice",
                state.lateness.late or "",
                _range(state.interest.low_fen, state.interest.high_fen),
            )
            for state in rows
        ],
        WIDTH,
    )
    click.echo(_in_all(rows, day))
    if next_:
        click.echo(f"下一步 next: {next_}")


def _open(state: DueState) -> str:
    left = grouped(state.open_fen) if state.open_fen else ""
    return f"{left}\n争议 {grouped(state.contested_fen)}" if state.contested_fen else left


def _range(low: int, high: int) -> str:
    return "" if not high else grouped(low) if low == high else f"{grouped(low)}–\n{grouped(high)}"


def _is_due(state: DueState, day: date) -> bool:
    return state.lateness.due_on is not None and state.lateness.due_on <= day


def _in_all(rows: Sequence[DueState], day: date) -> str:
    owed = [state for state in rows if state.open_fen > 0]
    due = sum(state.open_fen for state in owed if _is_due(state, day))
    text = (
        f"合计 in all: 应付未结 open {grouped(sum(state.open_fen for state in owed))}，"
        f"其中已到期 due by {day} {grouped(due)}"
    )
    back = -sum(state.open_fen for state in rows if state.open_fen < 0)
    if back:
        text += f"；应退 to be refunded {grouped(back)}"
    contested = sum(state.contested_fen for state in rows)
    return text + (f"，争议中 contested {grouped(contested)}" if contested else "")


def next_step(connection: Connection, found: Sequence[DueState]) -> str:
    """Return the command that settles the oldest open due: the payment's request, else its record; "" if none is open.

    What is owed comes before refunds; an instalment ahead is no next step.
    """
    open_ = [state for state in found if state.open_fen and abs(state.open_fen) > state.contested_fen]
    waiting = [
        state
        for state in open_
        if state.due.statement or (state.lateness.late is not None and state.lateness.late.high)
    ]
    for state in sorted(waiting, key=lambda state: state.due.refund):
        due = state.due
        number = dues.statement_of(connection, due)
        if number is not None and not due.refund and state_of(connection, number) is State.ISSUED:
            return f"camsla statement request-payment {due.contract} {due.statement.partition('/')[0]}"
        voucher = "退款凭证号" if due.refund else "支付凭证号"
        payer = f" --payer {due.payer}" if due.payer not in {"", REST} else ""
        amount = yuan(abs(state.open_fen) - state.contested_fen)
        return f"camsla payment record {due.contract} {due.id} --amount {amount} --paid-on … --voucher {voucher}{payer}"
    return ""


def due_json(state: DueState) -> dict[str, Any]:
    """Return everything that is known of a due as JSON data."""
    due, late, since = state.due, state.lateness.late, state.lateness.after_quarter
    return {
        "contract": due.contract,
        "due": due.id,
        "phase": due.phase,
        "kind": due.kind,
        "period": due.period,
        "payer": due.payer or None,
        "amount": yuan(due.fen),
        "open": yuan(state.open_fen),
        "contested": yuan(state.contested_fen),
        "due_on": state.lateness.due_on.isoformat() if state.lateness.due_on else None,
        "settled": state.lateness.settled,
        "days_late": None if late is None else list(late),
        "days_after_quarter": list(since),
        "interest": [yuan(state.interest.low_fen), yuan(state.interest.high_fen)],
        "interest_why": state.interest.why or None,
        "interest_charged": yuan(state.charged_fen),
    }
