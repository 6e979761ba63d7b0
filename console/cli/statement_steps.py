"""`camsla statement reconcile|confirm|check|approve|return|issue|request-payment`: steps of a statement's life."""

from __future__ import annotations

from pathlib import Path

import click

from console.app import database
from console.cli.frame import Session, actor_option, answering, pass_session
from console.cli.statement_frame import action_of, document_option, say, statement_arguments
from console.quarters.statement_life import issue as issue_statement
from console.quarters.statement_life import link, take
from console.quarters.statement_life import reconcile as reconcile_statement

_reason = click.option("--reason", default="", help="说明 reason")


@click.command(short_help="核对 own measurement beside the authority's figure")
@statement_arguments
@_reason
@document_option
@actor_option
@pass_session
@answering
def reconcile(session: Session, contract: str, quarter: str, reason: str, document: Path | None, actor: str) -> None:
    """核对完毕，送供应商确认；与公安核定之差超出容差时须说明理由。

    Reconciled and sent to the supplier; a difference beyond the tolerance wants a reason.
    """
    with database.open_writer(session.settings) as writer:
        outcome = reconcile_statement(writer, action_of(session, contract, quarter, actor, reason, document))
    say(outcome)


@click.command(short_help="供应商确认 the supplier agrees")
@statement_arguments
@click.option("--silence", is_flag=True, help="逾期未提异议 nobody objected within the period")
@_reason
@document_option
@actor_option
@pass_session
@answering
def confirm(
    session: Session, contract: str, quarter: str, silence: bool, reason: str, document: Path | None, actor: str
) -> None:
    """供应商确认；或者合同约定的异议期已过，视为确认 the supplier confirms, or was silent until the period was over."""
    with database.open_writer(session.settings) as writer:
        action = action_of(session, contract, quarter, actor, reason, document)
        outcome = take(writer, action, "silence" if silence else "confirm")
    say(outcome)


@click.command(short_help="复核 a link of the approval chain")
@statement_arguments
@_reason
@document_option
@actor_option
@pass_session
@answering
def check(session: Session, contract: str, quarter: str, reason: str, document: Path | None, actor: str) -> None:
    """复核（审批链中的 check 与 review），每一环由不同的人办理 check; each link by another person."""
    with database.open_writer(session.settings) as writer:
        outcome = link(writer, action_of(session, contract, quarter, actor, reason, document), ("check", "review"))
    say(outcome)


@click.command(short_help="审批 approve")
@statement_arguments
@_reason
@document_option
@actor_option
@pass_session
@answering
def approve(session: Session, contract: str, quarter: str, reason: str, document: Path | None, actor: str) -> None:
    """审批，不能由经办、核对或复核的人办理 approve; never by whoever made, reconciled or checked it."""
    with database.open_writer(session.settings) as writer:
        outcome = link(writer, action_of(session, contract, quarter, actor, reason, document), ("approve",))
    say(outcome)


@click.command("return", short_help="退回 send back to the draft")
@statement_arguments
@click.option("--reason", required=True, help="理由 reason")
@document_option
@actor_option
@pass_session
@answering
def return_(session: Session, contract: str, quarter: str, reason: str, document: Path | None, actor: str) -> None:
    """退回为草稿，从头再走；已出具的不能退回 back to a draft; what was issued cannot be returned."""
    with database.open_writer(session.settings) as writer:
        outcome = take(writer, action_of(session, contract, quarter, actor, reason, document), "return")
    say(outcome)


@click.command(short_help="出具并锁定 issue: it never changes again")
@statement_arguments
@_reason
@document_option
@actor_option
@pass_session
@answering
def issue(session: Session, contract: str, quarter: str, reason: str, document: Path | None, actor: str) -> None:
    """出具并锁定，同时入账；--document 为盖章扫描件 issue and post; --document is the stamped scan."""
    with database.open_writer(session.settings) as writer:
        outcome = issue_statement(writer, action_of(session, contract, quarter, actor, reason, document))
    say(outcome)


@click.command("request-payment", short_help="申请支付 request the payment")
@statement_arguments
@_reason
@document_option
@actor_option
@pass_session
@answering
def request_payment(
    session: Session, contract: str, quarter: str, reason: str, document: Path | None, actor: str
) -> None:
    """申请支付；付款由 camsla payment record 登记 request the payment; `camsla payment record` records it."""
    with database.open_writer(session.settings) as writer:
        outcome = take(writer, action_of(session, contract, quarter, actor, reason, document), "request-payment")
    say(outcome)
