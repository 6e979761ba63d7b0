"""Evidence packs: ordered for a contract and a period, made in the background, kept for a while, downloaded and checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from config.rubrics import shipped
from console.evaluator import score_cards
from console.log.roles import title
from console.money.payables import contracts_seen
from console.packs import pack_shelf
from console.packs.index import PAPERS
from console.packs.jobs import Attachment, PackJob, Wanted, sees
from console.packs.ordering import choices, codes_of, jobs_of, order, sampled
from console.packs.pack_shelf import MOST_DAYS, MOST_PACKS, Pack
from console.web.access import EVIDENCE_READERS, MONEY_READERS, Role
from console.web.export import exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError

routes = Routes()
SECTION = "evidence"
PACKERS = EVIDENCE_READERS - {Role.SUPPLIER}
"""Who may order and take packs: a pack holds all points of a contract, other suppliers' among them."""
FILES = 4
STATES = {
    "waiting": N_("排队中"),
    "making": N_("正在打包"),
    "done": N_("已完成"),
    "failed": N_("未能完成"),
    "cancelled": N_("已取消"),
}
COLUMNS: tuple[Column[Pack], ...] = (
    Column("name", N_("证据包"), lambda r: r.file_name, link=lambda r: f"/evidence/packs/{r.id}", searched=True),
    Column("contract", N_("合同"), lambda r: r.contract, searched=True),
    Column("period", N_("期间"), lambda r: r.period, searched=True),
    Column("statement", N_("结算单"), lambda r: r.statement, "code", searched=True),
    Column("points", N_("点位"), lambda r: N_("全部") if r.points is None else f"{r.points:,}", "badge"),
    Column("bytes", N_("字节"), lambda r: r.bytes, "number"),
    Column("open", N_("未重算"), lambda r: len(r.left_open), "number"),
    Column("sha256", N_("指纹"), lambda r: r.sha256[:16], "code", searched=True),
    Column("by", N_("申请人"), lambda r: r.asked_by, searched=True),
    Column("at", N_("申请于"), lambda r: r.asked_at, "instant"),
)


class PacksQuery(TableQuery):
    """Whose contract and which year the form offers periods of."""

    contract: str = ""
    sample: Annotated[str, Field(max_length=300)] = ""
    period: Annotated[str, Field(max_length=30)] = ""
    year: Annotated[int, Field(ge=0, le=2199)] = 0


@routes.page("/evidence/packs", allow=PACKERS, section=SECTION)
async def shelf(visit: Visit) -> web.Response:
    """Packs that are there, those being made, and the form of a new one."""
    return await _page(visit)


async def _page(visit: Visit, entered: Entered[Any] | None = None, status: int = 200) -> web.Response:
    query = visit.query(PacksQuery)
    contract = entered.values.get("contract", "") if entered is not None else query.contract
    year = query.year or visit.today.year
    given = entered.values.get("period", "")[:4] if entered is not None else ""
    year = int(given) if given.isascii() and given.isdigit() and len(given) == 4 else year
    found = await visit.read(choices, visit, contract, year)
    if not contract and len(found.contracts) == 1:
        contract = next(iter(found.contracts))
        found = await visit.read(choices, visit, contract, year)
    rows = [pack for pack in await visit.aside(pack_shelf.packs, visit.site.settings.data_dir) if _seen(visit, pack)]
    if query.format:
        return await exported(visit, rows, COLUMNS, query, "packs")
    jobs = [job for job in jobs_of(visit.site).jobs() if sees(visit.person, job)]
    return visit.render(
        "prove/packs.html",
        status=status,
        entered=entered,
        found=found,
        contract=contract,
        year=year,
        jobs=[job for job in jobs if job.state != "done"][:8],
        alive=any(not job.over for job in jobs),
        states=STATES,
        table=table_of(rows, COLUMNS, query),
        rubrics={name: score_cards.form(name).rubric.title for name in shipped()},
        chosen=query.period if any(one.label == query.period for one in found.periods) else "",
        sample=query.sample if query.sample in dict(found.samples) else "",
        titles=[title for _, title in PAPERS],
        files=FILES,
        whole=pack_shelf.whole_contract(visit.person),
        most=(MOST_PACKS, MOST_DAYS),
    )


def _seen(visit: Visit, pack: Pack) -> bool:
    return pack_shelf.sees(visit.person, pack)


class PackForm(BaseModel):
    """An order as the form has it; files come beside it."""

    contract: Annotated[str, Field(min_length=1, max_length=100)]
    period: Annotated[str, Field(min_length=1, max_length=30)]
    which: Literal["all", "listed", "sample"] = "all"
    points: Annotated[str, Field(max_length=400_000)] = ""
    sample: Annotated[str, Field(max_length=300)] = ""
    until: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = ""
    rubric: Annotated[str, Field(max_length=100)] = ""


@routes.form("/evidence/packs", allow=PACKERS, section=SECTION)
async def ask(visit: Visit) -> web.Response:
    """Order a pack."""
    entered = await visit.enter(PackForm)
    given = entered.model
    if given is None:
        return await _page(visit, entered, 422)
    try:
        points = None
        if given.which == "listed":
            points = codes_of(given.points)
        elif given.which == "sample":
            visit.contract(given.contract)
            points = await visit.read(sampled, visit.person, given.sample, given.contract)
        wanted = Wanted(
            given.contract, given.period, points, given.until, given.rubric, _inputs(entered), tuple(_attached(entered))
        )
        job = await order(visit, wanted)
    except InputError as error:
        return await _page(visit, entered.refused(error), 422)
    return visit.see(f"/evidence/packs/jobs/{job.id}", visit.say("已受理，正在后台打包。"))


def _inputs(entered: Entered[Any]) -> str:
    file = entered.files.get("inputs")
    return "" if file is None else file.body.decode("utf-8-sig", "replace")


def _attached(entered: Entered[Any]) -> list[Attachment]:
    found = []
    for n in range(1, FILES + 1):
        file = entered.files.get(f"file_{n}")
        if file is not None:
            title = entered.values.get(f"title_{n}", "") or file.name
            found.append(Attachment(title, file.name, file.body))
    return found


def _job(visit: Visit) -> PackJob:
    found = jobs_of(visit.site).find(visit.path("id"))
    if found is None or not sees(visit.person, found):
        raise MissingError
    return found


@routes.page("/evidence/packs/jobs/{id:[0-9a-f]{24}}", allow=PACKERS, section=SECTION)
async def job(visit: Visit) -> web.Response:
    """An order: how far it is, what came of it."""
    found = _job(visit)
    if found.state == "done" and found.pack is not None and not visit.request.headers.get("HX-Request"):
        return visit.see(f"/evidence/packs/{found.id}")
    title = await _title(visit, found.wanted.contract)
    return visit.render(
        "prove/pack_job.html", job=found, title=title, states=STATES, may_cancel=_may_cancel(visit, found)
    )


async def _title(visit: Visit, contract: str) -> str:
    """Return what a contract is called."""
    return (await visit.read(contracts_seen, visit.person)).get(contract, contract)


def _may_cancel(visit: Visit, job: PackJob) -> bool:
    return not job.over and (job.asked_by == visit.person.name or not visit.may(frozenset({Role.EVALUATOR})))


@routes.form("/evidence/packs/jobs/{id:[0-9a-f]{24}}/cancel", allow=PACKERS, section=SECTION)
async def cancel(visit: Visit) -> web.Response:
    """End an order; an evaluator ends their own only."""
    found = _job(visit)
    if _may_cancel(visit, found):
        jobs_of(visit.site).cancel(found)
    return visit.see("/evidence/packs", visit.say("已取消。"))


async def pack_of(visit: Visit) -> Pack:
    """Return the address's pack. MissingError where there is none that the person may have."""
    found = await visit.aside(pack_shelf.find, visit.site.settings.data_dir, visit.path("id"))
    if found is None or not _seen(visit, found) or not pack_shelf.path_of(visit.site.settings.data_dir, found).exists():
        raise MissingError
    return found


@routes.page("/evidence/packs/{id:[0-9a-f]{24}}", allow=PACKERS, section=SECTION)
async def one(visit: Visit) -> web.Response:
    """A pack with its digest, what its reader cannot recompute, and how it is verified."""
    pack = await pack_of(visit)
    wanted = [one.role for one in visit.site.settings.evidence.witnesses]
    return visit.render(
        "prove/pack.html",
        pack=pack,
        title=await _title(visit, pack.contract),
        rubric=score_cards.form(pack.rubric).rubric.title if pack.rubric in shipped() else "",
        signed=[visit.say(title(role)) for role in pack.witnesses],
        lacking=[visit.say(title(role)) for role in wanted if role not in pack.witnesses],
        reads_money=visit.may(MONEY_READERS),
    )


@routes.download("/evidence/packs/{id:[0-9a-f]{24}}/pack.zip", allow=PACKERS)
async def download(visit: Visit) -> web.StreamResponse:
    """The pack itself, to be saved."""
    return pack_shelf.send(visit.site.settings.data_dir, await pack_of(visit))
