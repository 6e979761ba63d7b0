"""Drafting a statement and taking its steps, for programs: the same functions, roles and refusals as on the pages."""

from __future__ import annotations

from console.api.settle.statement_bodies import DraftBody, StepBody
from console.api.settle.statement_shapes import DraftAnswer, StateAnswer
from console.api.settle.statements import ONE, TAG
from console.quarters.carried import Opening
from console.quarters.quarter import Order, keep
from console.settling.actions import HANDLERS, WHO
from console.settling.jobs import compute_draft
from console.settling.taking import Asked, take_step_asked
from console.web.access import FINANCE, Role
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from settlement.daycount import parse_quarter
from settlement.money import fen
from settlement.store import contracts

routes = Routes()


@routes.endpoint(
    "POST",
    f"{ONE}/draft",
    allow=HANDLERS,
    summary="起草 draft",
    tag=TAG,
    body=DraftBody,
    answer=DraftAnswer,
)
async def draft(visit: Visit, body: DraftBody) -> DraftAnswer:
    """Compute a quarter and keep it as a draft; the same inputs add nothing. Doubts are told unless overridden."""
    contract = visit.contract(visit.path("contract"))
    if not await visit.read(contracts.versions, contract):
        raise MissingError
    opening = Opening(_amounts(body.prepaid), body.prepaid == "computed")
    order = Order(contract, parse_quarter(visit.path("quarter")), body.override.strip(), body.redraft, opening)
    told = await visit.compute(compute_draft, visit.site.settings.url, order, visit.today)
    done = await visit.write(keep, order, told.required(), at=visit.at, actor=visit.person.name)
    return DraftAnswer(
        contract=contract,
        quarter=done.stored.quarter,
        revision=done.stored.revision,
        added=done.added,
        inputs_sha256=done.stored.inputs_sha,
        findings=[finding.message for finding in done.findings],
    )


def _amounts(prepaid: dict[str, str] | str | None) -> dict[str, int]:
    if not isinstance(prepaid, dict):
        return {}
    found: dict[str, int] = {}
    for phase, text in prepaid.items():
        try:
            found[phase] = fen(text)
        except ValueError as error:
            raise InputError([Finding("", 0, f"prepaid.{phase}", str(error), "1695600.00")]) from None
        if found[phase] < 0:
            raise InputError([Finding("", 0, f"prepaid.{phase}", "不得小于零 not below zero", "1695600.00")])
    return found


@routes.endpoint(
    "POST",
    f"{ONE}/steps",
    allow=FINANCE | {Role.SUPPLIER},
    summary="办理一步 take a step",
    tag=TAG,
    body=StepBody,
    answer=StateAnswer,
)
async def step(visit: Visit, body: StepBody) -> StateAnswer:
    """Take a step. 403 for another role's step, 409 where somebody was faster, 422 with all that speaks against it."""
    contract = visit.contract(visit.path("contract"))
    visit.require(WHO[body.step])
    asked = Asked(
        contract,
        visit.path("quarter"),
        body.step,
        visit.person.name,
        visit.at,
        visit.today,
        body.reason,
        None if body.seen is None else (body.seen.revision, body.seen.steps),
        None if body.document is None else body.document.paper,
    )
    done = await visit.write(take_step_asked, asked)
    return StateAnswer(
        contract=contract,
        quarter=done.stored.quarter,
        revision=done.stored.revision,
        state=done.life.state.value,
    )
