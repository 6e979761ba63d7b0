"""异议: what the supplier contests — a line or points of it — and what another person decides."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.money.typed import fen_of
from console.pages.settle.statement.frame import tabs
from console.pages.settle.statement.shown import statement_of
from console.quarters.disputing import Ruling, decide, dispute_points
from console.quarters.overtaken import OvertakenError
from console.settling.actions import WHO
from console.settling.contesting import contestable
from console.settling.page import KINDS, Shown, address, visible_codes
from console.settling.taking import Asked
from console.web.access import MONEY_READERS
from console.web.faults import ConflictError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError, refuse
from settlement.disputes import DECISION_ZH

routes = Routes()
AT = "/settlement/{contract}/{quarter}/disputes"
Yuan = Annotated[str, Field(max_length=30)]


class DisputeForm(BaseModel):
    """What is contested, by how much and why."""

    model_config = ConfigDict(extra="ignore")

    line: Annotated[int, Field(ge=1, le=100_000)]
    points: Annotated[str, Field(max_length=20_000)] = ""
    claim: Yuan = ""
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    seen_revision: Annotated[int, Field(ge=0)]
    seen_steps: Annotated[int, Field(ge=0)]


class RulingForm(BaseModel):
    """What is decided, how much is granted, how it reaches the supplier, and the opinion."""

    model_config = ConfigDict(extra="ignore")

    decision: Literal["upheld", "partly", "accepted"]
    grant: Yuan = ""
    effect: Literal["amount", "data"] = "amount"
    opinion: Annotated[str, Field(min_length=1, max_length=2_000)]


def _page(visit: Visit, found: Shown, entered: Entered[Any] | None = None, about: int | None = None) -> web.Response:
    return visit.render(
        "settle/statement_disputes.html",
        status=200 if entered is None else 422,
        s=found,
        tabs=tabs(found, "disputes", visit.say),
        kinds=KINDS,
        lines={line.n: line for line in found.view.lines},
        contestable=contestable(found.view.lines),
        decisions=DECISION_ZH,
        entered=entered,
        about=about,
        asked_line=visit.request.query.get("line", ""),
        asked_points=visit.request.query.get("points", ""),
        address=address,
    )


@routes.page(AT, allow=MONEY_READERS, section="settlement")
async def disputes(visit: Visit) -> Any:
    """Every dispute of the statement, what was decided, and the form for a new one."""
    return _page(visit, await statement_of(visit))


def _said(found: Shown, error: InputError) -> InputError:
    """Return complaints that name phases as the contract does, without the statement's name: its page is open."""
    own = found.head.name
    return InputError(
        replace(
            finding,
            column="" if finding.column == own else finding.column,
            message=found.said(finding.message),
            remedy=finding.remedy.replace("--grant ", ""),
        )
        for finding in error.findings
    )


def _asked(visit: Visit, word: str, reason: str, entered: Entered[Any], seen: tuple[int, int] | None = None) -> Asked:
    paper = entered.files.get("paper")
    return Asked(
        visit.path("contract"),
        visit.path("quarter"),
        word,
        visit.person.name,
        visit.at,
        visit.today,
        reason,
        seen,
        None if paper is None else (paper.body, paper.name),
    )


@routes.form(AT, allow=WHO["dispute"], section="settlement")
async def add_dispute(visit: Visit) -> Any:
    """Contest a line, or points of it; all of them or none."""
    found = await statement_of(visit)
    entered = await visit.enter(DisputeForm)
    form = entered.model
    if form is None:
        return _page(visit, found, entered)
    codes = [code for code in re.split(r"[\s,，、;；]+", form.points) if code]
    seen = (form.seen_revision, form.seen_steps)
    try:
        claim = fen_of(form.claim, "claim") if form.claim else None
        await _visible(visit, codes)
        asked = _asked(visit, "dispute", form.reason, entered, seen)
        numbers, _ = await visit.write(dispute_points, asked.action, form.line, codes or [""], claim)
    except OvertakenError as error:
        raise ConflictError(str(error.findings[0].message)) from None
    except InputError as error:
        return _page(visit, found, entered.refused(_said(found, error)))
    said = visit.say("已提出异议，编号 {numbers}；无争议部分照走。")
    return visit.see(f"{found.base}/disputes", said.format(numbers="、".join(map(str, numbers))))


async def _visible(visit: Visit, codes: list[str]) -> None:
    """Refuse points that the person does not see, in the same words as those that are not there."""
    seen = await visit.read(visible_codes, visit.scope, visit.path("contract")) if codes else None
    strange = [code for code in codes if seen is not None and code not in seen]
    if strange:
        raise refuse(
            f"没有点位 no such point: {'、'.join(strange[:10])}", "检查点位编号 check the point's code", column="points"
        )


@routes.form(AT + "/{number:\\d{1,9}}", allow=WHO["decide"], section="settlement")
async def decide_dispute(visit: Visit) -> Any:
    """Decide a dispute; never its claimant or the statement's maker."""
    found = await statement_of(visit)
    number = int(visit.path("number"))
    entered = await visit.enter(RulingForm)
    form = entered.model
    if form is None:
        return _page(visit, found, entered, number)
    made = next((claim for claim in found.disputes if claim.id == number and claim.decision), None)
    if made is not None:
        raise ConflictError(f"{made.decided_by} 已复核该异议 {made.decided_by} decided it already")
    try:
        grant = fen_of(form.grant, "grant") if form.grant and form.decision == "partly" else None
        action = _asked(visit, "decide", form.opinion, entered).action
        await visit.write(decide, action, Ruling(number, form.decision, grant, form.effect))
    except InputError as error:
        return _page(visit, found, entered.refused(_said(found, error)), number)
    said = visit.say("异议 {number}：{decision}").format(number=number, decision=visit.say(DECISION_ZH[form.decision]))
    return visit.see(f"{found.base}/disputes", said)
