"""点位变更: what became of which point in a period, by which paper, and what it does to billing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from aiohttp import web
from pydantic import Field

from console.ledger.change_lists import ChangeLists, wanted
from console.pages.watch import point_view
from console.pages.watch.point_view import phases_of
from console.periods import quarters_before, read_period, said
from console.points.changes import PointChange
from console.points.means import address
from console.points.words import KIND_TONE, KIND_ZH
from console.web.access import WATCHERS
from console.web.export import exported
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.period import Period, quarter_of

routes = Routes()
SECTION = "changes"
MAX_YEARS = 10
QUARTERS = 4
"""So many quarters are offered beside the field."""


class ChangesQuery(TableQuery):
    """The page's address: a period, kinds, an area, a phase."""

    period: Annotated[str, Field(max_length=30)] = ""
    kind: Annotated[tuple[Annotated[str, Field(max_length=20)], ...], Field(max_length=20)] = ()
    area: Annotated[str, Field(max_length=100)] = ""
    phase: Annotated[str, Field(max_length=64)] = ""


def columns(visit: Visit) -> tuple[Column[PointChange], ...]:
    """Return the table's columns: in the reader's language, with people's words for phases."""
    say, word = visit.say, phases_of(visit)

    def differs(change: PointChange) -> str:
        rows = point_view.differing(change, word)
        return "；".join(f"{say(row.field)}：{row.old or '—'} → {row.new or '—'}" for row in rows)

    told: dict[str, Callable[[PointChange], str]] = {
        "differs": differs,
        "billing": lambda change: point_view.billing(change, say, word),
        "phase": lambda change: word(change.phase, change.contract),
    }
    return tuple(replace(column, value=told[column.key]) if column.key in told else column for column in COLUMNS)


COLUMNS: tuple[Column[PointChange], ...] = (
    Column("on", N_("生效日"), lambda c: c.on, "date"),
    Column("code", N_("点位编号"), lambda c: c.code, "code", lambda c: address(c.code) + "#ledger", searched=True),
    Column("name", N_("设备名称"), lambda c: c.name, searched=True),
    Column(
        "kind", N_("变更"), lambda c: KIND_ZH[c.kinds[0]], "badge", tone=lambda c: KIND_TONE.get(c.kinds[0], "mute")
    ),
    Column(
        "also",
        N_("同日还有"),
        lambda c: KIND_ZH[c.kinds[1]] if len(c.kinds) > 1 else None,
        "badge",
        tone=lambda c: KIND_TONE.get(c.kinds[1], "mute"),
    ),
    Column("differs", N_("内容"), lambda c: c.differs, searched=True, sortable=False),
    Column("billing", N_("对计费的影响"), lambda c: c.billing, searched=True),
    Column("document", N_("审批文号"), lambda c: c.document, searched=True),
    Column("area", N_("街道/社区"), lambda c: c.area, searched=True),
    Column("phase", N_("期次"), lambda c: c.phase),
    Column("supplier", N_("承建单位"), lambda c: c.supplier, searched=True, shown=False),
    Column("contract", N_("合同编号"), lambda c: c.contract, shown=False),
    Column("recorded_at", N_("记录于"), lambda c: c.recorded_at, "instant", shown=False),
    Column("actor", N_("记录人"), lambda c: c.actor, searched=True, shown=False),
)


@routes.page("/changes", allow=WATCHERS, section=SECTION)
async def changes(visit: Visit) -> web.StreamResponse:
    """Show the changes."""
    query = visit.query(ChangesQuery)
    period, wrong = shown_period(visit, query.period)
    lists: ChangeLists = visit.site.more.setdefault(ChangeLists, ChangeLists())
    found = await visit.read(lists.of, visit.scope, period, visit.site.settings.zone)
    rows = wanted(found, query.kind, query.area, query.phase)
    if query.format:
        return await exported(visit, rows, columns(visit), query, f"changes-{period.label}")
    word = phases_of(visit)
    kinds = Counter(kind for change in wanted(found, (), query.area, query.phase) for kind in change.kinds)
    return visit.render(
        "watch/changes.html",
        status=422 if wrong else 200,
        table=table_of(rows, columns(visit), query),
        period=period,
        query=query,
        wrong=wrong,
        kinds=[(kind, word, KIND_TONE.get(kind, "mute"), kinds[kind]) for kind, word in KIND_ZH.items() if kinds[kind]],
        areas=sorted({change.area for change in found if change.area}),
        phases=[(phase, word(phase)) for phase in sorted({change.phase for change in found if change.phase})],
        quarters=[(one, said(one.label, visit.say)) for one in quarters_before(visit.today, QUARTERS)],
    )


def shown_period(visit: Visit, text: str) -> tuple[Period, str]:
    """Return the period asked for, this quarter if none or one that cannot be, and what is wrong with it."""
    now = quarter_of(visit.today)
    if not text:
        return now, ""
    try:
        found = read_period(text)
    except InputError as error:
        return now, str(error.findings[0].message)
    if (found.last - found.first).days > MAX_YEARS * 366:
        return now, visit.say("期间不超过十年")
    return found, ""
