"""Exclusions and reclassifications for programs: claimed by one person, decided by another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from console.api.prove.correction_answers import (
    ClaimAnswer,
    ClaimBody,
    ClaimDetail,
    ClaimList,
    ClaimNumbers,
    ClaimsQuery,
    DecisionBody,
    RecordAnswer,
    answer_of,
    effect_of,
    worth_answer,
)
from console.claims import correction_steps
from console.claims.correction_steps import Wish, as_csv
from console.claims.effect import Effect, effects, touched
from console.claims.records import LogRecord, record_of
from console.claims.worth import worth_of
from console.log.sealing import log_of
from console.web.access import EVIDENCE_READERS, MONEY_READERS, Role
from console.web.faults import MissingError
from console.web.paging import page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from monitor.store.claims import Claim

routes = Routes()
TAG = "剔除与补判 corrections"
CLAIMERS = frozenset({Role.OPERATIONS})
DECIDERS = frozenset({Role.CHECKER, Role.APPROVER})
FIRST_LINE = 2
"""Where a file's first row stands, under its heading."""


@routes.endpoint(
    "GET",
    "/evidence/corrections",
    allow=EVIDENCE_READERS,
    summary="剔除与补判 corrections",
    tag=TAG,
    query=ClaimsQuery,
    answer=ClaimList,
)
async def listing(visit: Visit, query: ClaimsQuery) -> ClaimList:
    """List claims at points that one sees, the newest first."""
    rows = [
        row
        for row in await visit.read(correction_steps.listed, visit.scope)
        if query.point in {"", row.point} and query.kind in {"", row.what} and query.status in {"", row.status}
    ]
    found, following = page(rows, query, lambda row: str(row.id))
    return ClaimList(items=[answer_of(row) for row in found], next=following)


@routes.endpoint(
    "POST",
    "/evidence/corrections",
    allow=CLAIMERS,
    summary="申请剔除或补判 claim",
    tag=TAG,
    body=ClaimBody,
    answer=ClaimNumbers,
    status=201,
)
async def claim(visit: Visit, body: ClaimBody) -> ClaimNumbers:
    """Claim that time does not count, or what unknown time was; it waits for a second person."""
    wish = Wish(body.to, body.point, body.start, body.end, body.reason, body.paper())
    if body.rows:
        rows = [(row.point, row.start, row.end, row.reason) for row in body.rows]
        wish = wish._replace(rows=("rows.csv", as_csv(body.to, rows)))
    try:
        numbers = await correction_steps.claimed(visit, wish)
    except InputError as error:
        raise InputError(_at_row(finding, bool(body.rows)) for finding in error.findings) from None
    return ClaimNumbers(items=numbers)


def _at_row(finding: Finding, rows: bool) -> Finding:
    """Say a complaint about a line of the file that the rows were written to as one about its row: rows[n].column."""
    if not rows or finding.line < FIRST_LINE:
        return finding
    return replace(finding, file="", line=0, column=f"rows[{finding.line - FIRST_LINE}].{finding.column}")


@routes.endpoint(
    "GET",
    "/evidence/corrections/{number}",
    allow=EVIDENCE_READERS,
    summary="一条申请及其影响 a claim and its effect",
    tag=TAG,
    answer=ClaimDetail,
)
async def one(visit: Visit) -> ClaimDetail:
    """Return a claim with what approving would change, point by point."""
    settings = visit.site.settings
    policy = (settings.policy, settings.zone)
    reads_money = visit.may(MONEY_READERS)
    row, batch, told, record, quarters = await visit.read(_read, visit, policy, log_of(settings).folder)
    worths = None
    if reads_money:
        seen = [one for one in quarters if visit.person.sees_contract(one[0])]
        worths = await worth_of(visit, seen, correction_steps.pending(batch), None)
    return ClaimDetail(
        claim=answer_of(row),
        batch=[each.id for each in batch],
        effects=None if told is None else [effect_of(each, reads_money) for each in told],
        worth=None if worths is None else [worth_answer(each) for each in worths],
        record=None
        if record is None
        else RecordAnswer(
            id=record.id,
            day=record.day or None,
            leaf=record.leaf,
            leaf_hash=record.hash or None,
            line=record.line,
        ),
    )


def _read(
    connection: Connection, visit: Visit, policy: Any, folder: Any
) -> tuple[Claim, list[Claim], list[Effect] | None, LogRecord | None, list[tuple[str, str]]]:
    row, every = _of(connection, visit)
    batch = correction_steps.batch_of(every, row)
    waiting = correction_steps.pending(batch)
    told: list[Effect] | None = []
    try:
        told = effects(connection, visit.scope, waiting, every, policy)
    except InputError:
        told = None
    quarters = touched(connection, visit.scope, waiting, policy)
    return row, batch, told, record_of(connection, folder, row, policy[1]), quarters


def _of(connection: Connection, visit: Visit) -> tuple[Claim, list[Claim]]:
    text = visit.path("number")
    every = correction_steps.listed(connection, visit.scope)
    row = next((each for each in every if str(each.id) == text), None)
    if row is None:
        raise MissingError
    return row, every


@routes.endpoint(
    "POST",
    "/evidence/corrections/{number}/approve",
    allow=DECIDERS,
    summary="同意 approve",
    tag=TAG,
    answer=ClaimAnswer,
)
async def approve(visit: Visit) -> ClaimAnswer:
    """Approve a claim or a withdrawal that another person made."""
    row, _ = await visit.read(_of, visit)
    await visit.write(correction_steps.approve, [row.id], row.what, at=visit.at, actor=visit.person.name)
    return answer_of((await visit.read(_of, visit))[0])


@routes.endpoint(
    "POST",
    "/evidence/corrections/{number}/revoke",
    allow=CLAIMERS | DECIDERS,
    summary="退回或撤回 refuse or withdraw",
    tag=TAG,
    body=DecisionBody,
    answer=ClaimNumbers,
)
async def revoke(visit: Visit, body: DecisionBody) -> ClaimNumbers:
    """Withdraw a claim: one that is pending at once, one that was approved when a second person approves it."""
    row, _ = await visit.read(_of, visit)
    numbers = await visit.write(
        correction_steps.revoke, [row.id], row.what, body.reason, at=visit.at, actor=visit.person.name
    )
    return ClaimNumbers(items=numbers)
