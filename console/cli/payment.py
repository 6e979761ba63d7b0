"""`camsla payment`: money against what is owed, what is due and how late, and payments taken back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from console.app import database
from console.cli.frame import (
    Session,
    actor_option,
    answering,
    json_option,
    pass_session,
    print_json,
    print_table,
    report,
)
from console.cli.money_words import DAY, amount, kept
from console.cli.payment_dues import KIND_ZH, due_json, next_step, print_dues
from console.clock import today
from settlement.money import grouped, yuan
from settlement.payments import paid_range
from settlement.store import movements, payments, workdays
from settlement.store.interest import DueState, known_contracts, states
from settlement.store.payment_checks import Order, supplement_warning


@click.group()
def payment() -> None:
    """支付、退款与到期 payments, refunds, what is due."""


@payment.command(short_help="登记支付或退款 record a payment or refund")
@click.argument("contract")
@click.argument("due", required=False, default="")
@click.option("--amount", "text", required=True, help="金额，元 yuan")
@click.option("--paid-on", required=True, help="2020-12-15，或 or 2020-02-24..2020-02-29")
@click.option("--voucher", required=True, help="支付凭证号或退款凭证号 the voucher's number")
@click.option("--payer", default="", help="付款单位 who paid")
@click.option("--project", default="", help="预算项目编码 budget project")
@click.option(
    "--budget-year", type=click.IntRange(1990, 2200), help="预算年度，默认付款年 default: the year of payment"
)
@click.option("--receipt", type=click.Path(path_type=Path), help="回单文件 the receipt, kept with its digest")
@json_option
@actor_option
@pass_session
@answering
def record(
    session: Session,
    contract: str,
    due: str,
    text: str,
    paid_on: str,
    voucher: str,
    payer: str,
    project: str,
    budget_year: int | None,
    receipt: Path | None,
    as_json: bool,
    actor: str,
) -> None:
    """登记 CONTRACT 的一笔支付；DUE 为应付编号（camsla payment due），或季度（按行依次分摊），无结算单的合同省略。

    Record a payment. DUE is an id as `camsla payment due` lists them, or a quarter, whose lines are then paid in order;
    leave it out for a contract without statements. A due that the supplier owes takes a refund.
    """
    first, last = paid_range(paid_on, today(session.settings.zone))
    fen, at = amount(text), database.now()
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        sha = kept(writer, connection, receipt, at=at, actor=actor)
        whole = bool(due) and "/" not in due
        parts = movements.spread(connection, contract, due, fen, voucher) if whole else [(due, fen)]
        done = [
            payments.record(
                connection,
                writer.audit,
                Order(contract, name, part, first, last, voucher, payer, project, budget_year, sha),
                at=at,
                actor=actor,
            )
            for name, part in parts
        ]
    report(dict.fromkeys(finding for one in done for finding in one.warnings))
    if as_json:
        print_json(
            [
                {"payment": one.id, "due": name or None, "amount": yuan(part), "added": one.added}
                for one, (name, part) in zip(done, parts, strict=True)
            ]
        )
        return
    for one, (name, part) in zip(done, parts, strict=True):
        word = "已登记 recorded" if one.added else "原已登记 recorded before"
        click.echo(f"{word}: {one.id} {name or contract} {grouped(part)}")


@payment.command(short_help="冲回 take a payment back")
@click.argument("number", type=click.IntRange(1))
@click.option("--reason", required=True, help="理由 reason")
@click.option("--on", "on", type=DAY, help="冲回日，默认今天 the day; default today")
@actor_option
@pass_session
@answering
def reverse(session: Session, number: int, reason: str, on: datetime | None, actor: str) -> None:
    """冲回一笔支付或退款：各科目余额复原 take a payment or refund back: every balance stands as before it."""
    day = on.date() if on else today(session.settings.zone)
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        done = payments.reverse(connection, writer.audit, number, day, reason, at=database.now(), actor=actor)
    click.echo(f"已冲回 taken back: {number} → {done.id}")


@payment.command("list", short_help="列出支付 list payments")
@click.argument("contract", required=False)
@json_option
@pass_session
@answering
def list_(session: Session, contract: str | None, as_json: bool) -> None:
    """列出支付、退款、抵扣及冲回 list payments, refunds, set-offs and what was taken back."""
    with database.reader(session.settings) as connection:
        found = movements.rows(connection, contract)
    if as_json:
        print_json([_movement_json(row) for row in found])
        return
    print_table(
        "支付 payments",
        [
            ("编号 no.", True),
            ("合同 contract", False),
            ("应付 due", False),
            ("类别 kind", False),
            ("金额 amount", True),
            ("付款日 paid on", True),
            ("凭证 voucher", False),
            ("预算 budget", False),
            ("服务期 service", True),
            ("冲回 taken back", False),
        ],
        [
            (
                row.id,
                row.movement.contract,
                row.movement.due,
                KIND_ZH[row.movement.kind],
                grouped(row.movement.fen),
                _days(str(row.movement.first), str(row.movement.last)),
                row.movement.voucher,
                f"{row.movement.project} {row.movement.budget_year}" if row.movement.kind != "set-off" else "",
                _days(str(row.service_from), str(_last(row))),
                f"→ {row.reversed_by}" if row.reversed_by else f"冲 of {row.reverses}" if row.reverses else "",
            )
            for row in found
        ],
    )


def _days(first: str, last: str) -> str:
    return first if first == last else f"{first}..{last}"


def _last(row: movements.Stored) -> date:
    """The last day of the service period, as people write it."""
    return max(row.service_from, row.service_until - timedelta(days=1))


def _movement_json(row: movements.Stored) -> dict[str, Any]:
    movement = row.movement
    return {
        "payment": row.id,
        "contract": movement.contract,
        "due": movement.due or None,
        "kind": movement.kind,
        "amount": yuan(movement.fen),
        "paid_first": movement.first.isoformat(),
        "paid_last": movement.last.isoformat(),
        "voucher": movement.voucher,
        "payer": movement.payer,
        "project": movement.project,
        "budget_year": movement.budget_year or None,
        "service_from": row.service_from.isoformat(),
        "service_last": _last(row).isoformat(),
        "receipt": row.document_sha or None,
        "reverses": row.reverses or None,
        "reversed_by": row.reversed_by or None,
        "actor": row.actor,
    }


@payment.command("due", short_help="到期与逾期 what is due, and how late")
@click.argument("contract", required=False)
@click.option("--on", "on", type=DAY, help="按该日计，默认今天 as of this day; default today")
@click.option("--open", "only_open", is_flag=True, help="只列未结 only what is open")
@json_option
@pass_session
@answering
def due_(session: Session, contract: str | None, on: datetime | None, only_open: bool, as_json: bool) -> None:
    """列出每笔应付应退：到期日、余额、争议、逾期天数、逾期利息。

    List what is owed either way: due date, what is open, contested, days late, late-payment interest.
    """
    day = on.date() if on else today(session.settings.zone)
    found: list[DueState] = []
    next_steps: dict[str, str] = {}
    with database.reader(session.settings) as connection:
        names = [contract] if contract else known_contracts(connection)
        calendar = workdays.calendar(connection)
        for name in names:
            its, findings = states(connection, name, calendar, day)
            found += its
            warning = supplement_warning(connection, name)
            report([*findings, *([warning] if warning else [])])
            next_steps[name] = next_step(connection, its)
    rows = [state for state in found if state.open_fen or not only_open]
    if as_json:
        print_json([due_json(state) for state in rows])
        return
    for name, group in groupby(rows, key=lambda state: state.due.contract):
        print_dues(name, list(group), day, next_steps[name])
    if not rows:
        click.echo("没有应付应退 nothing is owed")
