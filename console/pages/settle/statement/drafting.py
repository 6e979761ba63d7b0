"""Drafting a quarter: the prepayment of a first quarter, doubts and their override, a further revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.money.typed import fen_typed
from console.quarters.carried import Opening
from console.quarters.progress import STAGES
from console.quarters.quarter import Order
from console.settling.drafting import Drafting, draftings_of, waited
from console.settling.drafts import DraftInfo, draft_info
from console.settling.page import address
from console.web.access import Role
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from settlement.daycount import parse_quarter
from settlement.doubts import Doubt

routes = Routes()
HANDLERS = frozenset({Role.HANDLER})
AT = "/settlement/{contract}/{quarter}/draft"


class DraftForm(BaseModel):
    """How a quarter is drafted. `prepaid` tells where the prepayment of the store's first quarter comes from."""

    model_config = ConfigDict(extra="ignore")

    prepaid: Annotated[str, Field(pattern="^(|computed|given)$")] = ""
    override: Annotated[str, Field(max_length=2_000)] = ""
    redraft: bool = False


@routes.page(AT, allow=HANDLERS, section="settlement")
async def draft_page(visit: Visit) -> Any:
    """What a draft needs to be told."""
    return _page(visit, await _info(visit))


async def _info(visit: Visit) -> DraftInfo:
    contract, quarter = visit.contract(visit.path("contract")), visit.path("quarter")
    try:
        parse_quarter(quarter)
    except InputError:
        raise MissingError from None
    info = await visit.read(draft_info, contract, quarter)
    if info is None:
        raise MissingError
    return info


def _page(
    visit: Visit,
    info: DraftInfo,
    entered: Entered[DraftForm] | None = None,
    doubts: Sequence[Doubt] = (),
) -> web.Response:
    return visit.render(
        "settle/statement_draft.html",
        status=200 if entered is None else 422,
        info=info,
        entered=entered,
        doubts=doubts,
        under_way=draftings_of(visit).under_way(info.contract, info.quarter),
        address=address,
        words=info.words,
    )


@routes.form(AT, allow=HANDLERS, section="settlement")
async def draft(visit: Visit) -> Any:
    """Compute the quarter in a process of its own, and store it as a draft."""
    info = await _info(visit)
    entered = await visit.enter(DraftForm)
    form = entered.model
    if form is None:
        return _page(visit, info, entered)
    try:
        amounts = _amounts(entered.values, info) if form.prepaid == "given" else {}
        opening = Opening(amounts, form.prepaid == "computed")
        order = Order(info.contract, parse_quarter(info.quarter), form.override.strip(), form.redraft, opening)
        begun = draftings_of(visit).start(visit, order, entered.values)
    except InputError as error:
        return _page(visit, info, entered.refused(error))
    return _answer(visit, info, await waited(begun))


@routes.page(AT + "/{key:[0-9a-f]{16}}", allow=HANDLERS, section="settlement")
async def drafting_page(visit: Visit) -> Any:
    """How far a draft is; once it is over, the statement, or the form with what speaks against it."""
    info = await _info(visit)
    found = draftings_of(visit).find(visit.path("key"), info.contract, info.quarter)
    if found is None:
        return visit.see(address(info.contract, info.quarter))
    await waited(found, 0)
    if not found.over:
        return visit.render(
            "settle/statement_drafting.html", info=info, draft=found, progress=found.progress, stages=STAGES,
            address=address,
        )  # fmt: skip
    if "HX-Request" in visit.request.headers:  # the part asked itself: let the browser open the page anew
        return web.Response(headers={"HX-Redirect": visit.request.path})
    return _answer(visit, info, found)


def _answer(visit: Visit, info: DraftInfo, draft: Drafting) -> web.Response:
    """Return what a draft came to, or the way to where its progress is seen."""
    if not draft.over:
        return visit.see(address(info.contract, info.quarter, "draft", draft.key))
    if draft.made is None:
        entered: Entered[DraftForm] = Entered(draft.values)
        if draft.doubts:
            return _page(visit, info, entered, draft.doubts)
        return _page(visit, info, entered.refused(InputError(draft.findings)))
    said = visit.say("已起草第 {n} 版") if draft.made.added else visit.say("输入没有变化，仍是第 {n} 版")
    return visit.see(address(info.contract, info.quarter), said.format(n=draft.made.stored.revision))


def _amounts(values: Mapping[str, str], info: DraftInfo) -> dict[str, int]:
    """Read what was prepaid by phase. InputError at the fields."""
    found: dict[str, int] = {}
    findings = []
    for phase, _ in info.phases:
        name = f"prepaid-{phase}"
        text = values.get(name, "")
        if not text:
            continue
        try:
            found[phase] = fen_typed(text)
            if found[phase] < 0:
                raise ValueError("不得小于零 not below zero")
        except ValueError as error:
            findings.append(Finding("", 0, name, str(error), "写成 1695600.00 write it like that"))
    if not found and not findings:
        findings.append(Finding("", 0, "prepaid", "没有填写金额 no amount is given", "按期次填写 fill it in by phase"))
    if findings:
        raise InputError(findings)
    return found
