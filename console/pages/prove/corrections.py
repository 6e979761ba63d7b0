"""剔除与补判: time taken out of the account, or unknown time given a state: claimed by one person, decided by another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from console.claims import correction_steps
from console.claims.correction_steps import Wish
from console.claims.effect import Effect, effects, touched
from console.claims.records import LogRecord, record_of
from console.claims.worth import Worth, worth_of
from console.documents.kept_documents import document
from console.log.sealing import log_of
from console.money.payables import contracts_seen
from console.web.access import EVIDENCE_READERS, MONEY_READERS, Role
from console.web.export import exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import Finding, InputError
from monitor.persons import same_person
from monitor.store.claims import Claim
from settlement.money import fen
from settlement.store import documents

routes = Routes()
SECTION = "evidence"
CLAIMERS = frozenset({Role.OPERATIONS})
"""Who may claim that time does not count, or what unknown time was."""
DECIDERS = frozenset({Role.CHECKER, Role.APPROVER})
"""Who may approve and refuse: finance, and never one's own claim."""
STATES = {
    "pending": N_("待批"),
    "approved": N_("已同意"),
    "withdrawn": N_("已撤回"),
    "revocation": N_("撤回件"),
    "asked": N_("撤回待批"),
}
TONES = {"pending": "warn", "asked": "warn", "approved": "good"}
KINDS = {"": N_("剔除"), "online": N_("补判为在线"), "offline": N_("补判为离线")}


def state_of(row: Claim) -> str:
    """Return where a claim stands, for STATES: a withdrawal that nobody has decided is `asked`."""
    return "asked" if row.status == "revocation" and not row.approved_by else row.status


def _point(row: Claim) -> str:
    return f"/points/{quote(row.point, safe='')}"


COLUMNS: tuple[Column[Claim], ...] = (
    Column("id", N_("编号"), lambda r: r.id, "number", link=lambda r: f"/evidence/corrections/{r.id}"),
    Column("kind", N_("种类"), lambda r: KINDS[r.to], "badge", tone=lambda _r: "plan"),
    Column("point", N_("点位"), lambda r: r.point, "code", link=_point, searched=True),
    Column("start", N_("起"), lambda r: r.start, "instant"),
    Column("end", N_("止"), lambda r: r.end, "instant"),
    Column("seconds", N_("时长"), lambda r: (r.end - r.start) // 1_000_000, "duration"),
    Column("cause", N_("事由"), correction_steps.reason_of, searched=True),
    Column("state", N_("状态"), lambda r: STATES[state_of(r)], "badge", tone=lambda r: TONES.get(state_of(r), "mute")),
    Column("by", N_("申请人"), lambda r: r.claimed_by, searched=True),
    Column("at", N_("申请于"), lambda r: r.claimed_at, "instant", shown=False),
    Column("approver", N_("批准人"), lambda r: r.approved_by, searched=True),
    Column("document", N_("依据"), lambda r: r.document_sha[:12], "code", shown=False),
)  # fmt: skip


class ClaimsQuery(TableQuery):
    """Which claims."""

    state: str = ""
    kind: Literal["", "exclude", "reclassify"] = ""
    point: str = ""


@routes.page("/evidence/corrections", allow=EVIDENCE_READERS, section=SECTION)
async def listing(visit: Visit) -> web.Response:
    """All claims that the person may see, and the form of a new one."""
    return await _page(visit)


async def _page(visit: Visit, entered: Entered[Any] | None = None, status: int = 200) -> web.Response:
    query = visit.query(ClaimsQuery)
    every = await visit.read(correction_steps.listed, visit.scope)
    rows = [
        row
        for row in every
        if query.state in {"", state_of(row)} and query.kind in {"", row.what} and query.point in {"", row.point}
    ]
    if query.format:
        return await exported(visit, rows, COLUMNS, query, "corrections")
    return visit.render(
        "prove/corrections.html",
        status=status,
        entered=entered,
        query=query,
        states=STATES,
        counts={key: sum(state_of(row) == key for row in every) for key in STATES},
        table=table_of(rows, COLUMNS, query),
        may_claim=visit.may(CLAIMERS),
        zone=visit.site.settings.zone,
    )


class ClaimForm(BaseModel):
    """A claim as the form has it: a point and a span, or rows in a file."""

    to: Literal["exclude", "online", "offline"]
    point: Annotated[str, Field(max_length=200)] = ""
    start: Annotated[str, Field(max_length=40)] = ""
    end: Annotated[str, Field(max_length=40)] = ""
    reason: Annotated[str, Field(max_length=200)] = ""


@routes.form("/evidence/corrections", allow=CLAIMERS, section=SECTION)
async def claim(visit: Visit) -> web.Response:
    """Claim: it takes effect when a second person approves it."""
    entered = await visit.enter(ClaimForm)
    given = entered.model
    if given is None:
        return await _page(visit, entered, 422)
    paper, rows = entered.files.get("document"), entered.files.get("rows")
    wish = Wish(
        given.to,
        given.point,
        given.start,
        given.end,
        given.reason,
        None if paper is None else (paper.name, paper.body),
        None if rows is None else (rows.name, rows.body),
    )
    try:
        numbers = await correction_steps.claimed(visit, wish)
    except InputError as error:
        named: Entered[Any] = Entered(
            {**dict.fromkeys(("document", "rows"), ""), **entered.values}, entered.errors, None
        )
        return await _page(visit, named.refused(error), 422)
    said = visit.say("已申请 {n} 条，待另一人批准。").format(n=len(numbers))
    return visit.see(f"/evidence/corrections/{numbers[0]}", said)


class Shown(NamedTuple):
    """A claim with what was claimed together with it, what deciding it would do, and its record in the log."""

    row: Claim
    batch: list[Claim]
    back: Claim | None
    effects: list[Effect]
    beyond: tuple[Finding, ...]
    quarters: list[tuple[str, str]]
    """The (contract, quarter) that what waits would change."""
    record: LogRecord | None


async def shown_of(visit: Visit) -> Shown:
    """Return the address's claim. MissingError where there is none at a point that the person sees."""
    settings = visit.site.settings
    policy = (settings.policy, settings.zone)
    return await visit.read(_shown, visit, _number(visit), policy, log_of(settings).folder)


def _shown(connection: Connection, visit: Visit, number: int, policy: Any, folder: Any) -> Shown:
    every = correction_steps.listed(connection, visit.scope)
    row = next((one for one in every if one.id == number), None)
    if row is None:
        raise MissingError
    batch = correction_steps.batch_of(every, row)
    back = next((one for one in every if one.revokes == row.id), None)
    told: list[Effect] = []
    beyond: tuple[Finding, ...] = ()
    quarters: list[tuple[str, str]] = []
    waiting = correction_steps.pending(batch)
    if waiting:
        quarters = touched(connection, visit.scope, waiting, policy)
        try:
            told = effects(connection, visit.scope, waiting, every, policy)
        except InputError as error:
            beyond = error.findings
    record = record_of(connection, folder, row, policy[1])
    return Shown(row, batch, back, told, beyond, quarters, record)


@routes.page("/evidence/corrections/{n:[0-9]{1,12}}", allow=EVIDENCE_READERS, section=SECTION)
async def one(visit: Visit) -> web.Response:
    """A claim: who, why, on what paper, what approving it does, and where the log holds it."""
    return await _one(visit)


async def _one(visit: Visit, entered: Entered[Any] | None = None, status: int = 200) -> web.Response:
    found = await shown_of(visit)
    row = found.row
    waiting = correction_steps.pending(found.batch)
    own = same_person(row.claimed_by, visit.person.name)
    reads_money = visit.may(MONEY_READERS)
    worths: list[Worth] | None = []
    if reads_money:
        worths = await worth_of(visit, [one for one in found.quarters if visit.person.sees_contract(one[0])], waiting)
    return visit.render(
        "prove/correction.html",
        status=status,
        entered=entered,
        found=found,
        row=row,
        state=state_of(row),
        states=STATES,
        tones=TONES,
        kinds=KINDS,
        waiting=waiting,
        own=own,
        may_decide=visit.may(DECIDERS) and not own and row in waiting,
        may_revoke=visit.may(CLAIMERS | DECIDERS) and row.revokes is None and found.back is None and row.stands,
        reads_money=reads_money,
        worths=worths,
        behind=correction_steps.paper_of(row),
        reason=correction_steps.reason_of(row),
        fen=fen,
        titles=await visit.read(contracts_seen, visit.person) if worths else {},
    )


class DecisionForm(BaseModel):
    """A decision: on this row alone, or on all that waits of its batch."""

    step: Literal["approve", "refuse", "revoke"]
    whole: bool = False
    reason: Annotated[str, Field(max_length=200)] = ""


@routes.form("/evidence/corrections/{n:[0-9]{1,12}}", allow=CLAIMERS | DECIDERS, section=SECTION)
async def decide(visit: Visit) -> web.Response:
    """Approve, refuse or withdraw."""
    every = await visit.read(correction_steps.listed, visit.scope)
    row = next((one for one in every if one.id == _number(visit)), None)
    if row is None:
        raise MissingError
    entered = await visit.enter(DecisionForm)
    given = entered.model
    if given is None:
        return await _one(visit, entered, 422)
    if given.step != "revoke":
        visit.require(DECIDERS)
    batch = correction_steps.pending(correction_steps.batch_of(every, row)) if given.whole else [row]
    try:
        said = await decided(visit, row, batch, given.step, given.reason)
    except InputError as error:
        return await _one(visit, entered.refused(error), 422)
    return visit.see(f"/evidence/corrections/{row.id}", said)


async def decided(visit: Visit, row: Claim, batch: Sequence[Claim], step: str, reason: str) -> str:
    """Take a step on claims of one kind and say what was done. InputError as from the store."""
    numbers = [one.id for one in batch]
    actor = visit.person.name
    if step == "approve":
        count = await visit.write(correction_steps.approve, numbers, row.what, at=visit.at, actor=actor)
        return visit.say("已同意 {n} 条，已记入证据日志。").format(n=count)
    await visit.write(correction_steps.revoke, numbers, row.what, reason, at=visit.at, actor=actor)
    if row.approved_by:
        return visit.say("已提出撤回，待另一人批准。")
    return visit.say("已退回 {n} 条。").format(n=len(numbers))


@routes.download("/evidence/corrections/{n:[0-9]{1,12}}/document", allow=EVIDENCE_READERS)
async def paper(visit: Visit) -> web.Response:
    """The document behind a claim."""
    every = await visit.read(correction_steps.listed, visit.scope)
    row = next((one for one in every if one.id == _number(visit)), None)
    if row is None:
        raise MissingError
    return await visit.read(_paper, row, visit.query(PaperQuery).what)


class PaperQuery(BaseModel):
    """Which document: the one behind the claim, or the rows as claimed (an exclusion's own file)."""

    what: Literal["", "rows"] = ""


def _number(visit: Visit) -> int:
    return int(visit.path("n"))


def _paper(connection: Connection, row: Claim, what: str) -> web.Response:
    if what != "rows" and (behind := correction_steps.paper_of(row)):
        return document(connection, documents.find(connection, behind))
    return document(connection, row.document_sha)
