"""A file brought in: uploaded, its first rows shown with what each column is taken for, the mapping set right, confirmed."""

from __future__ import annotations

import re
from collections.abc import Mapping as ReadOnly
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Connection

from console.authority import receiving
from console.authority.mapping import Mapping
from console.authority.periods import when_of
from console.authority.previewing import FIELD_ZH, Preview, fields, preview
from console.authority.reading import Asked
from console.documents import uploads
from console.pages.settle.authority.files import COUNTS, RATES, sees
from console.settling.phases import of_terms, words_of
from console.web.access import AUTHORITY
from console.web.faults import MissingError
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from settlement.contract import Terms
from settlement.store import authority as store

routes = Routes()
SHOWN_NOTES = 100
SHOWN_FIGURES = 8


class Upload(BaseModel):
    """A file, the contract that it is for, and how it is to be read at first."""

    contract: str = Field(min_length=1)
    mapping: str = ""


class Choice(BaseModel):
    """What the importer says of a file: how it is read, what it lacks, when it came; `action` is the button."""

    contract: str = Field(min_length=1)
    action: str = "preview"
    mapping: str = ""
    mapping_name: Annotated[str, Field(max_length=64)] = ""
    period: Annotated[str, Field(max_length=40)] = ""
    phase: Annotated[str, Field(max_length=100)] = ""
    reference: Annotated[str, Field(max_length=200)] = ""
    received: date | None = None
    replaces: bool = False
    rates: str = "guess"
    figure: str = "rate"
    heading_row: Annotated[int, Field(ge=1, le=1000)] | None = None
    sheets: Annotated[str, Field(max_length=1000)] = ""
    phases: Annotated[str, Field(max_length=4000)] = ""


@routes.page("/authority/import", allow=AUTHORITY, section="authority")
async def start(visit: Visit) -> web.Response:
    """Choose a file."""
    return await _start(visit, None)


async def _start(visit: Visit, entered: Entered[Upload] | None, status: int = 200) -> web.Response:
    contracts, saved = await visit.read(_choices, visit)
    return visit.render(
        "settle/authority_import.html", status=status, entered=entered, contracts=contracts, saved=saved
    )


def _choices(connection: Connection, visit: Visit) -> tuple[dict[str, str], list[str]]:
    known = {name: title for name, title in receiving.known_contracts(connection).items() if sees(visit, name)}
    return known, [saved.name for saved in store.list_mappings(connection)]


@routes.form("/authority/import", allow=AUTHORITY, section="authority")
async def upload(visit: Visit) -> web.Response:
    """Put the file aside and show it."""
    entered = await visit.enter(Upload)
    file = entered.files.get("file")
    if file is None:
        entered = entered.wrong("file", visit.say("请选择 CSV、XLSX 或 XLS 文件"))
    if entered.model is None or file is None:
        return await _start(visit, entered, 422)
    visit.contract(entered.model.contract)
    folder, owner = visit.site.settings.data_dir, visit.person.name
    try:
        key = await visit.aside(uploads.put_aside, folder, owner, file.name, file.body, visit.at)
    except InputError as error:
        return await _start(visit, entered.refused(error), 422)
    response = visit.see(f"/authority/import/{key}")
    response.headers["Location"] += f"?{_query(entered.model.contract, entered.model.mapping)}"
    return response


def _query(contract: str, mapping: str) -> str:
    return urlencode({"contract": contract, **({"mapping": mapping} if mapping else {})})


@routes.page("/authority/import/{key}", allow=AUTHORITY, section="authority")
async def look(visit: Visit) -> web.Response:
    """Show the file's first rows as they are read with a saved mapping, or without one."""
    asked = visit.query(Upload) if visit.request.query.get("contract") else None
    if asked is None:
        raise MissingError
    choice = Choice(contract=visit.contract(asked.contract), mapping=asked.mapping)
    terms, label, mapping = await visit.read(_reading, choice)
    aside = await _aside(visit)
    read = await visit.compute(preview, aside.body, aside.name, terms, mapping, Asked())
    return await _shown(visit, choice, terms, mapping, label, read, None)


async def _aside(visit: Visit) -> uploads.Aside:
    found = await visit.aside(uploads.find_aside, visit.site.settings.data_dir, visit.person.name, visit.path("key"))
    if found is None:
        raise MissingError
    return found


def _reading(connection: Connection, choice: Choice) -> tuple[Terms, str, Mapping]:
    terms = receiving.terms_in_store(connection, choice.contract)
    label, mapping = receiving.saved_mapping(connection, choice.mapping) if choice.mapping else ("", Mapping())
    return terms, label, mapping


async def _shown(
    visit: Visit,
    choice: Choice,
    terms: Terms,
    mapping: Mapping,
    label: str,
    read: Preview,
    entered: Entered[Choice] | None,
    status: int = 200,
) -> web.Response:
    _, saved = await visit.read(_choices, visit)
    words = of_terms(terms)
    return visit.render(
        "settle/authority_preview.html", status=status, choice=choice, terms=terms, mapping=mapping, label=label,
        read=read, entered=entered, saved=saved, key=visit.path("key"), fields=fields(), field_zh=FIELD_ZH,
        rates=RATES, counts=COUNTS, today=visit.today.isoformat(), notes=read.notes[:SHOWN_NOTES],
        more_notes=max(0, len(read.notes) - SHOWN_NOTES), figures=read.figures[:SHOWN_FIGURES],
        phases="\n".join(f"{word} = {words.word(terms.contract, phase)}" for word, phase in mapping.phases.items()),
        words=words,
    )  # fmt: skip


@routes.form("/authority/import/{key}", allow=AUTHORITY, section="authority")
async def confirm(visit: Visit) -> web.Response:
    """Look again with another mapping, save the mapping, or bring the file in."""
    entered = await visit.enter(Choice)
    contract = visit.contract(entered.values.get("contract", ""))
    aside = await _aside(visit)
    choice = entered.model or Choice(contract=contract, mapping=entered.values.get("mapping", ""))
    try:
        terms, label, saved = await visit.read(_reading, choice)
    except InputError as error:
        entered = entered.refused(error)
        choice = choice.model_copy(update={"mapping": ""})
        terms, label, saved = await visit.read(_reading, choice)
    mapping, asked = saved, Asked()
    try:
        mapping = _edited(entered.values, choice, saved, terms) if entered.values.get("edited") else saved
        asked = _asked(choice, terms)
    except InputError as error:
        entered = entered.refused(error)
    read = await visit.compute(preview, aside.body, aside.name, terms, mapping, asked)
    if entered.model is None or choice.action == "preview":
        return await _shown(visit, choice, terms, mapping, label, read, entered, 422 if entered.errors else 200)
    changed = mapping.canonical() != saved.canonical()
    try:
        if choice.action == "save":
            made = await visit.write(
                receiving.save_mapping, choice.mapping_name, mapping, at=visit.at, actor=visit.person.name
            )
            address = f"/authority/import/{visit.path('key')}?{_query(contract, made.rpartition('@')[0])}"
            return visit.see(address, visit.say("映射已保存：{name}").format(name=made))
        if changed and not choice.mapping_name.strip():
            text = visit.say("映射有改动，请起个名称一并保存，以后的文件可直接选用")
            return await _shown(visit, choice, terms, mapping, label, read, entered.wrong("mapping_name", text), 422)
        if read.findings:
            raise InputError(read.findings)
        arrival = _arrival(choice, terms, mapping, label, read, aside.body, entered, visit.today)
        if changed:
            arrival = receiving.Arrival(arrival.file, arrival.body, arrival.scan, choice.mapping_name.strip(), mapping)
        stored, added = await visit.write(receiving.bring_in, arrival, at=visit.at, actor=visit.person.name)
    except InputError as error:
        return await _shown(visit, choice, terms, mapping, label, read, entered.refused(error), 422)
    await visit.aside(uploads.drop, visit.site.settings.data_dir, visit.path("key"))
    said = visit.say("已导入，待另一人核对") if added else visit.say("这个文件此前已导入")
    return visit.see(f"/authority/files/{stored.id}", said)


def _arrival(
    choice: Choice,
    terms: Terms,
    mapping: Mapping,
    label: str,
    read: Preview,
    body: bytes,
    entered: Entered[Choice],
    today: date,
) -> receiving.Arrival:
    """Put together what is stored. InputError for a scan that is none, or a day of receipt after today."""
    received = choice.received or today
    if received > today:
        text = f"收到日期在今天之后 after today: {received}"
        raise InputError([Finding("", 0, "received", text, "核对日期 check the day")])
    paper = entered.files.get("scan")
    scan = None if paper is None else receiving.checked_scan(paper.name, paper.body)
    file = receiving.imported(
        terms, read.name, label, (read.sha256, read.reference, read.notes, read.figures), received,
        reference=choice.reference, replaces=choice.replaces,
    )  # fmt: skip
    return receiving.Arrival(file, body, scan, mapping=mapping)


def _asked(choice: Choice, terms: Terms) -> Asked:
    findings = []
    when = when_of(choice.period) if choice.period else None
    if choice.period and (when is None or when.label(None) is None):
        text = f"不是带年份的月份或季度 not a month or quarter with its year: {choice.period}"
        findings.append(Finding("", 0, "period", text, "2020Q3, 2020-07"))
    if choice.phase and terms.phase(choice.phase) is None:
        known = ", ".join(phase.id for phase in terms.phases)
        findings.append(Finding("", 0, "phase", f"未知的期次 unknown phase: {choice.phase}", known))
    if findings:
        raise InputError(findings)
    return Asked(choice.period or None, choice.phase or None)


def _edited(values: ReadOnly[str, str], choice: Choice, saved: Mapping, terms: Terms) -> Mapping:
    """Make a mapping of the form's rows: heading-N beside field-N, and phases as lines `their word = our phase`.

    What a saved mapping says of headings that this file does not have stays.
    """
    here = {heading for name, heading in values.items() if name.startswith("heading-")}
    columns: dict[str, str] = {heading: field for heading, field in saved.columns.items() if heading not in here}
    for name, heading in values.items():
        number = name.removeprefix("heading-")
        if name.startswith("heading-") and number.isdecimal() and heading:
            field, was = values.get(f"field-{number}", ""), values.get(f"was-{number}", "")
            if field and (field != was or values.get(f"kept-{number}")):
                columns[heading] = field
    phases: dict[str, str] = {}
    ids = {word: phase for phase, word in words_of(terms).items()}
    findings: list[Finding] = []
    for n, line in enumerate(choice.phases.splitlines(), 1):
        if not line.strip():
            continue
        word, sign, phase = line.rpartition("=")
        if not sign or not word.strip() or not phase.strip():
            text = f"第 {n} 行不成“对方名称 = 期次” line {n} is not `their word = our phase`"
            findings.append(
                Finding("", 0, "phases", text, "2019年建设 = 一期（合同的期次名或编号 the phase by its name or id）")
            )
        phases[word.strip()] = ids.get(phase.strip(), phase.strip())
    if findings:
        raise InputError(findings)
    body: dict[str, Any] = {
        "columns": columns,
        "phases": phases,
        "rates": choice.rates,
        "figure": choice.figure,
        "sheets": tuple(word for word in re.split(r"[，,\n]", choice.sheets) if word.strip()),
        "heading_row": choice.heading_row,
    }
    try:
        mapping = Mapping.model_validate(body)
    except ValidationError as error:
        raise InputError(
            Finding("", 0, str(detail["loc"][0]), f"映射有误 not a mapping: {detail['msg']}", "重选 choose again")
            for detail in error.errors()
        ) from None
    return receiving.agreed_mapping(mapping, terms)
