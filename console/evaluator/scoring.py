"""What the product measures for a scorecard, from the store and the ledger: each with both its numbers and where from.

A measure that the store knows nothing of is left out and told of, never taken for 0 % or 100 %.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console import views
from console.evaluator.running import so_far
from monitor.finding import Finding
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, day_of
from monitor.rates import rate_of, sum_of
from monitor.scope import EVERYTHING
from monitor.store.access import seen_online
from settlement.budget import Execution, execution
from settlement.contract import Terms
from settlement.money import grouped
from settlement.payments import Lateness
from settlement.scorecard.inputs import Measured
from settlement.scorecard.rubric import Measure
from settlement.store import budgets, movements, workdays
from settlement.store.interest import states


@dataclass(frozen=True, slots=True)
class _Question:
    connection: Connection
    terms: Terms
    period: Period
    now_s: int

    @property
    def today(self) -> date:
        """The day on which it is asked, in the contract's zone."""
        return day_of(self.now_s * MICROSECONDS, self.terms.zone)


def measure(
    connection: Connection, terms: Terms, period: Period, wanted: Collection[Measure], at: Instant
) -> tuple[dict[Measure, Measured], list[Finding]]:
    """Measure what is wanted for a contract's period, as known at `at`; warnings say what could not be measured."""
    question = _Question(connection, terms, period, at // MICROSECONDS)
    found: dict[Measure, Measured] = {}
    findings: list[Finding] = []
    for name in sorted(set(wanted)):
        measured = _MEASURES[name](question)
        if isinstance(measured, str):
            remedy = "在数据文件中给出 give it in the file of inputs"
            findings.append(Finding("", 0, name, measured, remedy, "warning"))
        else:
            found[name] = measured
    return found, findings


def _online(question: _Question) -> Measured | str:
    period = so_far(question.period, question.today)
    if question.today < period.first:
        return f"{period.label} 尚未开始 has not begun"
    rates = views.phase_rates(question.connection, EVERYTHING, question.terms, period)
    good, counted = sum(rate.good for rate in rates.values()), sum(rate.counted for rate in rates.values())
    unknown, excluded = sum(rate.unknown for rate in rates.values()), sum(rate.excluded for rate in rates.values())
    if not counted:
        return f"{question.period.label} 没有可计的在线时间 no time was counted"
    until = "" if period == question.period else f"（进行中，至 running, up to {period.last}）"
    source = (
        f"本系统监测 own measurement {period.label}{until}: 在线 {good:,} s ÷ 计入 {counted:,} s，剔除 excluded "
        f"{excluded:,} s，缺失 unknown {unknown:,} s"
    )
    return Measured(good, counted, source)


def _integrity(question: _Question) -> Measured | str:
    terms = question.terms
    start, end = question.period.span(terms.zone)
    second = min(end - 1, question.now_s)
    if second < start:
        return f"{question.period.label} 尚未开始 has not begun"
    asked = views.Question(question.period, terms.zone, terms.policy, "integrity", (second,))
    accounts = views.of_contract(views.point_seconds(question.connection, EVERYTHING, asked), terms)
    rate = rate_of(sum_of(account.inspections for account in accounts if account.inspections is not None), terms.policy)
    if not rate.counted:
        return f"{question.period.label} 期末没有可查的设备状态 no device's state is known at the period's end"
    moment = datetime.fromtimestamp(second, ZoneInfo(terms.zone)).isoformat(timespec="seconds")
    source = (
        f"本系统监测 own measurement：{moment} 设备完好率 integrity，故障 faulty {rate.counted - rate.good:,}，"
        f"缺失 unknown {rate.unknown:,}，剔除 excluded {rate.excluded:,}"
    )
    return Measured(rate.good, rate.counted, source)


def _access(question: _Question) -> Measured | str:
    terms, period = question.terms, question.period
    _, end = period.span(terms.zone)
    day = min(period.last, question.today)
    last = Period(str(day), day, day)
    asked = views.Question(last, terms.zone, terms.policy)
    rostered: dict[str, set[str]] = {}
    for point in views.contract_roster(question.connection, EVERYTHING, terms, asked):
        rostered.setdefault(point.phase, set()).add(point.code)
    seen = seen_online(question.connection, EVERYTHING, Instant(end * MICROSECONDS))
    planned = connected = 0
    for phase in terms.phases:
        if phase.in_service_from > day:
            continue
        codes = rostered.get(phase.id, set())
        planned += phase.contracted.points if phase.contracted is not None else len(codes)
        connected += len(codes & seen)
    if not planned:
        return f"{day} 没有计划点位 no point is planned by then"
    source = f"本系统 own：截至 {day} 曾在线的点位 ÷ 合同点位 points ever seen online ÷ points contracted"
    return Measured(connected, planned, source)


def _budgets(question: _Question) -> tuple[list[Execution], str] | str:
    years = {question.period.first.year, question.period.last.year}
    if len(years) > 1:
        return f"{question.period.label} 跨预算年度 spans several budget years"
    year = years.pop()
    moved = movements.movements(question.connection)
    projects = [
        execution(budget, moved)
        for budget in budgets.listed(question.connection)
        if budget.year == year and question.terms.contract in budget.contracts
    ]
    if not projects:
        return f"{year} 年没有含本合同的预算项目 no budget project of that year names the contract"
    told = "、".join(
        f"{state.budget.project} {year}（预算 {grouped(state.budget.adjusted_fen)}，到位 "
        f"{grouped(state.budget.in_place_fen)}，执行 {grouped(state.executed_fen)}）"
        for state in projects
    )
    return projects, f"本系统账册 own ledger：预算项目 {told}"


def _shares(question: _Question, num: Callable[[Execution], int], den: Callable[[Execution], int]) -> Measured | str:
    found = _budgets(question)
    if isinstance(found, str):
        return found
    projects, told = found
    below = sum(den(state) for state in projects)
    if not below:
        return f"{told}：分母为零 a share of zero"
    codes = tuple(state.budget.project for state in projects)
    return Measured(sum(num(state) for state in projects), below, told, codes)


def _execution(question: _Question) -> Measured | str:
    """预算执行率, as in settlement/budget.py: executed ÷ in place."""
    return _shares(question, lambda state: state.executed_fen, lambda state: state.budget.in_place_fen)


def _in_place(question: _Question) -> Measured | str:
    """资金到位率: in place ÷ adjusted budget."""
    return _shares(question, lambda state: state.budget.in_place_fen, lambda state: state.budget.adjusted_fen)


def _saving(question: _Question) -> Measured | str:
    """成本节约率: (planned cost − actual cost) ÷ planned cost, the plan being the adjusted budget."""
    return _shares(
        question,
        lambda state: state.budget.adjusted_fen - state.executed_fen,
        lambda state: state.budget.adjusted_fen,
    )


def _fallen_due(question: _Question) -> list[tuple[str, Lateness]]:
    """Return what the purchaser owed with a due day within the period, and before today, with how late it was."""
    calendar = workdays.calendar(question.connection)
    found, _ = states(question.connection, question.terms.contract, calendar, question.today)
    last = min(question.period.last, question.today - timedelta(days=1))
    return [
        (state.due.id, state.lateness)
        for state in found
        if not state.due.refund
        and state.lateness.due_on is not None
        and question.period.first <= state.lateness.due_on <= last
    ]


def _timeliness(question: _Question) -> Measured | str:
    fallen = _fallen_due(question)
    if not fallen:
        return f"{question.period.label} 没有到期款项 nothing fell due"
    late = tuple(name for name, state in fallen if state.late is not None and state.late.high > 0)
    source = f"本系统账册 own ledger：{question.period.label} 到期 {len(fallen)} 笔，逾期 late {len(late)} 笔"
    return Measured(len(fallen) - len(late), len(fallen), source, late)


def _late_days(question: _Question) -> Measured | str:
    fallen = _fallen_due(question)
    if not fallen:
        return f"{question.period.label} 没有到期款项 nothing fell due"
    name, worst = max(fallen, key=lambda pair: pair[1].late.high if pair[1].late is not None else 0)
    days = worst.late.high if worst.late is not None else 0
    source = f"本系统账册 own ledger：{question.period.label} 最长逾期 {name}，{worst.late} 天 days late"
    return Measured(days, None, source, (name,) if days else ())


_MEASURES: Mapping[Measure, Callable[[_Question], Measured | str]] = {
    "online-rate": _online,
    "integrity": _integrity,
    "access-rate": _access,
    "budget-execution": _execution,
    "funds-in-place": _in_place,
    "saving-rate": _saving,
    "payment-timeliness": _timeliness,
    "payment-late-days": _late_days,
}
