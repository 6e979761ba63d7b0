"""The files that came: which wait to be checked, which stand, which were withdrawn; one file with its figures."""

from __future__ import annotations

from datetime import date
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.authority import receiving, reconciled
from console.authority.mapping import mapping_of
from console.documents.kept_documents import document
from console.settling.phases import PhaseWords, phase_words
from console.web.access import AUTHORITY, Role
from console.web.export import exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.persons import same_person
from settlement.authority import UNIT_ZH, Figure
from settlement.store import authority as store
from settlement.store import documents
from settlement.store.authority import StoredFile

routes = Routes()
READERS = AUTHORITY | {Role.EVALUATOR, Role.LEADER}
STATUS = {"pending": N_("待核对"), "checked": N_("已采用"), "withdrawn": N_("已撤回")}
TONE = {"pending": "warn", "checked": "good", "withdrawn": "mute"}


class FilesQuery(TableQuery):
    """Filters of the list of files."""

    contract: str = ""
    status: str = ""


def called(file: StoredFile) -> str:
    """Return what people know a file by: its name, or where it was typed in the paper's number."""
    return (file.reference or str(file.received_on)) if file.typed else file.name


COLUMNS: tuple[Column[StoredFile], ...] = (
    Column("name", N_("文件"), called, link=lambda f: f"/authority/files/{f.id}", searched=True),
    Column("status", N_("状态"), lambda f: STATUS[f.status], "badge", tone=lambda f: TONE[f.status]),
    Column("contract", N_("合同"), lambda f: f.contract, searched=True),
    Column("reference", N_("文号"), lambda f: f.reference, searched=True),
    Column("received", N_("收到日期"), lambda f: f.received_on, "date"),
    Column("figures", N_("数据条数"), lambda f: f.figures, "number"),
    Column("kind", N_("来源"), lambda f: N_("手工录入") if f.typed else N_("文件导入"), "badge"),
    Column("actor", N_("录入人"), lambda f: f.actor, searched=True),
    Column("recorded", N_("录入时间"), lambda f: f.recorded_at, "instant", shown=False),
    Column("checked_by", N_("核对人"), lambda f: f.checked_by, searched=True),
    Column("checked", N_("核对时间"), lambda f: f.checked_at, "instant", shown=False),
    Column("scan", N_("扫描件"), lambda f: (f.scan_sha or "")[:12], "code",
           link=lambda f: f"/authority/files/{f.id}/scan" if f.scan_sha else None),
    Column("digest", N_("文件指纹"), lambda f: f.sha256[:12], "code", searched=True),
    Column("mapping", N_("映射"), lambda f: f.mapping, shown=False),
    Column("withdrawn", N_("撤回理由"), lambda f: f.withdrawn_why, shown=False),
)  # fmt: skip


def figure_columns(contract: str, words: PhaseWords) -> tuple[Column[Figure], ...]:
    """Return the columns of a file's figures; `words` are what people call the contract's phases."""

    def phase(figure: Figure) -> str:
        return words.word(contract, figure.phase)

    return (
        Column("line", N_("行号"), lambda f: f.line, "number"),
        Column("phase", N_("期次"), phase, searched=True),
        Column("point", N_("点位编号"), lambda f: f.point, "code", searched=True),
        Column("device", N_("设备编码"), lambda f: f.device, "code", searched=True),
        Column("name", N_("名称"), lambda f: f.name, searched=True, shown=False),
        Column("period", N_("期间"), lambda f: f.period, searched=True),
        Column("text", N_("原文"), lambda f: f.text, searched=True),
        Column("rate", N_("在线率"), lambda f: f.value, "percent"),
        Column("num", N_("分子"), lambda f: f.num, "number"),
        Column("den", N_("分母"), lambda f: f.den, "number"),
        Column("unit", N_("单位"), lambda f: UNIT_ZH[f.unit], "badge"),
        Column("points", N_("点位数"), lambda f: f.points, "number"),
    )


@routes.page("/authority", allow=READERS, section="authority")
async def listing(visit: Visit) -> web.Response:
    """Every file of the contracts that the person sees, and the quarters to be reconciled."""
    query = visit.query(FilesQuery)
    every, known, quarters = await _overview(visit)
    rows = [f for f in every if query.contract in {"", f.contract} and query.status in {"", f.status}]
    if query.format:
        return await exported(visit, rows, COLUMNS, query, "authority-files")
    table = table_of(rows[::-1], COLUMNS, query)
    waiting = sum(f.status == "pending" for f in every)
    return visit.render(
        "settle/authority.html", table=table, query=query, contracts=known, quarters=quarters, waiting=waiting,
        statuses=STATUS, may_write=visit.may(AUTHORITY), every=len(every),
    )  # fmt: skip


Overview = tuple[list[StoredFile], dict[str, str], list[reconciled.QuarterState]]


async def _overview(visit: Visit) -> Overview:
    """Return what the person sees of the files and quarters; read once for all until something changes."""
    stamped = await visit.read(reconciled.stamp)
    key = ("files", stamped, visit.today)
    files, known, quarters = await reconciled.kept(visit).get(key, lambda: visit.read(_every, visit.today), visit.at)
    return (
        [file for file in files if sees(visit, file.contract)],
        {name: title for name, title in known.items() if sees(visit, name)},
        [row for row in quarters if sees(visit, row.contract)],
    )


def _every(connection: Connection, today: date) -> Overview:
    known = receiving.known_contracts(connection)
    return store.list_files(connection), known, reconciled.quarters_of(connection, known, today)


def sees(visit: Visit, contract: str) -> bool:
    """Tell whether the person sees a contract."""
    found: bool = visit.person.sees_contract(contract)
    return found


def found_file(connection: Connection, visit: Visit) -> StoredFile:
    """Return the file that the address names. MissingError if there is none, or it is of a foreign contract."""
    number = visit.path("number")
    file = receiving.find(connection, int(number)) if number.isdecimal() and len(number) < 16 else None
    if file is None or not sees(visit, file.contract):
        raise MissingError
    return file


@routes.page("/authority/files/{number}", allow=READERS, section="authority")
async def one(visit: Visit) -> web.Response:
    """One file with its figures, for comparing with the paper."""
    return await shown(visit, None)


async def shown(visit: Visit, entered: Entered[Any] | None, status: int = 200) -> web.Response:
    """Render the page of one file."""
    file, figures, media, words, title = await visit.read(_with_figures, visit)
    columns = figure_columns(file.contract, words)
    query = visit.query(TableQuery)
    if query.format:
        return await exported(visit, figures, columns, query, f"authority-{file.sha256[:12]}")
    retyped = file.typed and file.figures <= receiving.RETYPED
    mine = same_person(file.actor, visit.person.name)
    return visit.render(
        "settle/authority_file.html", status=status, file=file, table=table_of(figures, columns, query), words=words, title=title,
        figures=figures if retyped else [], retyped=retyped, entered=entered, media=media, status_word=STATUS,
        tone=TONE, mine=mine, may_write=visit.may(AUTHORITY),
        quarters=sorted({_quarter(figure.period) for figure in figures}),
    )  # fmt: skip


def _quarter(period: str) -> str:
    return period if "Q" in period else f"{period[:4]}Q{(int(period[5:7]) + 2) // 3}"


def _with_figures(connection: Connection, visit: Visit) -> tuple[StoredFile, list[Figure], str, PhaseWords, str]:
    file = found_file(connection, visit)
    media = documents.media_known(connection, file.scan_sha) if file.scan_sha else ""
    words = phase_words(connection, [file.contract])
    title = receiving.known_contracts(connection).get(file.contract) or file.contract
    return file, store.figures_of(connection, file), media, words, title


@routes.download("/authority/files/{number}/original", allow=READERS)
async def original(visit: Visit) -> web.Response:
    """The file as it was handed in."""
    return await visit.read(lambda connection: document(connection, found_file(connection, visit).sha256))


@routes.download("/authority/files/{number}/scan", allow=READERS)
async def scan(visit: Visit) -> web.Response:
    """The scan of the stamped paper."""
    return await visit.read(lambda connection: document(connection, found_file(connection, visit).scan_sha or ""))


class Check(BaseModel):
    """The checker's word; what was typed for each figure comes beside it."""

    confirmed: bool = False


class Withdrawal(BaseModel):
    """Why a file is taken out of account."""

    reason: str = Field(min_length=1, max_length=500)


@routes.form("/authority/files/{number}/check", allow=AUTHORITY, section="authority")
async def check(visit: Visit) -> web.Response:
    """Another person compared the figures with the paper."""
    file = await visit.read(found_file, visit)
    entered = await visit.enter(Check)
    answers = {
        int(name.removeprefix("figure-")): value
        for name, value in entered.values.items()
        if name.startswith("figure-") and name.removeprefix("figure-").isdecimal()
    }
    same = [name.removeprefix("same-") for name in entered.values if name.startswith("same-")]
    answers |= {int(n): "=" for n in same if n.isdecimal() and not answers.get(int(n))}
    retyped = file.typed and file.figures <= receiving.RETYPED
    if not retyped and (entered.model is None or not entered.model.confirmed):
        return await shown(visit, entered.wrong("confirmed", visit.say("请先对照原件，再勾选确认")), 422)
    try:
        await visit.write(receiving.check, file.id, answers, at=visit.at, actor=visit.person.name)
    except InputError as error:
        names = {f"figure-{n}": entered.values.get(f"figure-{n}", "") for n in range(file.figures)} if retyped else {}
        refused: Entered[Any] = Entered({**names, **entered.values}).refused(error)
        return await shown(visit, refused, 422)
    return visit.see(f"/authority/files/{file.id}", visit.say("已核对，数据计入对账"))


@routes.form("/authority/files/{number}/withdraw", allow=AUTHORITY, section="authority")
async def withdraw(visit: Visit) -> web.Response:
    """Take a file out of account."""
    file = await visit.read(found_file, visit)
    entered = await visit.enter(Withdrawal)
    if entered.model is not None:
        try:
            await visit.write(receiving.withdraw, file.id, entered.model.reason, at=visit.at, actor=visit.person.name)
            return visit.see(f"/authority/files/{file.id}", visit.say("已撤回，不再计入对账"))
        except InputError as error:
            entered = entered.refused(error)
    return await shown(visit, entered, 422)


class MappingRow(BaseModel):
    """A saved mapping as the list shows it."""

    name: str
    version: int
    actor: str
    at: int
    columns: int
    phases: str
    rates: str
    figure: str


MAPPINGS: tuple[Column[MappingRow], ...] = (
    Column("name", N_("名称"), lambda m: m.name, searched=True),
    Column("version", N_("版本"), lambda m: m.version, "number"),
    Column("columns", N_("列数"), lambda m: m.columns, "number"),
    Column("phases", N_("期次对应"), lambda m: m.phases, searched=True),
    Column("rates", N_("数字写法"), lambda m: m.rates, "badge"),
    Column("figure", N_("采用"), lambda m: m.figure, "badge"),
    Column("actor", N_("保存人"), lambda m: m.actor, searched=True),
    Column("at", N_("保存时间"), lambda m: m.at, "instant"),
)
RATES = {
    "guess": N_("自动判断"),
    "percent": N_("百分数（98.5）"),
    "share": N_("比率（0.985）"),
    "each": N_("两种混写：大于 1 的为百分数，不大于 1 的为比率"),
}
COUNTS = {"rate": N_("以在线率为准"), "counts": N_("以计数为准")}


@routes.page("/authority/mappings", allow=READERS, section="authority")
async def mappings(visit: Visit) -> web.Response:
    """The saved mappings, each in its newest version."""
    query = visit.query(TableQuery)
    rows = await visit.read(mapping_rows)
    if query.format:
        return await exported(visit, rows, MAPPINGS, query, "authority-mappings")
    return visit.render("settle/authority_mappings.html", table=table_of(rows, MAPPINGS, query))


def mapping_rows(connection: Connection) -> list[MappingRow]:
    """Return the saved mappings for a list."""
    found = []
    for saved in store.list_mappings(connection):
        its = mapping_of(saved.body)
        phases = "，".join(f"{word} → {phase}" for word, phase in sorted(its.phases.items()))
        found.append(
            MappingRow(
                name=saved.name, version=saved.version, actor=saved.actor, at=saved.recorded_at,
                columns=len(its.columns), phases=phases, rates=RATES[its.rates], figure=COUNTS[its.figure],
            )
        )  # fmt: skip
    return found
