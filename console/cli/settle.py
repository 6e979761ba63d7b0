"""`camsla settle`: a quarter's statement, from the store or from a given count and rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import click

from config.contracts import load_contract
from console import rosters, views
from console.app import database
from console.cli.frame import Session, answering, existing, json_option, pass_session, print_json, print_table, report
from monitor.finding import Finding, InputError
from monitor.period import parse_period
from monitor.roster.parse import read_points, roster_of
from monitor.scope import EVERYTHING
from settlement.contract import Reading, Terms
from settlement.money import grouped, yuan
from settlement.readings import READINGS, Ambiguity, ambiguity_json
from settlement.rules import OnlineRate, PhaseFacts, count_facts, parse_count, parse_rate
from settlement.statement import Kind, Statement, ambiguity, statement_json
from settlement.statement import settle as settle_quarter


@click.command(short_help="季度结算 a quarter's statement")
@click.option(
    "--contract", type=click.Path(path_type=Path), required=True, help="合同文件 contract (YAML)，或 or xinjian"
)
@click.option("--quarter", required=True, help="2020Q3")
@click.option("--points", "points_file", type=click.Path(path_type=Path), help="点位名册 roster (CSV, XLSX)")
@click.option("--count", "counts", multiple=True, metavar="PHASE=N", help="点数 number of points")
@click.option("--rate", "given", multiple=True, metavar="PHASE=0.8136", help="采用的在线率 rate to use")
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
    reading: str | None,
    readings: str | None,
    as_json: bool,
) -> None:
    """季度结算：预付、应付、扣款、多退少补、下季预付，逐行列出算式。

    Settle a quarter: prepayment, payable, deduction, true-up, next prepayment, each with its arithmetic.
    """
    terms = load_contract(contract)
    if readings is not None and reading is not None:
        raise click.UsageError("--readings 与 --reading 只能取一 give one of them")
    facts, doubts = _facts(session, terms, quarter, points_file, counts, given)
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
    else:
        click.echo(f"没有可结算的期次 no phase could be settled: {', '.join(statement.not_settled)}")


def _pairs(option: str, texts: tuple[str, ...], terms: Terms, findings: list[Finding]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    phases = ", ".join(phase.id for phase in terms.phases)
    for text in texts:
        phase, sign, value = text.partition("=")
        if not sign or not phase or not value:
            findings.append(Finding("", 0, option, f"写法有误 malformed: {text[:60]!r}", "写成 PHASE=VALUE"))
        elif phase in pairs:
            findings.append(Finding("", 0, option, f"期次重复 given twice: {phase}", "只给一次 give it once"))
        elif terms.phase(phase) is None:
            findings.append(
                Finding("", 0, option, f"未知的期次 unknown phase: {phase}", f"合同的期次 phases: {phases}")
            )
        else:
            pairs[phase] = value
    return pairs


def _facts(
    session: Session,
    terms: Terms,
    quarter: str,
    points_file: Path | None,
    counts: tuple[str, ...],
    given: tuple[str, ...],
) -> tuple[dict[str, PhaseFacts], list[Finding]]:
    """Return the facts of the phases that settle, and what is doubtful about them.

    They are all of the store's, or those that counts and rates name; what is not given comes from the store.
    """
    if counts and points_file is not None:
        raise click.UsageError("--count 与 --points 只能取一 give one of them")
    findings: list[Finding] = []
    sizes: dict[str, int] = {}
    rates: dict[str, OnlineRate | None] = {}
    for phase, text in _pairs("--count", counts, terms, findings).items():
        try:
            sizes[phase] = parse_count(text)
        except InputError as error:
            findings += [replace(finding, column=f"--count {phase}") for finding in error.findings]
    for phase, text in _pairs("--rate", given, terms, findings).items():
        try:
            rates[phase] = parse_rate(text)
        except InputError as error:
            findings += [replace(finding, column=f"--rate {phase}") for finding in error.findings]
    if findings:
        raise InputError(findings)
    named = set(sizes) or set(rates)
    if sizes:
        _check_pairs(session, set(sizes), set(rates))
    if (sizes or points_file is not None) and rates and named <= set(rates):
        facts = _counted(sizes, rates) if sizes else _from_points(cast(Path, points_file), terms, rates)
        doubts: list[Finding] = []
    else:
        with database.reader(session.settings) as connection:
            period = parse_period(quarter)
            measured = views.phase_rates(connection, EVERYTHING, terms, period)
            doubts = views.settling_doubts(connection, EVERYTHING, terms, period, measured)
            stored = {} if sizes or points_file else rosters.store_facts(connection, EVERYTHING, terms, period, measured)
        doubts = [d for d in doubts if d.column not in rates and (not named or d.column in {*named, "ledger"})]
        rates = {**views.online_rates(measured), **rates}
        facts = stored
        if sizes:
            facts, doubts = _counted(sizes, rates), [doubt for doubt in doubts if doubt.column != "ledger"]
        elif points_file is not None:
            facts = _from_points(points_file, terms, rates)
    chosen = {phase: PhaseFacts(fact.groups, rates.get(phase, fact.rate), fact.codes) for phase, fact in facts.items()}
    return {phase: fact for phase, fact in chosen.items() if not named or phase in named}, doubts


def _counted(sizes: dict[str, int], rates: Mapping[str, OnlineRate | None]) -> dict[str, PhaseFacts]:
    return {phase: count_facts(count, rates.get(phase)) for phase, count in sizes.items()}


def _check_pairs(session: Session, counted: set[str], rated: set[str]) -> None:
    """Refuse a rate without its count, and a count without its rate where there is no database to take it from."""
    findings = [
        Finding("", 0, f"--rate {phase}", "有在线率而无点数 a rate without its --count", f"--count {phase}=N")
        for phase in sorted(rated - counted)
    ]
    if not database.database_exists(session.settings):
        findings += [
            Finding(
                "",
                0,
                f"--count {phase}",
                "有点数而无在线率，也没有数据库 a count without its --rate, and there is no database to take it from",
                f"--rate {phase}=0.9",
            )
            for phase in sorted(counted - rated)
        ]
    if findings:
        raise InputError(findings)


def _from_points(path: Path, terms: Terms, rates: dict[str, OnlineRate | None]) -> dict[str, PhaseFacts]:
    existing(path, "points")
    everybody = roster_of(read_points(path).checked())
    points = [point for point in everybody if point.contract in ("", terms.contract)]
    strangers = sorted({point.phase for point in points if terms.phase(point.phase) is None})
    phases = ", ".join(phase.id for phase in terms.phases)
    if strangers or not points:
        raise InputError(
            [
                Finding(
                    str(path),
                    0,
                    "phase",
                    f"未知的期次 unknown phase: {name or '（空 empty）'}",
                    f"合同的期次 phases: {phases}",
                )
                for name in strangers
            ]
            or [
                Finding(
                    str(path),
                    0,
                    "",
                    "名册中没有本合同的点位 no point of this contract",
                    "检查合同编号列 check the contract column",
                )
            ]
        )
    return rosters.roster_by_phase(points, terms, rates)


KIND_ZH = {
    Kind.PREPAYMENT: "本季预付 prepayment",
    Kind.PAYABLE: "应付金额 payable",
    Kind.DEDUCTION: "故障扣款 deduction",
    Kind.TRUE_UP: "多退少补 true-up",
    Kind.NEXT_PREPAYMENT: "下季预付 next prepayment",
}


def _show(statement: Statement) -> None:
    print_table(
        f"费用结算 statement · {statement.contract} · {statement.quarter} · 口径 reading {statement.reading.value}",
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
                line.phase,
                KIND_ZH[line.kind],
                f"{grouped(line.amount.line.gross_fen)}",
                grouped(line.amount.line.net_fen),
                grouped(line.amount.line.tax_fen),
                line.why,
            )
            for line in statement.lines
        ],
    )
    for result in statement.results:
        if result.unit_price_after_deduction_fen is not None:
            click.echo(
                f"核减后单价 unit price after deduction · {result.phase}: {yuan(result.unit_price_after_deduction_fen)} 元/点/月"
            )
    click.echo(f"本次应付净额 total: {grouped(statement.total_fen)} 元")
    if statement.not_settled:
        click.echo(f"未结算 not settled: {', '.join(statement.not_settled)}")


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
