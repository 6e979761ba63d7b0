"""`camsla contract what-if`: past quarters under a changed contract, line by line, and as bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from config.history import load_history
from console.app import database
from console.cli.contract_named import WHICH, named_contract
from console.cli.contract_readings import first_whole_quarter, sizes_of, usual_rates
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table, report
from console.clock import today
from console.quarters.past_quarters import past_quarters
from monitor.finding import refuse
from settlement.contract import Terms
from settlement.lines import Kind
from settlement.money import grouped
from settlement.past import Assumed, PastQuarter, given_facts, remembered
from settlement.readings import percent
from settlement.whatif import QuarterChange, WhatIf, what_if, what_if_json

ASSUMED = "假定的在线率 assumed rates"
BAR = 40
"""So many characters wide is the longest bar."""
KIND_ZH = {
    Kind.PREPAYMENT: "预付 prepayment",
    Kind.PAYABLE: "应付 payable",
    Kind.DEDUCTION: "扣款 deduction",
    Kind.RETENTION: "留存 retention",
    Kind.TRUE_UP: "多退少补 true-up",
    Kind.RETENTION_RELEASE: "释放留存 retention released",
    Kind.NEXT_PREPAYMENT: "下季预付 next prepayment",
}


@click.command("what-if", short_help="试算 past quarters under a changed contract")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), help=f"现行合同 the contract as it stands: {WHICH}")
@click.option("--history", type=click.Path(path_type=Path), help="历史 past quarters: phase,quarter,count,rate")
@click.option("--contract", "name", help="库中合同编号 whose stored statements; 默认同 FILE default: that of FILE")
@json_option
@pass_session
@answering
def what_if_(
    session: Session, file: Path, against: Path | None, history: Path | None, name: str | None, as_json: bool
) -> None:
    """试算：按改动后的合同 FILE 重算以往各季度，逐季逐项列出差额。

    Re-run past quarters under the changed contract FILE: from --history, else from the statements in the store (their
    frozen inputs), else, with --against alone, at assumed rates.
    """
    after = named_contract(session, file)
    before = None if against is None else named_contract(session, against)
    past, source = _past(session, after, before, history, name)
    result = what_if(past, after)
    if not result.quarters:
        report(result.findings)
        raise refuse(
            "没有可比较的季度 no quarter could be compared", "见以上各条 see the messages above", column="history"
        )
    report(result.findings)
    if as_json:
        print_json({"contract": after.contract, "source": source} | what_if_json(result))
    else:
        _show(after, source, result)


def _past(
    session: Session, after: Terms, before: Terms | None, history: Path | None, name: str | None
) -> tuple[Sequence[tuple[PastQuarter, Terms]], str]:
    """Return the quarters with the terms they are compared against, and where they come from."""
    if history is not None:
        if before is None:
            raise refuse(
                "历史里没有合同，无从比较 a history brings no contract to compare with",
                "--against FILE 给出现行合同 name the contract as it stands",
                column="--against",
            )
        return [(past, before) for past in remembered(load_history(history))], f"历史 history {history}"
    if database.database_exists(session.settings):
        with database.reader(session.settings) as connection:
            day = today(session.settings.zone)
            stored = past_quarters(connection, name or (before or after).contract, before, after, day)
        if stored:
            return stored, "库中结算单 stored statements"
    if before is None or name is not None:
        raise refuse(
            f"库中没有该合同的结算单 the store has no statements of {name or after.contract}",
            "先出具 first: camsla statement draft …，或 or --against OTHER --history FILE",
            column="--contract",
        )
    sizes, when = sizes_of(before, ()), first_whole_quarter(before)
    assumed = [
        Assumed(
            f"{when.label} @ {percent(rate.value)}",
            when.label,
            {name: given_facts(when, n, [rate]) for name, n in sizes.items()},
        )
        for rate in usual_rates(before)
    ]
    return [(past, before) for past in assumed], ASSUMED


def _show(after: Terms, source: str, result: WhatIf) -> None:
    print_table(
        f"试算 what-if · {after.contract} · {source}",
        [
            ("季度 quarter", False),
            ("期次 phase", False),
            ("项目 line", False),
            ("现行 before 元", True),
            ("改后 after 元", True),
            ("差额 difference", True),
        ],
        [
            (
                row.quarter,
                row.phase,
                KIND_ZH.get(Kind(row.kind), row.kind),
                "" if row.before_fen is None else grouped(row.before_fen),
                "" if row.after_fen is None else grouped(row.after_fen),
                grouped(row.difference_fen),
            )
            for row in result.changes
        ],
    )
    click.echo("应付 payable（█ 现行 before，▒ 改后 after）")
    for line in bars(result.quarters):
        click.echo(line)
    if source != ASSUMED:
        click.echo(f"应付合计差额 payable, difference in all: {grouped(result.difference_fen)} 元")


def bars(quarters: Sequence[QuarterChange], width: int = BAR) -> list[str]:
    """Draw two bars a quarter to one scale, each with its amount; the longest is `width` characters."""
    most = max((max(q.payable_before_fen, q.payable_after_fen) for q in quarters), default=0)
    label = max((len(q.quarter) for q in quarters), default=0)

    def bar(amount: int, sign: str) -> str:
        return sign * (round(amount * width / most) if most else 0)

    lines = []
    for quarter in quarters:
        before, after = quarter.payable_before_fen, quarter.payable_after_fen
        lines.append(f"{quarter.quarter:<{label}} {bar(before, '█'):<{width}} {grouped(before)}")
        sign = "+" if quarter.difference_fen > 0 else ""
        lines.append(
            f"{'':<{label}} {bar(after, '▒'):<{width}} {grouped(after)}（{sign}{grouped(quarter.difference_fen)}）"
        )
    return lines
