"""合同与计费: contracts with their versions, what they say, and what they leave open."""

from __future__ import annotations

from fractions import Fraction
from typing import Any
from urllib.parse import quote

from aiohttp import web

from console.pages.settle.contracts.frame import ContractQuery, at, chosen, versions_here
from console.settling.actions import APPROVERS, HANDLERS
from console.settling.clauses import changed_clauses, clauses_of
from console.settling.components import component_word
from console.settling.contract_page import (
    ContractRow,
    contract_list,
    rows_of,
    text_difference,
)
from console.settling.phases import of_terms
from console.settling.studies import study_of
from console.settling.written import contract_text
from console.web.access import FINANCE, MONEY_READERS
from console.web.export import attachment, exported
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.finding import InputError
from monitor.persons import same_person
from settlement.readings import READINGS, percent
from settlement.rules import OnlineRate, parse_rate
from settlement.store.contracts import Version

routes = Routes()
TRIERS = FINANCE
"""Who may try a changed contract on past quarters: it shows money and takes a worker's time."""


@routes.page("/contracts", allow=MONEY_READERS, section="contracts")
async def contracts(visit: Visit) -> Any:
    """Every contract that the person sees."""
    query = visit.query(TableQuery)
    rows = await visit.read(contract_list, visit.person, visit.today)
    columns: list[Column[ContractRow]] = [
        Column("name", N_("合同"), lambda row: row.name, link=lambda row: at(row.name), searched=True),
        Column("title", N_("名称"), lambda row: row.shown.terms.title, searched=True),
        Column("supplier", N_("供应商"), lambda row: row.shown.terms.supplier, searched=True),
        Column("phases", N_("期次"), lambda row: len(row.shown.terms.phases), "number"),
        Column("points", N_("在册点位"), lambda row: row.points, "number"),
        Column("version", N_("版本"), lambda row: row.shown.version, "number"),
        Column("status", N_("状态"), lambda row: row.status, "badge", tone=lambda _: "mute"),
        Column("pending", N_("待批准的版本"), lambda row: row.pending or None, "number", link=lambda row: at(row.name)),
        Column(
            "quarters",
            N_("结算单"),
            lambda row: row.quarters,
            "number",
            link=lambda row: f"/settlement?contract={quote(row.name)}",
        ),
    ]
    if query.format:
        return await exported(visit, rows, columns, query, "contracts")
    return visit.render("settle/contracts.html", table=table_of(rows, columns, query), rows=rows)


@routes.page("/contracts/{name}", allow=MONEY_READERS, section="contracts")
async def contract(visit: Visit) -> Any:
    """What a contract says: phases and prices, clauses and rules in words, its versions."""
    found = await versions_here(visit)
    return contract_answer(visit, found, chosen(visit, found, visit.query(ContractQuery).version))


def contract_answer(
    visit: Visit, found: list[Version], version: Version, entered: Entered[Any] | None = None
) -> web.Response:
    """Return the page of a version, with what was wrong with a form of it."""
    rows = rows_of(found, visit.today)
    return visit.render(
        "settle/contract.html",
        status=200 if entered is None else 422,
        v=version,
        base=at(version.contract),
        rows=rows,
        status_of=next(row for row in rows if row.version.version == version.version),
        clauses=clauses_of(version.terms, visit.say),
        component_word=component_word,
        may_add=visit.may(HANDLERS),
        may_try=visit.may(TRIERS),
        approver=visit.may(APPROVERS),
        own=lambda row: same_person(row.version.actor, visit.person.name),
        entered=entered,
    )


@routes.page("/contracts/{name}/readings", allow=MONEY_READERS, section="contracts")
async def readings(visit: Visit) -> Any:
    """What the wording leaves open, in yuan; cliffs; what the linter says."""
    found = await versions_here(visit)
    query = visit.query(ContractQuery)
    version = chosen(visit, found, query.version)
    wrong: tuple[Any, ...] = ()
    rates: list[OnlineRate] | None = None
    try:
        rates = [parse_rate(query.rate)] if query.rate else None
        study = await study_of(visit, version.terms, version.sha256, rates)
    except InputError as error:
        wrong = error.findings
        study = await study_of(visit, version.terms, version.sha256)
    return visit.render(
        "settle/contract_readings.html",
        v=version,
        base=at(version.contract),
        study=study,
        readings=READINGS,
        percent_text=percent,
        wrong=wrong,
        query=query,
        zero=Fraction(0),
        words=of_terms(version.terms),
    )


@routes.page("/contracts/{name}/compare", allow=MONEY_READERS, section="contracts")
async def compare(visit: Visit) -> Any:
    """Two versions side by side: in words, and as they would be written."""
    found = await versions_here(visit)
    query = visit.query(ContractQuery)
    other = chosen(visit, found, query.other or found[-1].version)
    one = chosen(visit, found, query.one or max(1, other.version - 1))
    return visit.render(
        "settle/contract_compare.html",
        base=at(other.contract),
        one=one,
        other=other,
        found=found,
        words=changed_clauses(one.terms, other.terms, visit.say),
        difference=text_difference(one.terms, other.terms),
    )


@routes.download("/contracts/{name}/versions/{number:\\d{1,6}}.yaml", allow=MONEY_READERS)
async def yaml_file(visit: Visit) -> Any:
    """A version as the file that it would be read from."""
    found = await versions_here(visit)
    version = chosen(visit, found, int(visit.path("number")))
    name = f"{version.contract}-v{version.version}.yaml"
    return attachment(contract_text(version.terms).encode(), "application/yaml", name)
