"""对账: our own measurement beside the authority's figures, per phase and per point, and which of them pays."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from console.authority import receiving, reconciled
from console.authority.workbook import write_workbook
from console.pages.settle.authority.files import READERS
from console.quarters.progress import STAGES
from console.settling.phases import PhaseWords, phase_words
from console.web.access import AUTHORITY, MONEY_READERS, WATCHERS
from console.web.export import attachment, exported
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.period import quarter_of
from settlement.authority import UNIT_ZH, periods_in
from settlement.chosen import deadline
from settlement.comparing import PointComparison
from settlement.contract import Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.matching import Item
from settlement.reconcile import FileNote, Reconciliation, points_text
from settlement.store import authority as store
from settlement.store import statements

routes = Routes()
ITEMS = {
    "stranger": N_("对方有我方无"),
    "missing": N_("我方有对方无"),
    "recoded": N_("编码变更"),
    "not-assessed": N_("本季不考核"),
    "other-phase": N_("期次不同"),
    "other-period": N_("期间重叠"),
    "conflict": N_("数据矛盾"),
    "months-missing": N_("缺月份"),
    "unknown-phase": N_("未知期次"),
    "note": N_("文件疑点"),
}
SOURCES = {
    "own": N_("系统监测"),
    "authority": N_("公安核定"),
    "provisional-own": N_("暂按系统监测"),
    "prepay-only": N_("只付预付款"),
    "waits": N_("等待公安数据"),
    "none": N_("无可用在线率"),
}
SOURCE_TONE = {"own": "good", "authority": "good", "provisional-own": "warn", "prepay-only": "warn", "waits": "bad"}
PAYS = {
    "own": N_("系统监测在线率"),
    "authority": N_("公安核定在线率"),
    "lower": N_("两者取低"),
    "higher": N_("两者取高"),
}
MONTHS = {
    "simple-mean": N_("各月简单平均"),
    "by-points": N_("各月按点数加权"),
    "by-point-days": N_("各月按点日加权"),
}
MISSING = {
    "wait": N_("等待，不结算"),
    "provisional-own": N_("暂按系统监测，到后调整"),
    "prepay-only": N_("只付预付款，到后调整"),
}


class BesideQuery(TableQuery):
    """Which of the lists is shown, of which kind, and whether files that nobody has checked count."""

    show: str = "points"
    kind: str = ""
    beyond: bool = False
    pending: bool = False


def point_columns(visit: Visit, contract: str, words: PhaseWords) -> tuple[Column[PointComparison], ...]:
    """Return the columns of the comparison of points; a point's page is linked for those who may open it."""
    linked = (lambda row: f"/points/{quote(row.point)}") if visit.may(WATCHERS) else None
    return (
        Column("point", N_("点位编号"), lambda r: r.point, "code", link=linked, searched=True),
        Column("phase", N_("期次"), lambda r: words.word(contract, r.phase), searched=True),
        Column("own", N_("系统监测"), lambda r: r.own.value if r.own and r.own.counted else None, "percent"),
        Column("theirs", N_("公安核定"), lambda r: r.theirs, "percent"),
        Column("difference", N_("相差（百分点）"), lambda r: None if r.difference is None else r.difference, "percent"),
        Column("fen", N_("影响应付（元）"), lambda r: r.fen, "money"),
        Column("beyond", N_("是否超出允许"), lambda r: N_("超出") if r.beyond else N_("允许内"), "badge",
               tone=lambda r: "bad" if r.beyond else "good"),
        Column("good", N_("我方在线秒"), lambda r: r.own.good if r.own else None, "number", shown=False),
        Column("counted", N_("我方计入秒"), lambda r: r.own.counted if r.own else None, "number"),
    )  # fmt: skip


def item_columns(visit: Visit, contract: str, words: PhaseWords) -> tuple[Column[Item], ...]:
    """Return the columns of the reconciling items, with both sides' denominators."""

    def linked(row: Item) -> str | None:
        return f"/points/{quote(row.point)}" if row.point and visit.may(WATCHERS) else None

    def share(row: Item) -> object:
        return row.figure.value if row.figure is not None and row.figure.counted else None

    def counted(row: Item) -> int | None:
        return row.figure.counted if row.figure is not None and row.unit != "share" else None

    return (
        Column("kind", N_("类别"), lambda r: ITEMS[r.kind], "badge", tone=lambda _: "warn"),
        Column("phase", N_("期次"), lambda r: words.word(contract, r.phase), searched=True),
        Column("point", N_("我方点位"), lambda r: r.point, "code", link=linked, searched=True),
        Column("theirs", N_("对方编码"), lambda r: r.theirs, "code", searched=True),
        Column("period", N_("期间"), lambda r: r.period, searched=True),
        Column("rate", N_("对方在线率"), share, "percent"),
        Column("their_count", N_("对方分母"), counted, "number", shown=False),
        Column("unit", N_("对方单位"), lambda r: UNIT_ZH[r.unit] if r.figure is not None else "", "badge", shown=False),
        Column("own_rate", N_("我方在线率"), lambda r: r.own.value if r.own and r.own.counted else None, "percent"),
        Column("our_count", N_("我方分母（秒）"), lambda r: r.own.counted if r.own else None, "number", shown=False),
        Column("text", N_("说明"), lambda r: words.said(contract, r.text), searched=True),
        Column("line", N_("行号"), lambda r: r.line or None, "number", shown=False),
    )


FILES: tuple[Column[FileNote], ...] = (
    Column("name", N_("文件"), lambda f: f.name, searched=True),
    Column("reference", N_("文号"), lambda f: f.reference, searched=True),
    Column("received", N_("收到日期"), lambda f: f.received_on, "date"),
    Column("actor", N_("录入人"), lambda f: f.actor),
    Column("checked_by", N_("核对人"), lambda f: f.checked_by),
    Column("digest", N_("文件指纹"), lambda f: f.sha256[:16], "code"),
)


def quarter_in(visit: Visit) -> Quarter:
    """Return the quarter that the address names, be it a month of it. MissingError for anything else."""
    text = visit.path("period").upper()
    try:
        if len(text) == 7 and text[4] == "-":
            return parse_quarter(quarter_of(date.fromisoformat(f"{text}-01")).label)
        return parse_quarter(text)
    except (InputError, ValueError):
        raise MissingError from None


def _context(connection: Connection, contract: str, quarter: Quarter) -> tuple[Terms, bool, int]:
    """Return the contract's terms, whether the quarter has a statement, and how many files wait to be checked."""
    if contract not in receiving.known_contracts(connection):
        raise MissingError
    terms = receiving.terms_in_store(connection, contract, quarter)
    waiting = store.pending_files(connection, contract, periods_in(quarter))
    return terms, quarter.label in statements.quarters(connection, contract), len(waiting)


@routes.page("/authority/{contract}/{period}", allow=READERS, section="authority")
async def beside(visit: Visit) -> web.Response:
    """A quarter of a contract, both sides."""
    contract, quarter = visit.contract(visit.path("contract")), quarter_in(visit)
    if visit.path("period") != quarter.label:
        return visit.see(f"/authority/{quote(contract)}/{quarter.label}")
    query = visit.query(BesideQuery)
    terms, settled, waiting = await visit.read(_context, contract, quarter)
    words = await visit.read(phase_words, [contract])
    wait_s = None if query.format else reconciled.WAIT_S
    try:
        done = await reconciled.outcome(visit, contract, quarter, pending=query.pending, wait_s=wait_s)
    except reconciled.UnderWayError as error:
        return visit.render("settle/authority_wait.html", seconds=error.seconds, progress=error.progress, stages=STAGES)
    found = done.found
    if found is not None and query.format:
        return await _exported(visit, found, query, words)
    last = deadline(terms.authority, quarter)
    return visit.render(
        "settle/authority_beside.html", contract=contract, quarter=quarter, terms=terms, clause=terms.authority,
        found=found, findings=found.findings if found else done.findings, at=done.at, query=query,
        table=None if found is None else _table(visit, found, query, words), words=words, last=last, settled=settled, waiting=waiting,
        overdue=last is not None and visit.today > last, sources=SOURCES, source_tone=SOURCE_TONE, items=ITEMS, points_text=points_text,
        counts=_counts(found), pays=PAYS, months=MONTHS, missing=MISSING, before=_step(quarter, -1),
        after=_step(quarter, 1) if quarter.end <= visit.today else None, may_write=visit.may(AUTHORITY),
        may_settle=visit.may(MONEY_READERS), may_watch=visit.may(WATCHERS),
        beyond=sum(row.beyond for row in found.points) if found else 0,
    )  # fmt: skip


def _step(quarter: Quarter, by: int) -> str:
    index = quarter.year * 4 + quarter.number - 1 + by
    return f"{index // 4}Q{index % 4 + 1}"


def _counts(found: Reconciliation | None) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in found.items if found else ():
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return {kind: counts[kind] for kind in ITEMS if kind in counts}


def _points(found: Reconciliation, query: BesideQuery) -> list[PointComparison]:
    return [row for row in found.points if row.beyond or not query.beyond]


def _items(found: Reconciliation, query: BesideQuery) -> list[Item]:
    return [item for item in found.items if query.kind in {"", item.kind}]


def _table(visit: Visit, found: Reconciliation, query: BesideQuery, words: PhaseWords) -> object:
    if query.show == "items":
        return table_of(_items(found, query), item_columns(visit, found.contract, words), query)
    if query.show == "files":
        return table_of(found.files, FILES, query)
    return table_of(_points(found, query), point_columns(visit, found.contract, words), query)


async def _exported(visit: Visit, found: Reconciliation, query: BesideQuery, words: PhaseWords) -> web.Response:
    name = f"{found.contract}-{found.quarter}"
    if query.show == "items":
        return await exported(
            visit, _items(found, query), item_columns(visit, found.contract, words), query, f"{name}-items"
        )
    if query.show == "files":
        return await exported(visit, found.files, FILES, query, f"{name}-files")
    return await exported(
        visit, _points(found, query), point_columns(visit, found.contract, words), query, f"{name}-points"
    )


class WorkbookQuery(BaseModel):
    """Whether files that nobody has checked count."""

    pending: bool = False


@routes.download("/authority/{contract}/{period}/workbook.xlsx", allow=READERS)
async def workbook(visit: Visit) -> web.Response:
    """The reconciliation as a workbook: phases, items, points, files."""
    contract, quarter = visit.contract(visit.path("contract")), quarter_in(visit)
    await visit.read(_context, contract, quarter)
    done = await reconciled.outcome(visit, contract, quarter, pending=visit.query(WorkbookQuery).pending)
    if done.found is None:
        raise InputError(done.findings)
    body = await visit.compute(write_workbook, done.found)
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return attachment(body, media, f"{contract}-{quarter.label}.xlsx")
