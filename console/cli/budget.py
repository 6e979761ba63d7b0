"""`camsla budget`: budget projects, what was executed of them, and the running quarter's deduction to date."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import click
from sqlalchemy import Connection

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
from console.cli.money_words import DAY, amount
from console.clock import today
from console.quarters.accruing import running_quarter
from monitor.rates import six
from settlement.accrual import Accrued
from settlement.budget import Execution, amended, budget_findings, execution, overdrawn
from settlement.money import grouped, round_half_up, yuan
from settlement.store import budgets, movements


@click.group()
def budget() -> None:
    """预算项目与执行 budget projects and their execution."""


@budget.command("set", short_help="登记年度预算 record a project's year")
@click.argument("project")
@click.argument("year", type=int)
@click.option("--initial", help="年初预算数，元 initial budget, yuan")
@click.option("--adjusted", help="调整后预算数 adjusted budget; default: the initial one")
@click.option("--in-place", help="到位数 funds in place")
@click.option("--name", help="项目名称 name")
@click.option("--unit", help="预算单位 budget unit")
@click.option("--functional", help="功能分类 functional classification, as text")
@click.option("--economic", help="部门支出经济分类 economic classification, as text")
@click.option("--contract", "held", multiple=True, help="所含合同，可重复 a contract that it holds; may be repeated")
@json_option
@actor_option
@pass_session
@answering
def set_(
    session: Session,
    project: str,
    year: int,
    initial: str | None,
    adjusted: str | None,
    in_place: str | None,
    name: str | None,
    unit: str | None,
    functional: str | None,
    economic: str | None,
    held: tuple[str, ...],
    as_json: bool,
    actor: str,
) -> None:
    """登记 PROJECT 在 YEAR 年的预算；未给出的项保留原值，每次变更另存一版。

    Record a project's year; what is not given stays as it was, and each change is a further revision.
    """
    changes = {
        "initial_fen": None if initial is None else amount(initial, "initial"),
        "adjusted_fen": None if adjusted is None else amount(adjusted, "adjusted"),
        "in_place_fen": None if in_place is None else amount(in_place, "in-place"),
        "name": name,
        "unit": unit,
        "functional": functional,
        "economic": economic,
        "contracts": tuple(sorted(held)) or None,
    }
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        wanted = amended(budgets.newest(connection, project, year), project, year, changes)
        stored = budgets.save(connection, writer.audit, wanted, at=database.now(), actor=actor)
    report(finding for finding in budget_findings(stored) if finding.level == "warning")
    if as_json:
        print_json(_json(Execution(stored, 0), executed=False))
        return
    click.echo(f"已登记 recorded: {project} {year} 第 {stored.revision} 版 revision")


@budget.command(short_help="预算执行率 budgets and what was executed")
@click.argument("project", required=False)
@click.argument("year", type=int, required=False)
@click.option(
    "--on", "on", type=DAY, help="在途季度算到该日，默认今天 the running quarter up to this day; default today"
)
@json_option
@pass_session
@answering
def show(session: Session, project: str | None, year: int | None, on: datetime | None, as_json: bool) -> None:
    """各预算项目：年初、调整后、到位、执行数、执行率；在途季度至今的应计扣款。

    Budget projects with what was executed, and the running quarter's deduction to date.
    """
    day = on.date() if on else today(session.settings.zone)
    with database.reader(session.settings) as connection:
        found = executions(connection, project, year)
        names = None if project is None else {name for state in found for name in state.budget.contracts}
        running, findings = running_quarter(connection, names, day)
    report(finding for finding in map(overdrawn, found) if finding is not None)
    report(findings)
    if as_json:
        print_json({"budgets": [_json(state) for state in found], "running": [_running_json(row) for row in running]})
        return
    print_table(
        "预算执行 budgets（元 yuan）",
        [
            ("项目 project", False),
            ("年度 year", True),
            ("年初 initial", True),
            ("调整后 adjusted", True),
            ("到位 in place", True),
            ("到位率 in place", True),
            ("执行数 executed", True),
            ("执行率 execution", True),
            ("余额 left", True),
        ],
        [
            (
                f"{state.budget.project} {state.budget.name}".strip(),
                state.budget.year,
                grouped(state.budget.initial_fen),
                grouped(state.budget.adjusted_fen),
                grouped(state.budget.in_place_fen),
                _percent(state.in_place_rate),
                grouped(state.executed_fen),
                _percent(state.rate),
                grouped(state.left_fen),
            )
            for state in found
        ],
    )
    if running:
        _print_running(running, day.isoformat())


def _print_running(running: list[Accrued], day: str) -> None:
    print_table(
        f"在途季度至今（{day} 之前） the running quarter to date",
        [
            ("合同 contract", False),
            ("期次 phase", False),
            ("季度 quarter", False),
            ("应计服务费 fee", True),
            ("应付 payable", True),
            ("应计扣款 deduction", True),
        ],
        [
            (r.contract, r.phase, r.quarter, grouped(r.full_fen), grouped(r.payable_fen), grouped(r.deduction_fen))
            for r in running
        ],
    )


def executions(connection: Connection, project: str | None = None, year: int | None = None) -> list[Execution]:
    """Return the projects' years with what was executed, by project and year."""
    moved = movements.movements(connection)
    return [
        execution(known, moved) for known in budgets.listed(connection, project) if year is None or known.year == year
    ]


def _percent(rate: Fraction | None) -> str:
    if rate is None:
        return "—"
    whole, rest = divmod(round_half_up(rate * 10_000), 100)
    return f"{whole}.{rest:02d} %"


def _json(state: Execution, *, executed: bool = True) -> dict[str, object]:
    known = state.budget
    row: dict[str, object] = {
        "project": known.project,
        "year": known.year,
        "revision": known.revision,
        "name": known.name,
        "unit": known.unit,
        "functional": known.functional,
        "economic": known.economic,
        "contracts": list(known.contracts),
        "initial": yuan(known.initial_fen),
        "adjusted": yuan(known.adjusted_fen),
        "in_place": yuan(known.in_place_fen),
        "in_place_rate": six(state.in_place_rate),
    }
    if executed:
        row |= {
            "executed": yuan(state.executed_fen),
            "execution_rate": six(state.rate),
            "left": yuan(state.left_fen),
        }
    return row


def _running_json(row: Accrued) -> dict[str, str]:
    return {
        "contract": row.contract,
        "phase": row.phase,
        "quarter": row.quarter,
        "until": row.until.isoformat(),
        "full_fee": yuan(row.full_fen),
        "payable": yuan(row.payable_fen),
        "deduction": yuan(row.deduction_fen),
    }
