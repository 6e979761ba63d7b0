"""Why an amount is what it is: a line, a sum, a rule, a point; down to the outages that were punished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from console.pages.settle.statement.frame import tabs
from console.pages.settle.statement.shown import statement_of
from console.settling.components import component_word
from console.settling.heads import head_of, terms_of_version
from console.settling.measured import point_account
from console.settling.page import KINDS, Shown, address, outage_address, visible_codes
from console.settling.point_table import found_points
from console.settling.reasons import TOTALS, Reason, reason_for
from console.settling.rule_sentences import rule_sentence
from console.settling.since import Since, since
from console.settling.view import PointLine, RuleItem, RuleResult, items_of
from console.web.access import MONEY_READERS, WATCHERS
from console.web.export import exported
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.table import MOST_PAGE_ROWS, Column, TableQuery, page_of, table_of
from console.web.visit import Visit
from console.web.words import N_
from settlement.daycount import parse_quarter
from settlement.families.registry import FAMILIES
from settlement.readings import READINGS
from settlement.reports.form import incident_text, rule_kind
from settlement.store import disputes

routes = Routes()
AT = "/settlement/{contract}/{quarter}"


class PointQuery(TableQuery):
    """Which points' lines are shown."""

    size: Annotated[int, Field(ge=1, le=MOST_PAGE_ROWS)] = 25
    phase: Annotated[str, Field(max_length=64)] = ""
    touched: bool = False


async def _seen(visit: Visit, found: Shown) -> frozenset[str] | None:
    return await visit.read(visible_codes, visit.scope, found.head.contract)


def point_columns(found: Shown) -> list[Column[PointLine]]:
    """Return the columns of points' lines; what point rules took stands in view where there is any."""
    touched = any(line.rules for line in found.view.points)

    def why(line: PointLine) -> str:
        return address(found.head.contract, found.head.quarter, "points", line.code) + found.tail

    return [
        Column("code", N_("点位编号"), lambda line: line.code, "code", link=why, searched=True),
        Column("phase", N_("期次"), lambda line: found.view.title(line.phase)),
        Column("full", N_("应计服务费"), lambda line: line.full_fen, "money"),
        Column("payable", N_("应付金额"), lambda line: line.payable_fen, "money", link=why),
        Column("deduction", N_("扣款"), lambda line: line.deduction_fen, "money", link=why),
        Column("outages", N_("计入故障次数"), lambda line: line.outages, "number", shown=touched),
        Column("offline", N_("计入故障时长"), lambda line: line.offline_s, "duration", shown=touched),
        Column("rules", N_("触及规则"), lambda line: line.rules, searched=True, shown=touched),
    ]


@routes.page(f"{AT}/points", allow=MONEY_READERS, section="settlement")
async def points(visit: Visit) -> Any:
    """Each point's share of the statement; together they are the phases' lines."""
    found = await statement_of(visit)
    seen = await _seen(visit, found)
    query = visit.query(PointQuery)
    rows = found_points(
        found.view,
        found.head.body_sha,
        query.sort,
        query.q,
        phase=query.phase,
        touched=query.touched,
        seen=seen,
    )
    columns = point_columns(found)
    if query.format:
        return await exported(visit, rows, columns, query, f"{found.head.contract}-{found.head.quarter}-points")
    start = (min(query.page, max(1, -(-len(rows) // query.size))) - 1) * query.size
    return visit.render(
        "settle/statement_points.html",
        s=found,
        tabs=tabs(found, "points", visit.say),
        table=page_of(rows[start : start + query.size], len(rows), columns, query),
        query=query,
        limited=seen is not None,
    )


def lost_by_phase(found: Shown) -> dict[str, int]:
    """Return the seconds that each phase's measured rate lost, as the statement froze them."""
    counts = {phase.phase: phase.rates.own_counts for phase in found.view.phases}
    return {phase: its[1] - its[0] for phase, its in counts.items() if its is not None}


@routes.page(AT + "/points/{code}", allow=MONEY_READERS, section="settlement")
async def point(visit: Visit) -> Any:
    """Why a point is paid what it is paid."""
    found = await statement_of(visit)
    seen = await _seen(visit, found)
    code = visit.path("code")
    lines = [line for line in found.view.points if line.code == code and (seen is None or code in seen)]
    if not lines:
        raise MissingError
    phases = {line.phase: found.view.phase(line.phase) for line in lines}
    accounts = await visit.read(point_account, found.head, found.terms, code, lost_by_phase(found))
    return visit.render(
        "settle/statement_point.html",
        s=found,
        code=code,
        lines=lines,
        phases=phases,
        accounts=accounts,
        measured={its.measured.phase: its for its in accounts},
        may_watch=visit.may(WATCHERS),
        items=items_of(found.view, point=code),
        rules={rule.n: rule for rule in found.view.rules},
        began=lambda incident: incident_text(incident, found.terms.zone) if incident else "",
        outage_at=outage_address,
        claims=[claim for claim in found.disputes if claim.point == code],
    )


def _came(connection: Connection, found: Shown, reason: Reason) -> Sequence[Since] | None:
    """Return what was recorded since the line that an adjustment corrects; None for other lines and granted disputes."""
    if reason.line is None or reason.line.kind != "adjustment" or reason.parent is None:
        return None
    if reason.line.n in disputes.granted_numbers(connection, found.head.id):
        return None
    quarter, revision, _ = reason.parent
    parent = head_of(connection, found.head.contract, quarter, revision)
    if parent is None:
        return None
    terms = terms_of_version(connection, parent.contract, parent.version)
    return since(connection, terms, parse_quarter(quarter), parent.recorded_at, found.head.recorded_at)


@routes.page(AT + "/why/{what}", allow=MONEY_READERS, section="settlement")
async def why(visit: Visit) -> Any:
    """Why an amount of the statement is what it is."""
    found = await statement_of(visit)
    what = visit.path("what")
    reason = reason_for(found.view, what)
    if reason is None:
        raise MissingError
    came = await visit.read(_came, found, reason)
    title = visit.say(KINDS.get(reason.title, reason.title) if what.isdigit() else TOTALS[what][0])
    return visit.render(
        "settle/statement_why.html",
        s=found,
        what=what,
        reason=reason,
        name=title,
        kinds=KINDS,
        reading=next((r for key, r in READINGS.items() if key.value == found.head.reading), None),
        sentence=lambda rule: _sentence(visit, found, rule),
        kind_of=rule_kind,
        address=address,
        since=came,
        component_word=component_word,
    )


def _sentence(visit: Visit, found: Shown, result: RuleResult) -> tuple[str, str]:
    """Return what the contract says of a rule, in words, and where it says so."""
    rule = next((rule for rule in found.terms.rules if rule.id == result.rule), None)
    return ("", "") if rule is None else (rule_sentence(rule, visit.say), rule.clause)


@routes.page(f"{AT}/rules", allow=MONEY_READERS, section="settlement")
async def rules(visit: Visit) -> Any:
    """What each rule came to, window by window, with its arithmetic."""
    found = await statement_of(visit)
    query = visit.query(TableQuery)
    columns = _rule_columns(found)
    rows = found.view.rules
    if query.format:
        return await exported(visit, rows, columns, query, f"{found.head.contract}-{found.head.quarter}-rules")
    return visit.render(
        "settle/statement_rules.html",
        s=found,
        tabs=tabs(found, "rules", visit.say),
        table=table_of(rows, columns, query),
        terms=[(rule, FAMILIES[rule.kind].name, rule_sentence(rule, visit.say)) for rule in found.terms.rules],
    )


def _rule_word(rule: RuleResult) -> str:
    """Return what the contract calls a rule; the reading by its title, which has its letter."""
    return rule.title or rule.rule


def _rule_columns(found: Shown) -> list[Column[RuleResult]]:
    def link(rule: RuleResult) -> str | None:
        return f"{found.base}/rules/{rule.n}{found.tail}" if rule.items else None

    return [
        Column("phase", N_("期次"), lambda rule: found.view.title(rule.phase), searched=True),
        Column("window", N_("期间"), lambda rule: rule.window),
        Column("rule", N_("规则"), _rule_word, link=link, searched=True),
        Column("kind", N_("种类"), lambda rule: rule_kind(rule.kind), searched=True),
        Column("amount", N_("扣款"), lambda rule: rule.fen, "money", link=link),
        Column("points_off", N_("扣分"), lambda rule: rule.amount if rule.fen is None else None),
        Column("items", N_("涉及条数"), lambda rule: rule.items, "number", link=link),
        Column("formula", N_("算式"), lambda rule: rule.formula, sortable=False, searched=True),
    ]


@routes.page(AT + "/rules/{n:\\d{1,6}}", allow=MONEY_READERS, section="settlement")
async def rule(visit: Visit) -> Any:
    """What a rule punished in a window: each outage or event with its arithmetic."""
    found = await statement_of(visit)
    number = int(visit.path("n"))
    result = next((its for its in found.view.rules if its.n == number), None)
    if result is None:
        raise MissingError
    seen = await _seen(visit, found)
    items = [
        item for item in items_of(found.view, result=number) if seen is None or not item.point or item.point in seen
    ]
    query = visit.query(TableQuery)
    columns = _item_columns(found)
    if query.format:
        return await exported(visit, items, columns, query, f"{found.head.contract}-{found.head.quarter}-{result.rule}")
    return visit.render(
        "settle/statement_rule.html",
        s=found,
        rule=result,
        told=_sentence(visit, found, result),
        table=table_of(items, columns, query),
    )


def _item_columns(found: Shown) -> list[Column[RuleItem]]:
    def link(item: RuleItem) -> str | None:
        if not item.point:
            return None
        return address(found.head.contract, found.head.quarter, "points", item.point) + found.tail

    def began(item: RuleItem) -> str:
        return incident_text(item.incident, found.terms.zone) if item.incident else ""

    return [
        Column("point", N_("点位编号"), lambda item: item.point, "code", link=link, searched=True),
        Column(
            "incident",
            N_("故障起点"),
            began,
            link=lambda item: outage_address(item.point, item.incident),
            searched=True,
        ),
        Column("amount", N_("扣款或扣分"), lambda item: item.amount),
        Column("why", N_("算式"), lambda item: item.why, sortable=False, searched=True),
        Column("suppressed", N_("已由此规则计扣"), lambda item: item.suppressed_by),
    ]
