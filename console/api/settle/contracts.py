"""Contracts for programs: versions, what they say and leave open, their differences, what a change would come to."""

from __future__ import annotations

from typing import Any

from console.api.settle.contract_shapes import (
    BetweenAnswer,
    BetweenQuery,
    ClauseAnswer,
    ContractAnswer,
    ContractList,
    LintAnswer,
    ReadingsAnswer,
    ReadingsQuery,
    RemarkAnswer,
    TermsAnswer,
    TrialAnswer,
    VersionAnswer,
    VersionBody,
    VersionList,
    YamlBody,
)
from console.settling.actions import APPROVERS, HANDLERS
from console.settling.clauses import changed_clauses, clauses_of
from console.settling.contract_page import (
    ApprovedAlreadyError,
    ContractRow,
    VersionRow,
    add_version,
    approve_version,
    contract_list,
    rows_of,
    text_difference,
    versions_of,
)
from console.settling.jobs import Remarked, lint_text, read_contract
from console.settling.studies import study_of
from console.settling.trials import tried_at_once
from console.settling.written import contract_text
from console.web.access import FINANCE, MONEY_READERS
from console.web.faults import ConflictError, MissingError
from console.web.paging import PageQuery, instant, page
from console.web.routes import Routes
from console.web.visit import Visit
from settlement.ambiguity import ambiguity_json
from settlement.readings import percent
from settlement.rules import parse_rate
from settlement.store.contracts import Version
from settlement.whatif import what_if_json

routes = Routes()
TAG = "合同与计费 contracts"
ONE = "/contracts/{name}"


def _contract(row: ContractRow) -> ContractAnswer:
    terms = row.shown.terms
    return ContractAnswer(
        name=row.name,
        title=terms.title,
        purchaser=terms.purchaser,
        supplier=terms.supplier,
        version=row.shown.version,
        status=row.status,
        versions=row.versions,
        pending=row.pending,
        points=row.points,
        quarters=row.quarters,
    )


def _version(row: VersionRow) -> dict[str, Any]:
    version = row.version
    return {
        "contract": version.contract,
        "version": version.version,
        "effective_from": version.effective_from,
        "approved": bool(version.approved_by),
        "status": row.status,
        "added_by": version.actor,
        "added_at": instant(version.recorded_at),
        "approved_by": version.approved_by or None,
        "approved_at": instant(version.approved_at),
        "sha256": version.sha256,
    }


def _remark(remark: Remarked) -> RemarkAnswer:
    return RemarkAnswer(
        level=remark.level,
        code=remark.code,
        line=remark.line,
        place=remark.place,
        message=remark.message,
        remedy=remark.remedy,
        amount=remark.amount or None,
    )


async def _versions(visit: Visit) -> list[Version]:
    found = await visit.read(versions_of, visit.contract(visit.path("name")))
    if not found:
        raise MissingError
    return found


def _one(visit: Visit, found: list[Version], number: int | None) -> VersionRow:
    rows = rows_of(found, visit.today)
    if number is None:
        return next((row for row in rows if row.tone == "good"), rows[0])
    row = next((row for row in rows if row.version.version == number), None)
    if row is None:
        raise MissingError
    return row


@routes.endpoint(
    "GET", "/contracts", allow=MONEY_READERS, summary="合同 contracts", tag=TAG, query=PageQuery, answer=ContractList
)
async def contracts(visit: Visit, query: PageQuery) -> ContractList:
    """List the contracts that the person sees."""
    rows = await visit.read(contract_list, visit.person, visit.today)
    found, following = page(rows, query, lambda row: row.name)
    return ContractList(items=[_contract(row) for row in found], next=following)


@routes.endpoint("GET", f"{ONE}/versions", allow=MONEY_READERS, summary="版本 versions", tag=TAG, answer=VersionList)
async def versions(visit: Visit) -> VersionList:
    """List a contract's versions, newest first."""
    rows = rows_of(await _versions(visit), visit.today)
    return VersionList(items=[VersionAnswer(**_version(row)) for row in rows])


@routes.endpoint(
    "GET",
    ONE + "/versions/{number:\\d{1,6}}",
    allow=MONEY_READERS,
    summary="一个版本 a version's terms",
    tag=TAG,
    answer=TermsAnswer,
)
async def terms(visit: Visit) -> TermsAnswer:
    """Return a version's terms as data, as YAML and in words."""
    row = _one(visit, await _versions(visit), int(visit.path("number")))
    its = row.version.terms
    return TermsAnswer(
        **_version(row),
        terms=its.document(),
        yaml=contract_text(its),
        clauses=[ClauseAnswer(about=c.about, text=c.text, source=c.source) for c in clauses_of(its, visit.say)],
    )


@routes.endpoint(
    "GET",
    f"{ONE}/differences",
    allow=MONEY_READERS,
    summary="两版之差 between versions",
    tag=TAG,
    query=BetweenQuery,
    answer=BetweenAnswer,
)
async def differences(visit: Visit, query: BetweenQuery) -> BetweenAnswer:
    """Compare two versions in words and as YAML."""
    found = await _versions(visit)
    one, other = (_one(visit, found, number).version.terms for number in (query.one, query.other))
    return BetweenAnswer(
        words=[(row.about, row.before, row.after) for row in changed_clauses(one, other, visit.say)],
        yaml=[line for _, line in text_difference(one, other).lines],
    )


@routes.endpoint(
    "POST",
    "/contracts",
    allow=HANDLERS,
    summary="录入版本 add a version",
    tag=TAG,
    body=VersionBody,
    answer=VersionAnswer,
    status=201,
)
async def add(visit: Visit, body: VersionBody) -> VersionAnswer:
    """Store a contract or an amendment, pending until another person approves it. 422 with every error at its line."""
    found = (await visit.compute(read_contract, "yaml", body.yaml)).required()
    visit.contract(found.contract)
    version, _ = await visit.write(add_version, found, body.effective_from, at=visit.at, actor=visit.person.name)
    return VersionAnswer(**_version(rows_of([version], visit.today)[0]))


@routes.endpoint(
    "POST",
    ONE + "/versions/{number:\\d{1,6}}/approve",
    allow=APPROVERS,
    summary="批准版本 approve a version",
    tag=TAG,
    answer=VersionAnswer,
)
async def approve(visit: Visit) -> VersionAnswer:
    """Put a version in force; never one's own. 409 where somebody was faster."""
    row = _one(visit, await _versions(visit), int(visit.path("number")))
    name, number = row.version.contract, row.version.version
    try:
        done = await visit.write(approve_version, name, number, at=visit.at, actor=visit.person.name)
    except ApprovedAlreadyError as error:
        raise ConflictError(str(error.findings[0].message)) from None
    return VersionAnswer(**_version(rows_of([done], visit.today)[0]))


@routes.endpoint(
    "POST", "/contracts/lint", allow=FINANCE, summary="签订前检查 lint", tag=TAG, body=YamlBody, answer=LintAnswer
)
async def lint(visit: Visit, body: YamlBody) -> LintAnswer:
    """Say what a contract's YAML leaves open, before it is signed."""
    _, remarks = (await visit.compute(lint_text, "yaml", body.yaml)).required()
    return LintAnswer(items=[_remark(remark) for remark in remarks])


@routes.endpoint(
    "GET",
    f"{ONE}/readings",
    allow=MONEY_READERS,
    summary="口径差异 what the wording leaves open",
    tag=TAG,
    query=ReadingsQuery,
    answer=ReadingsAnswer,
)
async def readings(visit: Visit, query: ReadingsQuery) -> ReadingsAnswer:
    """Compute the ambiguity report of a version: what each reading pays, and the spread."""
    version = _one(visit, await _versions(visit), query.version).version
    rates = [parse_rate(text) for text in query.rate] or None
    study = await study_of(visit, version.terms, version.sha256, rates, query.quarter)
    return ReadingsAnswer(
        contract=version.contract,
        version=version.version,
        quarter=study.quarter,
        points=study.sizes,
        rules_left_out=list(study.left_out),
        rates=[
            {"rate": percent(rate.value), **ambiguity_json(report)}
            for rate, report in zip(study.rates, study.reports, strict=True)
        ],
    )


@routes.endpoint(
    "POST",
    f"{ONE}/what-if",
    allow=FINANCE,
    summary="试算 past quarters under a changed contract",
    tag=TAG,
    body=YamlBody,
    answer=TrialAnswer,
)
async def what_if(visit: Visit, body: YamlBody) -> TrialAnswer:
    """Settle the past quarters under changed terms, and say the differences; nothing is stored."""
    name = (await _versions(visit))[-1].contract
    after = (await visit.compute(read_contract, "yaml", body.yaml)).required()
    found = what_if_json(await tried_at_once(visit, name, after))
    return TrialAnswer(contract=name, **found)
