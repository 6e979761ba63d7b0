"""`camsla settle`: a quarter's statement, from the store or from a given count and rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from console.cli.contract_named import WHICH, named_contract
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table, report
from console.cli.settle_facts import Given, settle_facts
from console.cli.statement_frame import not_settled
from monitor.finding import Finding
from settlement.ambiguity import Ambiguity, ambiguity_json
from settlement.contract import Reading, Terms
from settlement.document import why_not_settled
from settlement.lines import mixed
from settlement.money import grouped, round_half_up, yuan
from settlement.readings import READINGS, reading_word
from settlement.statement import Kind, Statement, ambiguity, statement_json
from settlement.statement import settle as settle_quarter


@click.command(short_help="季度结算 a quarter's statement")
@click.option("--contract", type=click.Path(path_type=Path), required=True, help=f"合同 contract: {WHICH}")
@click.option("--quarter", required=True, help="2020Q3")
@click.option("--points", "points_file", type=click.Path(path_type=Path), help="点位名册 roster (CSV, XLSX)")
@click.option("--count", "counts", multiple=True, metavar="PHASE=N", help="点数 number of points")
@click.option("--rate", "given", multiple=True, metavar="PHASE=0.8136", help="采用的在线率 rate to use")
@click.option(
    "--events", "events_file", type=click.Path(path_type=Path), help="考核事件 events (CSV), beside the store's"
)
@click.option("--reading", type=click.Choice([reading.value for reading in Reading]), help="计算口径 reading")
@click.option("--readings", type=click.Choice(["all"]), help="口径差异测算表 the ambiguity report")
@json_option
@pass_session
@answering
def settle(
    session: Session,
    contract: Path,
    quarter: str,
    points_file: Path | None,
    counts: tuple[str, ...],
    given: tuple[str, ...],
    events_file: Path | None,
    reading: str | None,
    readings: str | None,
    as_json: bool,
) -> None:
    """季度结算：预付、应付、扣款、多退少补、下季预付，逐行列出算式。

    Settle a quarter: prepayment, payable, deduction, true-up, next prepayment, each with its arithmetic.
    """
    terms = named_contract(session, contract)
    if readings is not None and reading is not None:
        raise click.UsageError("--readings 与 --reading 只能取一 give one of them")
    facts, doubts = settle_facts(session, terms, quarter, Given(points_file, counts, given, events_file))
    report(doubts)
    if readings is not None:
        found = ambiguity(terms, quarter, facts)
        if as_json:
            print_json(ambiguity_json(found))
        else:
            _show_readings(found)
        return
    statement, findings = settle_quarter(terms, quarter, facts, reading)
    report(findings)
    if as_json:
        print_json(statement_json(statement))
    elif statement.lines:
        _show(statement)
        _show_not_settled(statement, terms, findings)
    else:
        click.echo("没有可结算的期次 no phase could be settled")
        _show_not_settled(statement, terms, findings)


KIND_ZH = {
    Kind.PREPAYMENT: "本季预付 prepayment",
    Kind.PAYABLE: "应付金额 payable",
    Kind.DEDUCTION: "扣款合计 deduction",
    Kind.RETENTION: "留存 retention",
    Kind.RETENTION_RELEASE: "释放留存 retention released",
    Kind.INTEREST: "逾期利息 interest",
    Kind.ADJUSTMENT: "以前期调整 adjustment",
    Kind.TRUE_UP: "多退少补 true-up",
    Kind.NEXT_PREPAYMENT: "下季预付 next prepayment",
}


def _show(statement: Statement) -> None:
    print_table(
        f"费用结算 statement · {statement.contract} · {statement.quarter} · 口径 reading {reading_word(statement.reading.value)}",
        [
            ("期次 phase", False),
            ("项目 line", False),
            ("含税 元 gross", True),
            ("不含税 net", True),
            ("税额 tax", True),
            ("算式 why", False),
        ],
        [
            (
                f"{line.phase} {line.window}".rstrip(),
                KIND_ZH[line.kind],
                f"{grouped(line.amount.line.gross_fen)}",
                grouped(line.amount.line.net_fen),
                grouped(line.amount.line.tax_fen),
                line.why,
            )
            for line in statement.lines
        ],
    )
    _show_rules(statement)
    for result in statement.results:
        if result.unit_price_after_deduction_fen is not None:
            click.echo(
                f"核减后单价 unit price after deduction · {result.phase}: {yuan(result.unit_price_after_deduction_fen)} 元/点/月"
            )
    click.echo(f"本次应付净额 total: {grouped(statement.total_fen)} 元")


def _show_not_settled(statement: Statement, terms: Terms, findings: Sequence[Finding]) -> None:
    """One row per phase that was not settled, with the reason; where a message above tells it, that it does."""
    told = {finding.column for finding in findings}
    for phase in statement.not_settled:
        why = "见以上各条 see above" if phase in told else why_not_settled(terms, phase, statement.quarter)
        click.echo(not_settled(phase, why))


def _show_rules(statement: Statement) -> None:
    """One row per rule and window that took something; nothing where the reading alone decides."""
    rows = [
        (
            result.phase,
            rule.window,
            f"{rule.rule} {rule.title}",
            grouped(round_half_up(rule.amount)) if rule.unit == "fen" else f"{mixed(rule.amount)} 分",
            rule.formula,
        )
        for result in statement.results
        for evaluation in result.evaluations
        if not evaluation.plain
        for rule in evaluation.results
        if rule.amount
    ]
    if rows:
        columns = [
            ("期次 phase", False),
            ("周期 window", False),
            ("规则 rule", False),
            ("扣款 元 taken", True),
            ("算式 formula", False),
        ]
        print_table("规则与扣款 rules", columns, rows)


def _show_readings(found: Ambiguity) -> None:
    print_table(
        f"口径差异测算表 ambiguity report · {found.contract} · {found.quarter}",
        [
            ("口径 reading", False),
            ("公式 formula", False),
            ("期次 phase", False),
            ("应付 元 payable", True),
            ("多退少补 true-up", True),
        ],
        [
            (
                f"{item.reading.value} {READINGS[item.reading].name}",
                READINGS[item.reading].formula,
                item.phase,
                grouped(item.payable_fen),
                grouped(item.true_up_fen),
            )
            for item in found.outcomes
        ],
    )
    for phase, fen in found.spreads_fen:
        click.echo(f"口径差异 spread · {phase}: {grouped(fen)} 元")
    click.echo(f"合计差异 spread in all: {grouped(found.spread_fen)} 元")
    for remark in found.remarks:
        click.echo(f"· {remark.phase} {remark.reading.value}: {remark.text}")
    if found.not_settled:
        click.echo(f"未结算 not settled: {', '.join(found.not_settled)}")
