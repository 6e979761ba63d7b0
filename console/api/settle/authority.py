"""The authority's files and figures, and both sides of a quarter, for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from console.api.settle.answers import Digest
from console.api.settle.authority_shapes import (
    CheckBody,
    FigureList,
    FileAnswer,
    FileList,
    MappingAnswer,
    MappingList,
    TypedBody,
    WithdrawBody,
    figure_answer,
    file_answer,
)
from console.authority import receiving
from console.authority.mapping import Mapping, mapping_of
from console.authority.previewing import preview
from console.authority.reading import Asked
from console.authority.typed import TypedSheet
from console.web.access import AUTHORITY, Role
from console.web.endpoints import uploaded
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError, refuse
from settlement.authority import Figure
from settlement.contract import Terms
from settlement.store import authority as store
from settlement.store import documents
from settlement.store.authority import StoredFile

routes = Routes()
TAG = "公安数据 the authority's figures"
READERS = AUTHORITY | {Role.EVALUATOR, Role.LEADER}


class FilesQuery(PageQuery):
    """Which files."""

    contract: str = ""
    status: Annotated[str, Field(pattern="^(pending|checked|withdrawn|)$")] = ""


@routes.endpoint(
    "GET", "/authority/files", allow=READERS, summary="文件 files", tag=TAG, query=FilesQuery, answer=FileList
)
async def files(visit: Visit, query: FilesQuery) -> FileList:
    """List the files of the contracts that the person sees, in the order in which they came."""
    rows = [
        file
        for file in await visit.read(store.list_files)
        if visit.person.sees_contract(file.contract)
        and query.contract in {"", file.contract}
        and query.status in {"", file.status}
    ]
    found, following = page(rows, query, lambda file: str(file.id))
    return FileList(items=[file_answer(file) for file in found], next=following)


def _found(connection: Connection, visit: Visit) -> StoredFile:
    number = visit.path("number")
    file = receiving.find(connection, int(number)) if number.isdecimal() and len(number) < 16 else None
    if file is None or not visit.person.sees_contract(file.contract):
        raise MissingError
    return file


@routes.endpoint(
    "GET", "/authority/files/{number}", allow=READERS, summary="一个文件 one file", tag=TAG, answer=FileAnswer
)
async def one(visit: Visit) -> FileAnswer:
    """Return one file."""
    return file_answer(await visit.read(_found, visit))


@routes.endpoint(
    "GET", "/authority/files/{number}/figures", allow=READERS, summary="文件中的数 a file's figures", tag=TAG,
    query=PageQuery, answer=FigureList,
)  # fmt: skip
async def figures(visit: Visit, query: PageQuery) -> FigureList:
    """List a file's figures in its order."""

    def read(connection: Connection) -> list[tuple[int, Figure]]:
        return list(enumerate(store.figures_of(connection, _found(connection, visit)), 1))

    found, following = page(await visit.read(read), query, lambda row: str(row[0]))
    return FigureList(items=[figure_answer(figure) for _, figure in found], next=following)


class FileQuery(Strict):
    """What comes with a file's bytes, which are the request's body."""

    contract: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    mapping: str = ""
    period: str | None = None
    phase: str | None = None
    reference: Annotated[str, Field(max_length=200)] = ""
    received: date | None = None
    replaces: bool = False
    scan: Digest | None = None


@routes.endpoint(
    "POST", "/authority/files", allow=AUTHORITY, summary="导入文件：请求体为 CSV、XLSX 或 XLS bring in a file: the body is the file",
    tag=TAG, query=FileQuery, answer=FileAnswer, status=201, upload="application/octet-stream",
)  # fmt: skip
async def bring_in(visit: Visit, query: FileQuery) -> FileAnswer:
    """Bring in a file. It counts once another person has checked it; the same bytes again answer with the same file."""
    visit.contract(query.contract)
    body = await uploaded(visit)
    terms, label, mapping = await visit.read(_reading, query)
    asked = Asked(query.period, query.phase)
    read = await visit.compute(preview, body, query.name, terms, mapping, asked)
    if read.findings:
        raise InputError(read.findings)
    received = _received(visit, query.received)
    said = (read.sha256, read.reference, read.notes, read.figures)
    file = receiving.imported(
        terms, query.name, label, said, received, reference=query.reference, replaces=query.replaces
    )
    arrival = receiving.Arrival(replace(file, scan_sha=query.scan), body)
    stored, _ = await visit.write(receiving.bring_in, arrival, at=visit.at, actor=visit.person.name)
    return file_answer(stored)


def _received(visit: Visit, day: date | None) -> date:
    if day is not None and day > visit.today:
        raise refuse(f"收到日期在今天之后 after today: {day}", "核对日期 check the day", column="received")
    return day or visit.today


def _reading(connection: Connection, query: FileQuery) -> tuple[Terms, str, Mapping]:
    terms = receiving.terms_in_store(connection, query.contract)
    _kept_scan(connection, query.scan)
    label, mapping = receiving.saved_mapping(connection, query.mapping) if query.mapping else ("", Mapping())
    return terms, label, receiving.agreed_mapping(mapping, terms)


def _kept_scan(connection: Connection, sha: str | None) -> None:
    if sha is not None and documents.media_known(connection, sha) not in receiving.SCANS:
        raise refuse(f"没有这份扫描件 no such scan: {sha[:16]}", "POST /api/v1/payments/papers", column="scan")


@routes.endpoint(
    "POST", "/authority/typed", allow=AUTHORITY, summary="手工录入 typed figures", tag=TAG, body=TypedBody,
    answer=FileAnswer, status=201,
)  # fmt: skip
async def typed(visit: Visit, body: TypedBody) -> FileAnswer:
    """Keep figures typed from a paper whose scan was kept before; they count once another person has checked them."""
    visit.contract(body.contract)

    def read(connection: Connection) -> tuple[Terms, receiving.Scan]:
        _kept_scan(connection, body.scan)
        name, content = documents.body_of(connection, body.scan)
        return receiving.terms_in_store(connection, body.contract), receiving.Scan(name, content)

    terms, scan = await visit.read(read)
    received = _received(visit, body.received)
    sheet = TypedSheet(reference=body.reference, received_on=received, figures=body.figures)
    arrival = await visit.aside(receiving.typed_arrival, sheet, terms, scan, received)
    arrival = replace(arrival, file=replace(arrival.file, replaces=body.replaces))
    stored, _ = await visit.write(receiving.bring_in, arrival, at=visit.at, actor=visit.person.name)
    return file_answer(stored)


@routes.endpoint(
    "POST", "/authority/files/{number}/check", allow=AUTHORITY, summary="另一人核对 a second person checks", tag=TAG,
    body=CheckBody, answer=FileAnswer,
)  # fmt: skip
async def check(visit: Visit, body: CheckBody) -> FileAnswer:
    """Vouch for a file's figures; of typed ones each is typed again or confirmed."""
    file = await visit.read(_found, visit)
    if not body.confirmed:
        raise refuse("须确认已对照原件 say that you compared it", "confirmed: true", column="confirmed")
    answers = {n: text or "=" for n, text in enumerate(body.figures)}
    await visit.write(receiving.check, file.id, answers, at=visit.at, actor=visit.person.name)
    return file_answer(await visit.read(_found, visit))


@routes.endpoint(
    "POST", "/authority/files/{number}/withdraw", allow=AUTHORITY, summary="撤回 withdraw a file", tag=TAG,
    body=WithdrawBody, answer=FileAnswer,
)  # fmt: skip
async def withdraw(visit: Visit, body: WithdrawBody) -> FileAnswer:
    """Take a file out of account; what it had replaced stands again."""
    file = await visit.read(_found, visit)
    await visit.write(receiving.withdraw, file.id, body.reason, at=visit.at, actor=visit.person.name)
    return file_answer(await visit.read(_found, visit))


@routes.endpoint("GET", "/authority/mappings", allow=READERS, summary="列映射 mappings", tag=TAG, answer=MappingList)
async def mappings(visit: Visit) -> MappingList:
    """List the saved mappings in their newest versions."""
    saved = await visit.read(store.list_mappings)
    return MappingList(
        items=[MappingAnswer(name=m.name, version=m.version, actor=m.actor, mapping=mapping_of(m.body)) for m in saved]
    )


@routes.endpoint(
    "PUT", "/authority/mappings/{name}", allow=AUTHORITY, summary="保存列映射 save a mapping", tag=TAG, body=Mapping,
    answer=MappingAnswer,
)  # fmt: skip
async def save_mapping(visit: Visit, body: Mapping) -> MappingAnswer:
    """Save a mapping under a name; a change is a further version."""
    label = await visit.write(receiving.save_mapping, visit.path("name"), body, at=visit.at, actor=visit.person.name)
    name, _, version = label.rpartition("@")
    return MappingAnswer(name=name, version=int(version), actor=visit.person.name, mapping=body)
