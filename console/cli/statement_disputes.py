"""`camsla statement dispute|decide`: what the supplier contests, and what another person decides."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from console.app import database
from console.cli.frame import Session, actor_option, answering, pass_session
from console.cli.statement_frame import action_of, document_option, say, statement_arguments
from console.quarters.disputing import Ruling
from console.quarters.disputing import decide as decide_dispute
from console.quarters.disputing import dispute as contest
from monitor.finding import refuse
from settlement.disputes import DECISION_ZH, Decision, Effect
from settlement.money import fen


def _fen(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return fen(text)
    except ValueError as error:
        raise refuse(str(error), "写成 1234.56 write it like that", column=option) from None


@click.command(short_help="提出异议 contest a line or a point")
@statement_arguments
@click.argument("line", type=click.IntRange(1))
@click.option("--point", default="", help="点位编号 only this point of the line")
@click.option("--claim", metavar="YUAN", help="争议金额，默认全部扣款 how much more; default all that was deducted")
@click.option("--reason", required=True, help="理由 reason")
@document_option
@actor_option
@pass_session
@answering
def dispute(
    session: Session,
    contract: str,
    quarter: str,
    line: int,
    point: str,
    claim: str | None,
    reason: str,
    document: Path | None,
    actor: str,
) -> None:
    """供应商对第 LINE 行（或其中一个点位）提出异议；无争议部分照付。

    The supplier contests line LINE, or a point of it. What is not contested goes on to payment.
    """
    claimed = _fen("--claim", claim)
    with database.open_writer(session.settings) as writer:
        action = action_of(session, contract, quarter, actor, reason, document)
        number, outcome = contest(writer, action, line, point.strip(), claimed)
    click.echo(f"异议 dispute {number}")
    say(outcome)


@click.command(short_help="异议复核 decide a dispute")
@statement_arguments
@click.argument("number", type=click.IntRange(1))
@click.argument("decision", type=click.Choice(list(DECISION_ZH)))
@click.option("--grant", metavar="YUAN", help="部分采纳的金额 how much of it is granted")
@click.option(
    "--effect",
    type=click.Choice(["amount", "data"]),
    default="amount",
    show_default=True,
    help="amount: 作为调整行补付 an adjustment line; data: 由数据更正后重算补付 through corrected data",
)
@click.option("--opinion", required=True, help="复核意见 the opinion")
@document_option
@actor_option
@pass_session
@answering
def decide(
    session: Session,
    contract: str,
    quarter: str,
    number: int,
    decision: str,
    grant: str | None,
    effect: str,
    opinion: str,
    document: Path | None,
    actor: str,
) -> None:
    """复核第 NUMBER 号异议：维持 upheld、部分采纳 partly、采纳 accepted；不由提出人或经办人决定。

    Decide dispute NUMBER; never by whoever raised it or made the statement. What is granted enters the next draft.
    """
    ruling = Ruling(number, cast(Decision, decision), _fen("--grant", grant), cast(Effect, effect))
    with database.open_writer(session.settings) as writer:
        outcome = decide_dispute(writer, action_of(session, contract, quarter, actor, opinion, document), ruling)
    click.echo(f"异议 dispute {number}: {DECISION_ZH[decision]} {decision}")
    say(outcome)
