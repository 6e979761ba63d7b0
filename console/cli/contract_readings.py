"""`camsla contract readings`: what the contract's wording leaves open, in yuan, before it is signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path

import click

from config.history import load_history
from console.cli.contract_named import named_contract
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table
from monitor.finding import Finding, InputError
from settlement.ambiguity import Ambiguity, ambiguity_json
from settlement.contract import Phase, Terms
from settlement.daycount import Quarter, add_months, parse_quarter
from settlement.money import grouped, yuan
from settlement.past import given_facts, remembered, without_points
from settlement.readings import READINGS, STEP, percent
from settlement.rules import OnlineRate, parse_count, parse_rate
from settlement.statement import ambiguity
from settlement.whatif import ReadingsOver, readings_over

ASSUMED_POINTS = 1_000
"""Where neither the contract nor the command names a number of points."""


@click.command(short_help="口径差异测算 what the wording leaves open, in yuan")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--points", "points", multiple=True, metavar="N|PHASE=N", help="点数 number of points")
@click.option("--rate", "rates", multiple=True, metavar="0.8362", help="在线率，可多次 online rates to compute at")
@click.option("--quarter", help="2020Q3；默认各期首个整季度 default: the first whole quarter of all phases")
@click.option("--history", type=click.Path(path_type=Path), help="历史 past quarters: phase,quarter,count,rate")
@json_option
@pass_session
@answering
def readings(
    session: Session,
    file: Path,
    points: tuple[str, ...],
    rates: tuple[str, ...],
    quarter: str | None,
    history: Path | None,
    as_json: bool,
) -> None:
    """口径差异测算表：同一份合同按各种口径应付多少，相差多少。

    The ambiguity report of contract FILE: what each reading pays at these rates (or over a history), and the spread.
    Rules that look at single points are left out, and named.
    """
    terms, left_out = without_points(named_contract(session, file))
    if history is not None:
        if points or rates or quarter:
            raise click.UsageError(
                "--history 已含点数、在线率与季度 a history brings its own points, rates and quarters"
            )
        over = readings_over(terms, remembered(load_history(history)))
        if as_json:
            print_json(_history_json(over) | {"rules_left_out": list(left_out)})
        else:
            _show_history(terms, over)
            _show_left_out(left_out)
        return
    sizes = sizes_of(terms, points)
    when = quarter or first_whole_quarter(terms).label
    tried = [parse_rate(text) for text in rates] or usual_rates(terms)
    reports = [
        (
            rate,
            ambiguity(
                terms, when, {phase: given_facts(parse_quarter(when), size, [rate]) for phase, size in sizes.items()}
            ),
        )
        for rate in tried
    ]
    if as_json:
        print_json(
            {
                "contract": terms.contract,
                "quarter": when,
                "points": dict(sizes),
                "prepaid": terms.prepay_share != 0,
                "rules_left_out": list(left_out),
                "rates": [{"rate": percent(rate.value)} | ambiguity_json(report) for rate, report in reports],
            }
        )
    else:
        _show(terms, when, sizes, reports)
        _show_left_out(left_out)


def sizes_of(terms: Terms, texts: tuple[str, ...]) -> dict[str, int]:
    """Each phase's points: as named, else as the contract prints them, else 1,000. InputError on unknown phases."""
    sizes = {phase.id: phase.contracted.points if phase.contracted else ASSUMED_POINTS for phase in terms.phases}
    findings: list[Finding] = []
    for text in texts:
        name, sign, number = text.rpartition("=")
        if sign and terms.phase(name) is None:
            known = ", ".join(sizes)
            message = f"未知的期次 unknown phase: {name}"
            findings.append(Finding("", 0, "--points", message, f"合同的期次 the contract's phases: {known}"))
            continue
        try:
            size = parse_count(number)
        except InputError as error:
            findings += error.findings
            continue
        sizes.update({name: size} if sign else dict.fromkeys(sizes, size))
    if findings:
        raise InputError(findings)
    return sizes


def first_whole_quarter(terms: Terms) -> Quarter:
    """The first quarter in which the most phases are in service from its first to its last day."""

    def quarter_from(day: date) -> Quarter:
        quarter = Quarter(day.year, (day.month + 2) // 3)
        return quarter if quarter.start >= day else quarter.following()

    def served(quarter: Quarter) -> int:
        return sum(whole_in(phase, quarter) for phase in terms.phases)

    starts = sorted({quarter_from(phase.in_service_from) for phase in terms.phases})
    return max(starts, key=lambda quarter: (served(quarter), -starts.index(quarter)))


def whole_in(phase: Phase, quarter: Quarter) -> bool:
    """Tell whether a phase is in service over the whole quarter."""
    return phase.in_service_from <= quarter.start and quarter.end <= add_months(phase.in_service_from, phase.months)


def usual_rates(terms: Terms) -> list[OnlineRate]:
    """Rates at which readings are worth comparing: all online, the target, just below it, five and ten points below."""
    below = [terms.target - share for share in (STEP, 5 * 100 * STEP, 10 * 100 * STEP)]
    values = [Fraction(1), terms.target, *(value for value in below if value > 0)]
    return [OnlineRate(value.numerator, value.denominator, "given") for value in dict.fromkeys(values)]


def _show(terms: Terms, quarter: str, sizes: Mapping[str, int], reports: list[tuple[OnlineRate, Ambiguity]]) -> None:
    several = len({row.phase for _, report in reports for row in report.outcomes}) > 1
    for phase in terms.phases:
        if all(phase.id in report.not_settled for _, report in reports):
            continue
        title = f"口径差异测算表 ambiguity report · {terms.contract} · {phase.id} · {quarter} · {sizes[phase.id]:,} 点"
        rows = []
        for reading, reader in READINGS.items():
            paid = [
                grouped(row.payable_fen)
                for _, report in reports
                for row in report.outcomes
                if row.phase == phase.id and row.reading is reading
            ]
            mark = "＊" if reading is terms.reading else ""
            rows.append((f"{mark}{reading.value} {reader.name}", reader.formula, *paid))
        spread = [grouped(dict(report.spreads_fen)[phase.id]) for _, report in reports]
        rows.append(("口径差异 spread", "", *spread))
        columns = [(f"应付 元 @ {percent(rate.value)}", True) for rate, _ in reports]
        print_table(title, [("口径 reading（＊ 合同 the contract's）", False), ("公式 formula", False), *columns], rows)
    if several:
        for rate, report in reports:
            click.echo(f"合计差异 spread in all @ {percent(rate.value)}: {grouped(report.spread_fen)} 元")
    if terms.prepay_share == 0:
        click.echo(
            "合同无预付：没有多退少补，应付即全部 the contract has no prepayment: what is payable is all there is"
        )
    for text in dict.fromkeys(
        f"· {remark.phase} {remark.reading.value}: {remark.text}"
        for _, report in reports[-1:]
        for remark in report.remarks
    ):
        click.echo(text)
    unsettled = [phase.id for phase in terms.phases if all(phase.id in report.not_settled for _, report in reports)]
    if unsettled:
        click.echo(f"该季度不计费 not in service in {quarter}: {', '.join(unsettled)}")


def _show_left_out(rules: Sequence[str]) -> None:
    """Say which of the contract's rules the figures go without."""
    if rules:
        click.echo(
            f"逐点考核的规则未计入，只有点数与在线率无从计算 rules that look at single points are left out: {'、'.join(rules)}"
        )


def _show_history(terms: Terms, over: ReadingsOver) -> None:
    rows = []
    for total in over.totals:
        paid = [
            sum(row.payable_fen for row in report.outcomes if row.reading is total.reading) for report in over.quarters
        ]
        mark = "＊" if total.reading is terms.reading else ""
        name = f"{mark}{total.reading.value} {READINGS[total.reading].name}"
        rows.append((name, *(grouped(amount) for amount in paid), grouped(total.payable_fen)))
    spreads = [grouped(report.spread_fen) for report in over.quarters]
    rows.append(("口径差异 spread", *spreads, grouped(over.spread_fen)))
    columns = [(f"{report.quarter} 应付 元", True) for report in over.quarters]
    print_table(
        f"口径差异测算表 ambiguity report · {terms.contract}",
        [("口径 reading（＊ 合同 the contract's）", False), *columns, ("合计 in all", True)],
        rows,
    )
    for report in over.quarters:
        for remark in report.remarks:
            click.echo(f"· {report.quarter} {remark.phase} {remark.reading.value}: {remark.text}")
        if report.not_settled:
            click.echo(f"未结算 not settled in {report.quarter}: {', '.join(report.not_settled)}")


def _history_json(over: ReadingsOver) -> dict[str, object]:
    return {
        "quarters": [ambiguity_json(report) for report in over.quarters],
        "totals": {total.reading.value: yuan(total.payable_fen) for total in over.totals},
        "spread": yuan(over.spread_fen),
    }
