"""`camsla score advice`: a year's excess fault rate as a proposal for next year's budget, on one page."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from console import views
from console.app import database
from console.cli.contract_named import named_contract
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table, report
from console.quarters import rosters
from monitor.finding import Finding, InputError, refuse
from monitor.period import parse_period
from monitor.scope import EVERYTHING
from settlement.budget_advice import Advice, advice_document, advise
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.figures import fraction_of
from settlement.money import grouped, round_half_up
from settlement.readings import percent
from settlement.rules import PhaseFacts, count_facts, parse_count, parse_rate

LEAST_WATCHED = Fraction(1, 2)
"""A quarter of which less was watched says nothing of the year, whatever the contract's minimum coverage."""


@click.command(short_help="下年预算建议 a proposal for next year's budget")
@click.argument("contract", type=click.Path(path_type=Path))
@click.argument("year", type=click.IntRange(1970, 2199))
@click.option("--count", "counts", multiple=True, metavar="PHASE=N", help="点数 number of points")
@click.option("--rate", "rates", multiple=True, metavar="2020Q3/PHASE=0.8136", help="季度在线率 a quarter's rate")
@click.option("--factor", default="1", show_default=True, metavar="K", help="超标扣减倍数 k of the excess surcharge")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="PDF")
@json_option
@pass_session
@answering
def advice(
    session: Session,
    contract: Path,
    year: int,
    counts: tuple[str, ...],
    rates: tuple[str, ...],
    factor: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """由当年各季故障率提出下年预算：按实测应付代替全额，超标部分按 K 倍扣减。

    Propose next year's budget from a year's fault rates: what was earned instead of the full fee, less K times the excess.
    CONTRACT 为文件或随附示例的名称，不是库中版本 is a file or the shipped example's name, never the stored version.
    """
    terms = named_contract(session, contract)
    k = _factor(factor)
    if bool(counts) != bool(rates):
        raise click.UsageError("--count 与 --rate 须同时给出 need each other")
    facts, doubts = (_given(terms, year, counts, rates), []) if counts else _stored(session, terms, year)
    found, findings = advise(terms, year, facts, k)
    report([*doubts, *findings])
    if not found.phases:
        raise refuse(
            f"{year} 年没有可用的季度 no quarter of that year to go by",
            "导入监测记录，或给出 --count 与 --rate import observations, or give counts and rates",
        )
    document = advice_document(found)
    if out is not None:
        from settlement.reports.budget_advice import write_budget_advice_pdf  # noqa: PLC0415  typst is loaded here only

        write_budget_advice_pdf(document, out)
    if as_json:
        print_json(document)
        return
    _show(found)
    if out is not None:
        click.echo(f"已写入 written: {out}")


def _factor(text: str) -> Fraction:
    try:
        return fraction_of(text)
    except ValueError as error:
        raise refuse(str(error), "写不小于零的数 write a number not below zero", column="--factor") from None


def _stored(session: Session, terms: Terms, year: int) -> tuple[dict[Quarter, dict[str, PhaseFacts]], list[Finding]]:
    """Read the year's quarters from the store; a rate of which too little was watched is none, and told."""
    facts: dict[Quarter, dict[str, PhaseFacts]] = {}
    findings: list[Finding] = []
    least = max(terms.policy.minimum_coverage, LEAST_WATCHED)
    with database.reader(session.settings) as connection:
        for n in range(1, 5):
            quarter = Quarter(year, n)
            period = parse_period(quarter.label)
            measured = views.phase_rates(connection, EVERYTHING, terms, period)
            for phase, rate in tuple(measured.items()):
                unknown = rate.unknown
                known = rate.counted - (unknown if terms.policy.unknown != "excluded" else 0)
                if known and known < least * (known + unknown):
                    findings.append(_little(phase, quarter.label, Fraction(known, known + unknown), least))
                    del measured[phase]
            facts[quarter] = rosters.store_facts(connection, EVERYTHING, terms, period, measured)
    return facts, findings


def _little(phase: str, quarter: str, have: Fraction, least: Fraction) -> Finding:
    message = f"{phase} {quarter} 监测完整率 {percent(have)}，低于 {percent(least)}，不作依据 too little of it was watched to go by"
    return Finding("", 0, phase, message, "导入监测记录 import observations", "warning")


def _given(
    terms: Terms, year: int, counts: tuple[str, ...], rates: tuple[str, ...]
) -> dict[Quarter, dict[str, PhaseFacts]]:
    """Read counts by phase and rates by quarter and phase. InputError with everything that is wrong."""
    findings: list[Finding] = []
    sizes: dict[str, int] = {}
    facts: dict[Quarter, dict[str, PhaseFacts]] = {}

    def wrong(option: str, message: str, remedy: str) -> None:
        findings.append(Finding("", 0, option, message, remedy))

    for text in counts:
        phase, _, value = text.partition("=")
        if terms.phase(phase) is None or not value:
            known = ", ".join(phase.id for phase in terms.phases)
            wrong("--count", f"未知的期次或写法 unknown phase, or malformed: {text[:60]!r}", f"PHASE=N: {known}")
            continue
        try:
            sizes[phase] = parse_count(value)
        except InputError as error:
            findings += error.findings
    quarters = {Quarter(year, n).label: Quarter(year, n) for n in range(1, 5)}
    for text in rates:
        place, _, value = text.partition("=")
        label, _, phase = place.partition("/")
        if label not in quarters or phase not in sizes or not value:
            remedy = f"{year}Q1..{year}Q4/PHASE=0.8136，且该期次有 --count with a count of that phase"
            wrong("--rate", f"写法有误 malformed, or no such quarter or phase: {text[:60]!r}", remedy)
            continue
        try:
            facts.setdefault(quarters[label], {})[phase] = count_facts(sizes[phase], parse_rate(value))
        except InputError as error:
            findings += error.findings
    if findings:
        raise InputError(findings)
    return facts


def _show(found: Advice) -> None:
    for phase in found.phases:
        print_table(
            f"{phase.phase.id} {phase.phase.title} · {found.year}",
            [
                ("季度 quarter", False),
                ("故障率 fault rate", True),
                ("全额 元 full fee", True),
                ("实测应得 earned", True),
                ("超标扣减 excess", True),
                ("算式 why", False),
            ],
            [
                (
                    quarter.quarter,
                    percent(1 - quarter.rate.value),
                    grouped(round_half_up(quarter.fee)),
                    grouped(round_half_up(quarter.earned)),
                    grouped(round_half_up(quarter.excess)),
                    quarter.why,
                )
                for quarter in phase.quarters
            ],
        )
        click.echo(f"{found.year + 1} 年建议 proposal: {phase.why}")
    less = found.next_full_fen - found.proposed_fen
    click.echo(
        f"合计建议 proposed budget {found.year + 1}: {grouped(found.proposed_fen)} 元"
        f"（全额 full {grouped(found.next_full_fen)}，减少 less {grouped(less)}）"
    )
