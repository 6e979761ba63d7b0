"""A contract's versions as somebody adds them from YAML, and another person approves them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from console.pages.settle.contracts.frame import at, chosen, given, versions_here
from console.pages.settle.contracts.shown import contract_answer
from console.settling.actions import APPROVERS, HANDLERS
from console.settling.contract_page import (
    ApprovedAlreadyError,
    add_version,
    approve_version,
)
from console.settling.jobs import Remarked, lint_text, read_contract
from console.settling.written import contract_text
from console.web.faults import ConflictError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError

routes = Routes()


class VersionForm(BaseModel):
    """A contract's YAML, typed or uploaded, and from which day it holds."""

    model_config = ConfigDict(extra="ignore")

    text: Annotated[str, Field(max_length=262_144)] = ""
    effective_from: date | None = None
    check: bool = False


@routes.page("/new-contract", allow=HANDLERS, section="contracts")
async def new_contract(visit: Visit) -> Any:
    """The form for a first contract."""
    return _version_page(visit, "", "", None)


@routes.page("/contracts/{name}/new", allow=HANDLERS, section="contracts")
async def new_version(visit: Visit) -> Any:
    """The form for a further version, filled with the newest one."""
    found = await versions_here(visit)
    return _version_page(visit, found[-1].contract, contract_text(found[-1].terms), None)


def _version_page(
    visit: Visit,
    name: str,
    text: str,
    entered: Entered[VersionForm] | None,
    findings: tuple[Any, ...] = (),
    remarks: list[Remarked] | None = None,
) -> web.Response:
    return visit.render(
        "settle/contract_version.html",
        status=422 if findings or (entered is not None and entered.errors) else 200,
        name=name,
        base=at(name) if name else "/contracts",
        text=text,
        entered=entered,
        findings=findings,
        remarks=remarks,
    )


@routes.form("/new-contract", allow=HANDLERS, section="contracts")
async def add_contract(visit: Visit) -> Any:
    """Store a first contract, pending."""
    return await _add(visit, "")


@routes.form("/contracts/{name}/new", allow=HANDLERS, section="contracts")
async def add(visit: Visit) -> Any:
    """Store a further version, pending."""
    found = await versions_here(visit)
    return await _add(visit, found[-1].contract)


async def _add(visit: Visit, name: str) -> web.Response:
    entered = await visit.enter(VersionForm)
    file, text = given(entered)
    if entered.model is None or not text:
        if not text:
            entered = entered.wrong("text", visit.say("请填写或上传合同文件"))
        return _version_page(visit, name, text, entered)
    told = await visit.compute(read_contract, file, text)
    if told.result is None:
        return _version_page(visit, name, text, entered, told.findings)
    terms = told.result
    if name and terms.contract != name:
        wrong = visit.say("文件中的合同编号是 {other}，不是 {name}").format(other=terms.contract, name=name)
        return _version_page(visit, name, text, entered.wrong("text", wrong))
    visit.contract(terms.contract)
    if entered.model.check:
        _, remarks = (await visit.compute(lint_text, file, text)).required()
        return _version_page(visit, name, text, entered, (), remarks)
    try:
        version, added = await visit.write(
            add_version, terms, entered.model.effective_from, at=visit.at, actor=visit.person.name
        )
    except InputError as error:
        return _version_page(visit, name, text, entered, error.findings)
    said = visit.say("已录入版本 {n}，待另一人批准") if added else visit.say("没有变化，仍是版本 {n}")
    return visit.see(f"{at(version.contract)}?version={version.version}", said.format(n=version.version))


@routes.form("/contracts/{name}/versions/{number:\\d{1,6}}/approve", allow=APPROVERS, section="contracts")
async def approve(visit: Visit) -> Any:
    """Put a version in force; never one's own."""
    found = await versions_here(visit)
    version = chosen(visit, found, int(visit.path("number")))
    try:
        done = await visit.write(
            approve_version, version.contract, version.version, at=visit.at, actor=visit.person.name
        )
    except ApprovedAlreadyError as error:
        raise ConflictError(str(error.findings[0].message)) from None
    except InputError as error:
        return contract_answer(visit, found, version, Entered[Any]().refused(error))
    said = visit.say("版本 {n} 自 {day} 起生效").format(n=done.version, day=done.effective_from)
    return visit.see(f"{at(done.contract)}?version={done.version}", said)
