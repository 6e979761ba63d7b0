"""Figures typed in from a paper: by one person here, then checked by another against the scan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Connection

from console.authority import receiving
from console.authority.typed import MAX_FIGURES, TypedFigure, TypedSheet
from console.pages.settle.authority.files import sees
from console.web.access import AUTHORITY
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from settlement.contract import Terms

routes = Routes()
ROWS, MOST_ROWS = 6, 100
CELLS = ("phase", "point", "period", "rate", "online", "due")


class RowsQuery(BaseModel):
    """How many rows the form has, and for which contract."""

    contract: str = ""
    rows: int = Field(ROWS, ge=1, le=MOST_ROWS)


class Sheet(BaseModel):
    """The head of the form; its rows are fields like phase-0, period-0, rate-0."""

    contract: str = Field(min_length=1)
    reference: str = Field("", max_length=200)
    received: date
    replaces: bool = False


@routes.page("/authority/typed", allow=AUTHORITY, section="authority")
async def form(visit: Visit) -> web.Response:
    """An empty sheet."""
    return await _form(visit, None)


async def _form(visit: Visit, entered: Entered[Sheet] | None, status: int = 200) -> web.Response:
    query = visit.query(RowsQuery)
    known = await visit.read(_contracts, visit)
    chosen = (entered.values.get("contract") if entered else query.contract) or next(iter(known), "")
    filled = [] if entered is None else [int(n) for name in entered.values for n in [name[6:]] if _row(name, n)]
    return visit.render(
        "settle/authority_typed.html", status=status, entered=entered, contracts=known, chosen=chosen,
        phases=known[chosen].phases if chosen in known else (), rows=max([query.rows, *(n + 1 for n in filled)]),
        most=MOST_ROWS, today=visit.today.isoformat(),
    )  # fmt: skip


def _row(name: str, n: str) -> bool:
    return name.startswith("phase-") and n.isdecimal() and int(n) < MOST_ROWS


def _contracts(connection: Connection, visit: Visit) -> dict[str, Terms]:
    names = [name for name in receiving.known_contracts(connection) if sees(visit, name)]
    return {name: receiving.terms_in_store(connection, name) for name in names}


@routes.form("/authority/typed", allow=AUTHORITY, section="authority")
async def typed(visit: Visit) -> web.Response:
    """Keep the typed figures with their scan; they count once another person has checked them."""
    entered = await visit.enter(Sheet)
    paper = entered.files.get("scan")
    if paper is None:
        entered = entered.wrong("scan", visit.say("手工录入须附盖章扫描件"))
    if entered.model is None or paper is None:
        return await _form(visit, entered, 422)
    head = entered.model
    visit.contract(head.contract)
    try:
        if head.received > visit.today:
            text = f"收到日期在今天之后 after today: {head.received}"
            raise InputError([Finding("", 0, "received", text, "核对日期 check the day")])
        scan = receiving.checked_scan(paper.name, paper.body)
        figures, places = figures_of(entered.values)
        sheet = TypedSheet(reference=head.reference, received_on=head.received, figures=figures)
        terms = await visit.read(receiving.terms_in_store, head.contract)
        arrival = await visit.aside(_arrived, sheet, terms, scan, head, places)
        stored, added = await visit.write(receiving.bring_in, arrival, at=visit.at, actor=visit.person.name)
    except InputError as error:
        return await _form(visit, entered.refused(error), 422)
    said = visit.say("已录入，待另一人对照扫描件核对") if added else visit.say("同样的数此前已录入")
    return visit.see(f"/authority/files/{stored.id}", said)


def _arrived(
    sheet: TypedSheet, terms: Terms, scan: receiving.Scan, head: Sheet, places: list[int]
) -> receiving.Arrival:
    """Read the sheet; complaints about its n-th figure go to the row that it was typed in."""
    try:
        return receiving.typed_arrival(sheet, terms, scan, head.received, replaces=head.replaces)
    except InputError as error:
        raise InputError(_at_row(finding, places) for finding in error.findings) from None


def _at_row(finding: Finding, places: list[int]) -> Finding:
    number = finding.column.removeprefix("figures[").partition("]")[0]
    column = f"rate-{places[int(number)]}" if number.isdecimal() and int(number) < len(places) else finding.column
    return Finding("", 0, column, finding.message, finding.remedy, finding.level)


def figures_of(values: Mapping[str, str]) -> tuple[tuple[TypedFigure, ...], list[int]]:
    """Make figures of the form's filled rows, and say which row each came from. InputError with every fault."""
    figures: list[TypedFigure] = []
    places: list[int] = []
    findings: list[Finding] = []
    for n in range(MOST_ROWS):
        cells: dict[str, Any] = {name: values[f"{name}-{n}"] for name in CELLS if values.get(f"{name}-{n}")}
        if not cells.keys() - {"phase", "period"}:
            continue
        if cells.get("point"):
            cells.pop("phase", None)
        for name in ("online", "due"):
            if str(cells.get(name, "")).isdecimal():
                cells[name] = int(cells[name])
        try:
            figures.append(TypedFigure.model_validate(cells))
            places.append(n)
        except ValidationError as error:
            findings += [
                Finding("", 0, f"{detail['loc'][0] if detail['loc'] else 'rate'}-{n}", "填写有误 not usable", "照原件填写 as on the paper")
                for detail in error.errors()
            ]  # fmt: skip
    if not figures and not findings:
        findings.append(Finding("", 0, "rate-0", "没有填任何数 no figure is typed", f"1–{MAX_FIGURES}"))
    if findings:
        raise InputError(findings)
    return tuple(figures), places
