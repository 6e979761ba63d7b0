"""暗访核验: secret points and times, committed to before and revealed after, and how often the record agreed."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field

from console.evaluator import challenge_steps
from console.evaluator.challenge_steps import ChallengeRow, Paper, Papers, verdict
from console.evaluator.challenging import WITHIN_S, Compared
from console.money.payables import contracts_seen
from console.pages.prove.samples import DRAWERS
from console.web.access import EVIDENCE_READERS
from console.web.export import exported
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.model import State

routes = Routes()
SECTION = "evidence"
STATES = {State.ONLINE: N_("在线"), State.OFFLINE: N_("离线"), State.UNKNOWN: N_("未知"), None: ""}
VERDICTS = {"agrees": N_("一致"), "differs": N_("不一致"), "unknown": N_("记录未知"), "unseen": N_("未观察")}
TONES = {"agrees": "good", "differs": "bad", "unknown": "warn", "unseen": "mute"}


def share(text: str | None) -> Fraction | None:
    """Return a share that a document holds as text."""
    return None if text is None else Fraction(text)


def _rate(row: ChallengeRow) -> Fraction | None:
    return share(row.said["by_policy"]["rate"]) if row.said else None


COLUMNS: tuple[Column[ChallengeRow], ...] = (
    Column("id", N_("承诺"), lambda r: r.id[:16], "code", link=lambda r: f"/evidence/challenges/{r.id}", searched=True),
    Column("at", N_("登记于"), lambda r: r.at, "instant"),
    Column("by", N_("登记人"), lambda r: r.actor, searched=True),
    Column("state", N_("状态"), lambda r: N_("已揭示") if r.said else N_("待揭示"), "badge",
           tone=lambda r: "good" if r.said else "warn"),
    Column("revealed", N_("揭示于"), lambda r: None if r.result is None else r.result.at, "instant"),
    Column("compared", N_("比对"), lambda r: r.said["by_policy"]["compared"] if r.said else None, "number"),
    Column("disagreed", N_("不一致"), lambda r: r.said["by_policy"]["disagreed"] if r.said else None, "number"),
    Column("rate", N_("一致率"), _rate, "percent"),
)  # fmt: skip


def _outage(row: Compared) -> str | None:
    """Where a moment's record is: the point at its day."""
    return f"/points/{quote(row.point, safe='')}"


MOMENTS: tuple[Column[Compared], ...] = (
    Column("point", N_("点位"), lambda r: r.point, "code", link=_outage, searched=True),
    Column("planned", N_("承诺时刻"), lambda r: r.planned, "instant"),
    Column("at", N_("观察时刻"), lambda r: r.at, "instant",
           link=lambda r: None if r.at is None else f"/evidence/challenges/record?point={quote(r.point)}&at={r.at}"),
    Column("seen", N_("所见"), lambda r: STATES[r.seen], "badge"),
    Column("raw", N_("原始记录"), lambda r: STATES[r.raw], "badge"),
    Column("policy", N_("按口径"), lambda r: STATES[r.policy], "badge"),
    Column("verdict", N_("结论"), lambda r: VERDICTS[verdict(r)], "badge", tone=lambda r: TONES[verdict(r)]),
    Column("note", N_("备注"), lambda r: r.note, searched=True),
)  # fmt: skip


@routes.page("/evidence/challenges", allow=EVIDENCE_READERS, section=SECTION)
async def listing(visit: Visit) -> web.Response:
    """Commitments with what came of them, and the two forms."""
    return await _page(visit)


async def _page(visit: Visit, entered: Entered[Any] | None = None, status: int = 200, form: str = "") -> web.Response:
    query = visit.query(TableQuery)
    rows = await visit.read(challenge_steps.challenges, visit.person)
    if query.format:
        return await exported(visit, rows, COLUMNS, query, "challenges")
    return visit.render(
        "prove/challenges.html",
        status=status,
        entered=entered,
        form=form,
        table=table_of(rows, COLUMNS, query),
        contracts=await visit.read(contracts_seen, visit.person),
        within=WITHIN_S,
        may=visit.may(DRAWERS),
    )


class CommitForm(BaseModel):
    """The hash of a list and its salt, reckoned by the evaluator."""

    sha256: Annotated[str, Field(min_length=1, max_length=100)]


@routes.form("/evidence/challenges", allow=DRAWERS, section=SECTION)
async def commit(visit: Visit) -> web.Response:
    """Register a commitment."""
    entered = await visit.enter(CommitForm)
    if entered.model is None:
        return await _page(visit, entered, 422, "commit")
    try:
        found, added = await visit.write(
            challenge_steps.commit, entered.model.sha256, at=visit.at, actor=visit.person.name
        )
    except InputError as error:
        return await _page(visit, entered.refused(error), 422, "commit")
    said = visit.say("已登记承诺，名单和盐值请自行保管到揭示时。") if added else visit.say("这个承诺此前已登记。")
    return visit.see(f"/evidence/challenges/{found.id}", said)


@routes.page("/evidence/challenges/reveal", allow=EVIDENCE_READERS, section=SECTION)
async def to_reveal(visit: Visit) -> web.Response:
    """Where a refused reveal stood, looked at again: the form is on the list's page."""
    return visit.see("/evidence/challenges#reveal")


class RevealForm(BaseModel):
    """What goes with the three files of a reveal."""

    contract: Annotated[str, Field(max_length=100)] = ""
    within: Annotated[int, Field(ge=0, le=86_400)] = WITHIN_S


@routes.form("/evidence/challenges/reveal", allow=DRAWERS, section=SECTION)
async def reveal(visit: Visit) -> web.Response:
    """Reveal a list with its salt and what was seen, and compare it with the record."""
    entered = await visit.enter(RevealForm)
    for name in ("listed", "salt", "seen"):
        if name not in entered.files:
            entered = entered.wrong(name, visit.say("请选择文件"))
    given = entered.model
    if given is None:
        return await _page(visit, entered, 422, "reveal")
    listed, salt, seen = (Paper(*entered.files[name]) for name in ("listed", "salt", "seen"))
    try:
        known = await challenge_steps.revealed(visit, Papers(listed, salt, seen, given.contract, given.within))
    except InputError as error:
        return await _page(visit, entered.refused(error), 422, "reveal")
    return visit.see(f"/evidence/challenges/{known}", visit.say("已揭示并比对，结果已记入证据日志。"))


@routes.page("/evidence/challenges/{sha:[0-9a-f]{64}}", allow=EVIDENCE_READERS, section=SECTION)
async def one(visit: Visit) -> web.Response:
    """A commitment's result: rate, interval, and each moment with what was seen and what the record says."""
    found = await visit.read(challenge_steps.challenge, visit.person, visit.path("sha"))
    if found is None:
        raise MissingError
    row, moments = found
    query = visit.query(MomentsQuery)
    wanted = [one for one in moments if query.verdict in {"", verdict(one)}]
    if query.format:
        return await exported(visit, wanted, MOMENTS, query, "challenge")
    return visit.render(
        "prove/challenge.html",
        row=row,
        said=row.said,
        table=table_of(wanted, MOMENTS, query),
        query=query,
        titles=await visit.read(contracts_seen, visit.person),
        verdicts=VERDICTS,
        counts={key: sum(verdict(one) == key for one in moments) for key in VERDICTS},
        share=share,
        may=visit.may(DRAWERS),
    )


class MomentsQuery(TableQuery):
    """Which moments."""

    verdict: str = ""


class RecordQuery(BaseModel):
    """A point and an instant in microseconds UTC."""

    point: Annotated[str, Field(max_length=200)] = ""
    at: Annotated[int, Field(ge=0, le=10**17)] = 0


@routes.page("/evidence/challenges/record", allow=EVIDENCE_READERS, section=SECTION)
async def record(visit: Visit) -> web.Response:
    """Go to the outage that the record has at an instant, or to the point where it has none."""
    query = visit.query(RecordQuery)
    if query.point not in await visit.read(challenge_steps.codes_seen, visit.scope):
        raise MissingError
    settings = visit.site.settings
    start = await visit.read(
        challenge_steps.outage_at, visit.scope, query.point, query.at, (settings.policy, settings.zone)
    )
    base = f"/points/{quote(query.point, safe='')}"
    return visit.see(base if start is None else f"{base}/outages/{start}")
