"""抽样核查: samples drawn by an evaluator's seed, their snapshots, and the sheet to take along."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.evaluator import drawing
from console.evaluator.drawing import Asked, SampleRow
from console.evaluator.sampling import MAX_POINTS, OUTAGES, Stratum
from console.money.payables import contracts_seen
from console.pages.prove.packs import PACKERS
from console.settling.phases import words_of
from console.web.access import FINANCE, Role
from console.web.export import attachment, exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.period import day_of

routes = Routes()
SECTION = "evidence"
DRAWERS = FINANCE | {Role.EVALUATOR}
"""Who may draw: the evaluator, and finance for an auditor who has no account."""
STRATA = {"": N_("不分层"), "phase": N_("期次"), "area": N_("区域"), "supplier": N_("供应商")}
COLUMNS: tuple[Column[SampleRow], ...] = (
    Column("contract", N_("合同"), lambda r: r.contract, searched=True),
    Column("period", N_("期间"), lambda r: r.period, searched=True),
    Column("seed", N_("种子"), lambda r: r.seed, "code", link=lambda r: f"/evidence/samples/{r.sha256}", searched=True),
    Column("points", N_("点位"), lambda r: r.points, "number"),
    Column("stratify", N_("分层"), lambda r: STRATA[r.stratify], "badge"),
    Column("version", N_("版次"), lambda r: r.version, "number"),
    Column("sha256", N_("指纹"), lambda r: r.sha256[:16], "code", searched=True),
    Column("by", N_("抽取人"), lambda r: r.actor, searched=True),
    Column("at", N_("抽取于"), lambda r: r.at, "instant"),
)
Snapshot = dict[str, Any]
STATES = {"online": N_("在线"), "offline": N_("离线"), "unknown": N_("未知")}


def _last(row: Snapshot) -> str | None:
    return None if row["last"] is None else STATES[row["last"]["state"]]


def _tone(row: Snapshot) -> str:
    return {"online": "good", "offline": "bad"}.get((row["last"] or {}).get("state", ""), "mute")


SNAPSHOTS: tuple[Column[Snapshot], ...] = (
    Column("no", N_("序号"), lambda r: r["no"], "number"),
    Column("code", N_("点位"), lambda r: r["code"], "code", searched=True,
           link=lambda r: f"/points/{quote(r['code'], safe='')}"),
    Column("name", N_("名称"), lambda r: r["facts"]["name"], searched=True),
    Column("address", N_("地址"), lambda r: r["facts"]["address"], searched=True),
    Column("phase", N_("期次"), lambda r: r.get("title") or r["facts"]["phase"]),
    Column("stratum", N_("层"), lambda r: r["stratum"], shown=False),
    Column("rate", N_("在线率"), lambda r: None if r["rate"] is None else r["good"] / r["counted"], "percent"),
    Column("unknown", N_("缺失"), lambda r: r["seconds"]["unknown"], "duration"),
    Column("excluded", N_("剔除"), lambda r: r["seconds"]["excluded"], "duration"),
    Column("last", N_("最近状态"), _last, "badge", tone=_tone),
    Column("seen", N_("最近记录"), lambda r: None if r["last"] is None else r["last"]["seen"], "instant"),
    Column("rank", N_("序值"), lambda r: r["rank"][:16], "code", shown=False),
)  # fmt: skip


@routes.page("/evidence/samples", allow=PACKERS, section=SECTION)
async def listing(visit: Visit) -> web.Response:
    """Samples that were drawn, and the form of a new one."""
    return await _page(visit)


async def _page(visit: Visit, entered: Entered[Any] | None = None, status: int = 200) -> web.Response:
    query = visit.query(TableQuery)
    rows = await visit.read(drawing.samples, visit.person)
    if query.format:
        return await exported(visit, rows, COLUMNS, query, "samples")
    return visit.render(
        "prove/samples.html",
        status=status,
        entered=entered,
        table=table_of(rows, COLUMNS, query),
        contracts=await visit.read(contracts_seen, visit.person),
        strata=STRATA,
        most=MAX_POINTS,
        quarter=f"{visit.today.year}Q{(visit.today.month + 2) // 3}",
        may_draw=visit.may(DRAWERS),
    )


class SampleForm(BaseModel):
    """A sample that somebody wants."""

    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(min_length=1, max_length=30)]
    seed: Annotated[str, Field(min_length=1, max_length=100)]
    n: Annotated[int, Field(ge=1, le=MAX_POINTS)] = 30
    stratify: Stratum = ""


@routes.form("/evidence/samples", allow=DRAWERS, section=SECTION)
async def draw(visit: Visit) -> web.Response:
    """Draw a sample and record it."""
    entered = await visit.enter(SampleForm)
    given = entered.model
    if given is None:
        return await _page(visit, entered, 422)
    asked = Asked(given.contract, given.period, given.seed, given.n, given.stratify)
    try:
        row, added = await visit.write(drawing.draw, asked, visit.person, at=visit.at)
    except InputError as error:
        return await _page(visit, entered.refused(error), 422)
    said = visit.say("已抽样，快照已记入证据日志。") if added else visit.say("与此前抽取的相同。")
    return visit.see(f"/evidence/samples/{row.sha256}", said)


async def _sample(visit: Visit) -> tuple[SampleRow, Snapshot]:
    found = await visit.read(drawing.sample, visit.person, visit.path("sha"))
    if found is None:
        raise MissingError
    return found


@routes.page("/evidence/samples/{sha:[0-9a-f]{64}}", allow=PACKERS, section=SECTION)
async def one(visit: Visit) -> web.Response:
    """A sample's points, each with what the record said of it when it was drawn."""
    row, document = await _sample(visit)
    query = visit.query(TableQuery)
    title, phases = await visit.read(_titles, row, document, visit.site.settings.zone)
    points = [{**point, "title": phases.get(point["facts"]["phase"], "")} for point in document["points"]]
    if query.format:
        return await exported(visit, points, SNAPSHOTS, query, "sample")
    return visit.render(
        "prove/sample.html",
        row=row,
        document=document,
        title=title,
        phases=phases if row.stratify == "phase" else {},
        table=table_of(points, SNAPSHOTS, query),
        strata=STRATA,
        outages=OUTAGES,
        states=STATES,
    )


def _titles(connection: Connection, row: SampleRow, document: Snapshot, zone: str) -> tuple[str, dict[str, str]]:
    """Return what the contract and its phases were called when the sample was drawn."""
    terms = drawing.terms_on(connection, document["contract"], day_of(row.at, zone))
    return terms.title or terms.contract, words_of(terms)


@routes.download("/evidence/samples/{sha:[0-9a-f]{64}}/sheet.{kind:pdf|csv}", allow=PACKERS)
async def sheet(visit: Visit) -> web.Response:
    """The 现场核查表."""
    row, document = await _sample(visit)
    zone = visit.site.settings.zone
    name = f"site-check-{row.contract}-{row.period}.{visit.path('kind')}"
    if visit.path("kind") == "csv":
        return attachment(await visit.aside(drawing.sheet_csv, document, zone), "text/csv", name)
    body = await visit.compute(drawing.sheet_pdf, document, row.sha256, int(row.at), zone)
    return attachment(body, "application/pdf", name)
