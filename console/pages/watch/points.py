"""The point ledger: every point that somebody may see, filtered, searched, sorted, with the columns they want."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.board.board import Board
from console.board.card import EVIDENCE_ZH, REASON_ZH, STANDING_ZH, Evidence, Standing
from console.ledger.columns import COLUMNS_OF_LEDGER, rows_of
from console.ledger.exporting import ledger_file
from console.ledger.lists import listed
from console.points.listing import Listed, PointsQuery
from console.store import saved_views
from console.web.access import LEDGER_WRITERS, WATCHERS
from console.web.export import attachment, exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Table, chosen
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError

routes = Routes()
SECTION = "points"
TABLE = "points"
SHOWN_VALUES = 40
FACETS = {
    "state": N_("状态"),
    "reason": N_("原因"),
    "phase": N_("期次"),
    "area": N_("街道/社区"),
    "supplier": N_("承建单位"),
    "evidence": N_("最好证据"),
    "contract": N_("合同"),
}
DOWN_HOURS = (1, 4, 24, 72, 168)
_LEDGER_MEDIA = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class FacetValue(NamedTuple):
    """A value of a filter: its word, how many points it leaves, whether it is on, and the address that turns it."""

    word: str
    points: int
    on: bool
    link: str


class ViewForm(BaseModel):
    """A view's name and the query that it stands for."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=saved_views.MAX_NAME)]
    query: Annotated[str, Field(max_length=saved_views.MAX_QUERY)] = ""


@routes.page("/points", allow=WATCHERS, section=SECTION)
async def points(visit: Visit) -> web.StreamResponse:
    """Show the ledger."""
    return await _page(visit, None)


async def _page(visit: Visit, entered: Entered[ViewForm] | None) -> web.StreamResponse:
    query = visit.query(PointsQuery)
    found = await visit.aside(listed, visit, query)
    columns = chosen(COLUMNS_OF_LEDGER, query)
    city = visit.site.part(Board).city(visit.scope)
    if query.format:
        rows = await visit.read(rows_of, found.cards, columns, visit.at, city.phase_word)
        plain = query.model_copy(update={"sort": "", "q": ""})  # sorted and searched already
        return await exported(visit, rows, COLUMNS_OF_LEDGER, plain, f"points-{visit.today}")
    total = len(found.cards)
    page = min(query.page, max(1, -(-total // query.size)))
    part = found.cards[(page - 1) * query.size : page * query.size]
    rows = await visit.read(rows_of, part, columns, visit.at, city.phase_word)
    views = await visit.read(saved_views.views_of, visit.person.name, TABLE)
    return visit.render(
        "watch/points.html",
        status=200 if entered is None else 422,
        table=Table(columns, rows, total, query, COLUMNS_OF_LEDGER),
        city=city,
        facets=_facets(visit, query, found),
        hours=_hours(visit, query),
        narrowed=_narrowed(visit, query),
        views=views,
        entered=entered,
        here_query=urlencode(_kept(visit)),
        may_write=visit.may(LEDGER_WRITERS),
    )


def _kept(visit: Visit, *without: str) -> list[tuple[str, str]]:
    """The address's query without the page and what else is left out; what this page does not know stays out too."""
    known = set(PointsQuery.model_fields) - {"page", "format", "view", *without}
    return [(name, value) for name, value in visit.request.query.items() if name in known and value]


def _address(pairs: Iterable[tuple[str, str]]) -> str:
    query = urlencode(list(pairs))
    return f"/points?{query}" if query else "/points"


def _facets(visit: Visit, query: PointsQuery, found: Listed) -> list[tuple[str, str, list[FacetValue]]]:
    groups = []
    for name, label in FACETS.items():
        on = set(getattr(query, name))
        counted = dict(found.facets.get(name, ()))
        values = [(value, counted[value]) for value in counted] + [(value, 0) for value in on if value not in counted]
        shown = sorted(values, key=lambda row: row[0] not in on)[:SHOWN_VALUES]
        rows = [FacetValue(word(visit, name, value), n, value in on, _turned(visit, name, value)) for value, n in shown]
        if len(rows) > 1 or on:
            groups.append((name, label, rows))
    return groups


def _turned(visit: Visit, name: str, value: str) -> str:
    """The address with a value of a filter turned on, or off where it is on."""
    pairs = _kept(visit)
    return _address([p for p in pairs if p != (name, value)] if (name, value) in pairs else [*pairs, (name, value)])


def word(visit: Visit, name: str, value: str) -> str:
    """Return a filter's value as people say it."""
    found = value
    if name == "state":
        found = STANDING_ZH.get(Standing(value), value) if value in set(Standing) else value
    elif name == "reason":
        found = REASON_ZH.get(value, value)
    elif name == "phase":
        return visit.site.part(Board).city(visit.scope).phase_word(value)
    elif name == "evidence":
        found = EVIDENCE_ZH.get(Evidence(value), value) if value in set(Evidence) else value
    return visit.say(found)


def _hours(visit: Visit, query: PointsQuery) -> list[FacetValue]:
    rest = _kept(visit, "down_h")
    return [
        FacetValue(
            str(hours),
            0,
            query.down_h == hours,
            _address(rest if query.down_h == hours else [*rest, ("down_h", str(hours))]),
        )
        for hours in DOWN_HOURS
    ]


def _narrowed(visit: Visit, query: PointsQuery) -> list[tuple[str, str]]:
    """The filters that are on, each with the address without it."""
    found = [
        (f"{visit.say(label)}：{word(visit, name, value)}", _turned(visit, name, value))
        for name, label in FACETS.items()
        for value in getattr(query, name)
    ]
    if query.down_h is not None:
        found.append(
            (f"{visit.say('离线超过')} {query.down_h:g} {visit.say('小时')}", _address(_kept(visit, "down_h")))
        )
    if query.changed_h is not None:
        found.append(
            (visit.say("近 {n} 小时离线或恢复").format(n=f"{query.changed_h:g}"), _address(_kept(visit, "changed_h")))
        )
    if query.q:
        found.append((f"{visit.say('搜索')}：{query.q}", _address(_kept(visit, "q"))))
    return found


@routes.form("/points/views", allow=WATCHERS, section=SECTION)
async def save_view(visit: Visit) -> web.StreamResponse:
    """Keep the filters under a name, for the person alone."""
    entered = await visit.enter(ViewForm)
    if entered.model is not None:
        known = [pair for pair in parse_qsl(entered.model.query) if pair[0] in PointsQuery.model_fields]
        query = urlencode([pair for pair in known if pair[0] not in {"page", "format", "view"}])
        try:
            await visit.write(saved_views.save, visit.person.name, TABLE, entered.model.name, query, at=visit.at)
        except InputError as error:
            entered = entered.refused(error)
        else:
            return visit.see(f"/points?{query}", visit.say("已保存筛选"))
    return await _page(visit, entered)


@routes.form("/points/views/{id:[0-9]{1,18}}/delete", allow=WATCHERS, section=SECTION)
async def remove_view(visit: Visit) -> web.StreamResponse:
    """Remove one of the person's own views."""
    gone = await visit.write(saved_views.remove, visit.person.name, TABLE, int(visit.path("id")), at=visit.at)
    if not gone:
        raise MissingError
    return visit.see("/points", visit.say("已删除筛选"))


@routes.download("/points/ledger.{kind:csv|xlsx}", allow=LEDGER_WRITERS)
async def ledger(visit: Visit) -> web.StreamResponse:
    """Return the ledger in the form that imports read."""
    kind = visit.path("kind")
    settings = visit.site.settings
    body = await visit.compute(ledger_file, settings.url, visit.scope, visit.at, settings.zone, kind)
    return attachment(body, _LEDGER_MEDIA[kind], f"ledger-{visit.today}.{kind}")
