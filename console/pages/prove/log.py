"""The evidence log: how it stands, the checkpoint that witnesses sign, their signatures taken in, trust.json, the verifiers."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from console.evidence_page import page as verifier_page
from console.log import checkpoints, witnessing
from console.log.roles import title
from console.log.sealing import log_of
from console.log.state import DayRow, LogState, log_state, trust_text
from console.web.access import EVIDENCE_READERS, FINANCE, Role
from console.web.export import attachment, exported
from console.web.forms import Entered
from console.web.routes import Routes
from console.web.table import Column, TableQuery, table_of
from console.web.visit import Visit, answer
from console.web.words import N_
from monitor.evidence.note import Note
from monitor.finding import InputError

routes = Routes()
SECTION = "evidence"
WITNESS_TAKERS = FINANCE | {Role.OPERATIONS, Role.SUPPLIER, Role.EVALUATOR}
"""Who may hand in a witness's signature, the witnesses themselves above all. It is checked against the settings' keys."""
MAX_NOTE_BYTES = 65_536


def _unsigned(row: DayRow) -> str:
    return N_("未见证") if row.lacking else N_("由后日的见证覆盖")


def columns(named: bool, say: Callable[[str], str]) -> tuple[Column[DayRow], ...]:
    """Return the table's columns; `named`: the settings name witnesses, whose roles are told in the person's language."""
    return (
        Column("day", N_("日"), lambda r: r.day, "date", searched=True, link=lambda r: f"/evidence?day={r.day}"),
        Column("records", N_("记录数"), lambda r: r.records, "number"),
        Column("size", N_("累计"), lambda r: r.size, "number"),
        Column("root", N_("树根"), lambda r: r.root[:16], "code", searched=True),
        Column("whole", N_("树根（全）"), lambda r: r.root, "code", shown=False),
        Column(
            "signed", N_("见证签名"), lambda r: "、".join(map(say, map(title, r.signed))) or (_unsigned(r) if named else ""),
            "badge",
            tone=lambda r: "warn" if r.lacking else "good",
        ),
        Column("sealed", N_("封存于"), lambda r: r.sealed_at, "instant"),
    )  # fmt: skip


class LogQuery(TableQuery):
    """Whose day's checkpoint is shown; empty for the newest sealed day's."""

    day: str = ""
    newest: str = ""


@routes.page("/evidence", allow=EVIDENCE_READERS, section=SECTION)
async def state(visit: Visit) -> web.Response:
    """How the log stands."""
    return await _page(visit)


async def _page(visit: Visit, entered: Entered[Any] | None = None, status: int = 200) -> web.Response:
    query = visit.query(LogQuery)
    found, note = await visit.read(_read, visit, query)
    rows, its = list(reversed(found.days)), columns(bool(found.witnesses), visit.say)
    if query.format:
        return await exported(visit, rows, its, query, "evidence-days")
    shown = "day=" + query.day if query.day else "newest=1" if query.newest else ""
    return visit.render(
        "prove/log.html",
        status=status,
        entered=entered,
        log=found,
        note=note,
        point=None if note is None else note.checkpoint,
        shown=shown,
        title=title,
        table=table_of(rows, its, query),
        may_sign=visit.may(WITNESS_TAKERS),
    )


def _read(connection: Connection, visit: Visit, query: LogQuery) -> tuple[LogState, Note | None]:
    found = log_state(connection, visit.site.settings)
    if not found.days and not found.leaves:
        return found, None
    return found, _note(connection, query)


def _note(connection: Connection, query: LogQuery) -> Note:
    if query.day:
        return checkpoints.day_note(connection, query.day)
    return checkpoints.newest_note(connection, hours=bool(query.newest))


@routes.download("/evidence/checkpoint.{kind:svg|note}", allow=EVIDENCE_READERS)
async def checkpoint(visit: Visit) -> web.Response:
    """A checkpoint as a note to be signed, or its QR code as a picture."""
    query = visit.query(LogQuery)
    note = await visit.read(_note, query)
    if visit.path("kind") == "svg":
        return answer(visit.request, checkpoints.qr_file(note, ".svg"), "image/svg+xml")
    return attachment(note.encode(), "text/plain", f"checkpoint-{note.checkpoint.day or note.checkpoint.size}.note")


@routes.download("/evidence/trust.json", allow=EVIDENCE_READERS)
async def trust(visit: Visit) -> web.Response:
    """What an evaluator pins; to be handed over apart from any pack."""
    return attachment(await visit.aside(trust_text, visit.site.settings), "application/json", "trust.json")


@routes.download("/evidence/verifier.{kind:py|html}", allow=EVIDENCE_READERS)
async def verifier(visit: Visit) -> web.Response:
    """A verifier, to be saved. The page runs a script of its own and is never shown from here."""
    kind = visit.path("kind")
    if kind == "html":
        return attachment(await visit.aside(verifier_page), "application/octet-stream", "verifier.html")
    body = (files("monitor.evidence") / "verifier.py").read_bytes()
    return attachment(body, "application/octet-stream", "verifier.py")


class Signed(BaseModel):
    """A note with signatures, pasted; or it comes as the file `note_file`."""

    note: str = ""


@routes.page("/evidence/signatures", allow=EVIDENCE_READERS, section=SECTION)
async def to_sign(visit: Visit) -> web.Response:
    """Where a refused signature stood, looked at again: the form is on the log's page."""
    return visit.see("/evidence")


@routes.form("/evidence/signatures", allow=WITNESS_TAKERS, section=SECTION)
async def sign(visit: Visit) -> web.Response:
    """Take a witness's signature in."""
    entered = await visit.enter(Signed)
    paper = entered.files.get("note_file")
    data = entered.values.get("note", "").replace("\r\n", "\n").encode()
    if data and not data.endswith(b"\n"):
        data += b"\n"
    if paper is not None:
        data = paper.body
    if not data:
        return await _page(visit, entered.wrong("note", visit.say("请填写")), 422)
    if len(data) > MAX_NOTE_BYTES:
        return await _page(visit, entered.wrong("note", visit.say("文件过大，不是检查点")), 422)
    settings = visit.site.settings
    try:
        added = await visit.write(
            witnessing.add, log_of(settings), data, settings.evidence.witnesses, at=visit.at, actor=visit.person.name
        )
    except InputError as error:
        return await _page(visit, entered.refused(error), 422)
    told = "、".join(f"{visit.say(title(one.role))} → {one.day or one.size}" for one in added)
    new = any(one.new for one in added)
    said = visit.say("已收入见证签名：{told}") if new else visit.say("这些签名此前已有：{told}")
    return visit.see("/evidence", said.format(told=told))
