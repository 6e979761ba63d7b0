"""Disputes for programs: what the supplier contests, and what another person decides."""

from __future__ import annotations

from pydantic import BaseModel

from console.api.settle.statement_answers import dispute_answer
from console.api.settle.statement_bodies import DisputeBody, RulingBody
from console.api.settle.statement_shapes import DisputeAnswer, DisputedAnswer, StateAnswer
from console.api.settle.statements import ONE, required
from console.quarters.disputing import Ruling, decide, dispute_points
from console.quarters.overtaken import OvertakenError
from console.settling.actions import WHO
from console.settling.page import visible_codes
from console.settling.taking import Asked
from console.web.access import MONEY_READERS
from console.web.faults import ConflictError
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse
from settlement.money import fen

routes = Routes()
TAG = "异议 disputes"


class DisputeList(BaseModel):
    """A statement's disputes, oldest first."""

    items: list[DisputeAnswer]


def _fen(text: str | None, column: str) -> int | None:
    try:
        return None if text is None else fen(text)
    except ValueError as error:
        raise refuse(str(error), "1234.56", column=column) from None


@routes.endpoint("GET", f"{ONE}/disputes", allow=MONEY_READERS, summary="异议 disputes", tag=TAG, answer=DisputeList)
async def disputes(visit: Visit) -> DisputeList:
    """List the disputes of a quarter's newest statement with what was decided."""
    found = await required(visit)
    return DisputeList(items=[dispute_answer(dispute) for dispute in found.disputes])


@routes.endpoint(
    "POST",
    f"{ONE}/disputes",
    allow=WHO["dispute"],
    summary="提出异议 contest",
    tag=TAG,
    body=DisputeBody,
    answer=DisputedAnswer,
    status=201,
)
async def add(visit: Visit, body: DisputeBody) -> DisputedAnswer:
    """Contest a line, or points of it: all of them or none."""
    await required(visit)
    contract = visit.path("contract")
    seen = await visit.read(visible_codes, visit.scope, contract) if body.points else None
    strange = [code for code in body.points if seen is not None and code not in seen]
    if strange:
        raise refuse(f"没有点位 no such point: {strange[0]}", "检查点位编号 check its code", column="points")
    asked = _asked(visit, "dispute", body.reason, body)
    try:
        numbers, done = await visit.write(
            dispute_points, asked.action, body.line, body.points or [""], _fen(body.claim, "claim")
        )
    except OvertakenError as error:
        raise ConflictError(str(error.findings[0].message)) from None
    return DisputedAnswer(
        contract=contract,
        quarter=done.stored.quarter,
        revision=done.stored.revision,
        state=done.life.state.value,
        numbers=numbers,
    )


def _asked(visit: Visit, word: str, reason: str, body: DisputeBody | RulingBody) -> Asked:
    seen = body.seen if isinstance(body, DisputeBody) else None
    return Asked(
        visit.path("contract"),
        visit.path("quarter"),
        word,
        visit.person.name,
        visit.at,
        visit.today,
        reason,
        None if seen is None else (seen.revision, seen.steps),
        None if body.document is None else body.document.paper,
    )


@routes.endpoint(
    "POST",
    ONE + "/disputes/{number:\\d{1,9}}/decision",
    allow=WHO["decide"],
    summary="异议复核 decide",
    tag=TAG,
    body=RulingBody,
    answer=StateAnswer,
)
async def rule(visit: Visit, body: RulingBody) -> StateAnswer:
    """Decide a dispute; never its claimant or the statement's maker. 409 where it is decided already."""
    found = await required(visit)
    number = int(visit.path("number"))
    made = next((claim for claim in found.disputes if claim.id == number and claim.decision), None)
    if made is not None:
        raise ConflictError(f"{made.decided_by} 已复核该异议 {made.decided_by} decided it already")
    ruling = Ruling(number, body.decision, _fen(body.grant, "grant"), body.effect)
    done = await visit.write(decide, _asked(visit, "decide", body.opinion, body).action, ruling)
    return StateAnswer(
        contract=visit.path("contract"),
        quarter=done.stored.quarter,
        revision=done.stored.revision,
        state=done.life.state.value,
    )
